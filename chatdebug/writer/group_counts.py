"""Adds failures to their groups, each exactly once, however often it is said.

Every process keeps tallies: how many of one failure there were in one hour. What arrives
here says how high a tally stood; what the database adds is by how much that is higher than
what it knew of this tally. So a batch that is written again, and a file that is imported
twice or while its process lives, add nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from chatdebug.enums import ErrorKind, GroupState
from chatdebug.models import (
    ErrorGroup,
    FailureTally,
    ForgottenChat,
    GroupAffected,
    GroupHour,
)
from chatdebug.models.groups import (
    AFFECTED_KNOWN,
    MODELS_NAMED,
    RELEASE_CHARACTERS,
    TITLE_CHARACTERS,
    TREND_KEPT,
)
from chatdebug.payloads import clean, storable_id
from chatdebug.writer.snapshot import Snapshot
from chatdebug.writer.sums import add_numbers

CHANGED = (
    *("count", "chats", "people", "model_names", "first_seen", "last_seen"),
    *("first_release", "last_release", "state", "state_since", "counted_since"),
)
"""What another failure may change of a group."""
KINDS = frozenset(ErrorKind.values)  # which the enum makes anew each time
STATUS_CODES = range(1_000)


@dataclass(slots=True)
class Tally:
    """How often a process has seen one failure in one hour, and whom it affected."""

    id: UUID
    count: int
    fingerprint: str
    title: str
    kind: str
    provider: str
    model: str
    status_code: int | None
    release: str
    first_seen: datetime
    last_seen: datetime
    affected: set[tuple[str, str]]
    """Each a chat with its owner, either of which may be empty."""
    added: int = 0
    """How many of them the database did not know."""

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Self:
        """Read the columns of a failure. Raises ValueError or TypeError for nonsense."""

        def text(name: str, characters: int) -> str:
            return clean(str(columns.get(name, "")))[:characters]

        def an_id(name: str) -> str:
            return storable_id(str(columns.get(name, "")))

        kind, status = columns.get("kind"), columns.get("status_code")
        return cls(
            id=UUID(str(columns["tally"])),
            count=int(columns["count"]),
            fingerprint=text("fingerprint", 32),
            title=text("title", TITLE_CHARACTERS),
            kind=kind if kind in KINDS else ErrorKind.GENERIC,
            provider=text("provider", 64),
            model=text("model", 200),
            status_code=status if status in STATUS_CODES else None,
            release=text("release", RELEASE_CHARACTERS),
            first_seen=_moment(columns["first_seen"]),
            last_seen=_moment(columns["last_seen"]),
            affected={(an_id("chat_id"), an_id("owner_id"))},
        )

    @property
    def hour(self) -> datetime:
        """The hour in which they were seen."""
        return self.first_seen.replace(minute=0, second=0, microsecond=0)

    def include(self, other: Self) -> None:
        """Take over what was said of the same tally at another time."""
        self.count = max(self.count, other.count)
        self.first_seen = min(self.first_seen, other.first_seen)
        self.last_seen = max(self.last_seen, other.last_seen)
        if len(self.affected) <= AFFECTED_KNOWN:
            self.affected |= other.affected


def tallies_of(rows: Iterable[Snapshot]) -> list[Tally]:
    """Return the tallies that failures stand for. Raises ValueError for nonsense."""
    tallies: dict[UUID, Tally] = {}
    for row in rows:
        tally = Tally.of(row.columns)
        if (known := tallies.setdefault(tally.id, tally)) is not tally:
            known.include(tally)
    return list(tallies.values())


def add_tallies(tallies: Sequence[Tally], *, using: str, are_live: bool = True) -> None:
    """Add to groups what they do not know yet of these tallies, all or nothing.

    ``are_live`` is False for failures of which only their stored runs are known. A dozen
    statements, however many tallies. Raises django.db.Error.
    """
    with transaction.atomic(using=using):
        added = _note_tallies(tallies, using)
        if not added:
            return
        groups = _locked_groups(added, using)
        by_group: dict[str, list[Tally]] = defaultdict(list)
        for tally in added:
            by_group[tally.fingerprint].append(tally)
        _add_hours(groups, added, using)
        _add_affected(groups, added, using)
        for fingerprint, its in by_group.items():
            _take(groups[fingerprint], its, are_live=are_live)
        _renew(groups.values(), ("id",), CHANGED, using)


def _note_tallies(tallies: Sequence[Tally], using: str) -> list[Tally]:
    """Note how high tallies stand, and return those that were higher than was known.

    They are inserted first, so that whoever else has the same tally waits; in the order
    of their keys, so that two writers never wait for each other.
    """
    known = FailureTally.objects.using(using)
    changed: list[FailureTally] = []
    in_order = sorted(tallies, key=lambda tally: tally.id)
    known.bulk_create(
        [FailureTally(id=tally.id, hour=tally.hour) for tally in in_order],
        ignore_conflicts=True,
    )
    locked = known.select_for_update().order_by("pk")
    rows = locked.in_bulk([tally.id for tally in in_order])
    added = []
    for tally in in_order:
        row = rows[tally.id]
        tally.added = tally.count - row.count
        if tally.added > 0:
            row.count = tally.count
            added.append(tally)
            changed.append(row)
    _renew(changed, ("id",), ("count",), using)
    return added


def _locked_groups(tallies: Sequence[Tally], using: str) -> dict[str, ErrorGroup]:
    """Return the groups by their fingerprints; those that are new are made."""
    first: dict[str, Tally] = {}
    for tally in sorted(tallies, key=lambda tally: tally.first_seen):
        first.setdefault(tally.fingerprint, tally)
    groups = ErrorGroup.objects.using(using)
    locked = groups.select_for_update().filter(fingerprint__in=first)
    found = {group.fingerprint: group for group in locked.order_by("fingerprint")}
    if missing := sorted(first.keys() - found.keys()):
        groups.bulk_create(
            [_new_group(first[fingerprint]) for fingerprint in missing],
            ignore_conflicts=True,  # with another process, whose row it is then
        )
        made = locked.filter(fingerprint__in=missing).order_by("fingerprint")
        found |= {group.fingerprint: group for group in made}
    return found


def _new_group(tally: Tally) -> ErrorGroup:
    return ErrorGroup(
        fingerprint=tally.fingerprint,
        title=tally.title,
        kind=tally.kind,
        provider=tally.provider,
        status_code=tally.status_code,
        first_seen=tally.first_seen,
        last_seen=tally.last_seen,
        first_release=tally.release,
    )


def _add_hours(
    groups: dict[str, ErrorGroup], tallies: Sequence[Tally], using: str
) -> None:
    oldest = timezone.now() - TREND_KEPT
    counts: dict[tuple[int, datetime, str, str], int] = defaultdict(int)
    for tally in tallies:
        if tally.hour >= oldest:
            group = groups[tally.fingerprint]
            key = (group.pk, tally.hour, tally.model, tally.release)
            counts[key] += tally.added
    if not counts:
        return
    rows = ((*key, count) for key, count in sorted(counts.items()))
    unique = ("group_id", "hour", "model", "release")
    add_numbers(GroupHour, unique, ("count",), rows, using)


def _add_affected(
    groups: dict[str, ErrorGroup], tallies: Sequence[Tally], using: str
) -> None:
    """Count the chats and people that a group does not know yet.

    Those of a chat that was deleted since stay unknown.
    """
    wanted: dict[tuple[int, str, str], ErrorGroup] = {}
    chats: dict[tuple[int, str, str], tuple[str, datetime]] = {}
    for tally in tallies:
        group = groups[tally.fingerprint]
        for chat, person in sorted(tally.affected):
            for what, key in (("chat", chat), ("person", person)):
                if key and _number(group, what) <= AFFECTED_KNOWN:
                    wanted[group.pk, what, key] = group
                    chats[group.pk, what, key] = chat, tally.first_seen
    affected = GroupAffected.objects.using(using)
    known = affected.filter(
        group_id__in={key[0] for key in wanted}, key__in={key[2] for key in wanted}
    ).values_list("group_id", "what", "key")
    unknown = wanted.keys() - set(known) if wanted else set()
    gone = _forgotten({chats[named][0] for named in unknown}, using)
    new = []
    for named in unknown:
        group, (_, what, key), (chat, seen) = wanted[named], named, chats[named]
        number = _number(group, what)
        if number > AFFECTED_KNOWN or (chat in gone and gone[chat] >= seen):
            continue
        setattr(group, "chats" if what == "chat" else "people", number + 1)
        if number < AFFECTED_KNOWN:  # one more stands for any number
            new.append(GroupAffected(group_id=group.pk, what=what, key=key))
    if new:
        affected.bulk_create(new)


def _renew(
    rows: Iterable[Model], unique: Sequence[str], changed: Sequence[str], using: str
) -> None:
    """Store rows; of those that are there, renew what has changed.

    An INSERT that meets its own rows: ``bulk_update`` has a condition for each row and
    column, whose making took longer than all else that is done for a failure.
    """
    in_order = list(rows)
    if in_order:
        type(in_order[0])._default_manager.using(using).bulk_create(
            in_order,
            update_conflicts=True,
            unique_fields=unique,
            update_fields=changed,
        )


def _forgotten(chats: set[str], using: str) -> dict[str, datetime]:
    """Return which of these chats were deleted, and when."""
    if not chats:
        return {}
    marks = ForgottenChat.objects.using(using).filter(chat_id__in=chats)
    return dict(marks.values_list("chat_id", "forgotten_at"))


def _number(group: ErrorGroup, what: str) -> int:
    return group.chats if what == "chat" else group.people


def _take(group: ErrorGroup, tallies: Sequence[Tally], *, are_live: bool) -> None:
    """Let a group know these failures, and whether they change its state."""
    added = sum(tally.added for tally in tallies)
    first = min(tallies, key=lambda tally: tally.first_seen)
    last = max(tallies, key=lambda tally: tally.last_seen)
    if first.first_seen < group.first_seen:
        group.first_seen, group.first_release = first.first_seen, first.release
    if last.last_seen >= group.last_seen:
        group.last_seen, group.last_release = last.last_seen, last.release
    if are_live and group.counted_since is None:
        group.counted_since = first.first_seen
    known = group.model_names if isinstance(group.model_names, list) else []
    seen = (tally.model for tally in tallies if tally.model)
    group.model_names = list(dict.fromkeys([*known, *seen]))[:MODELS_NAMED]
    if state := _next_state(group, tallies, count=group.count + added):
        group.state, group.state_since = state, timezone.now()
    group.count += added


def _next_state(
    group: ErrorGroup, tallies: Sequence[Tally], *, count: int
) -> GroupState | None:
    """Return what these failures make of a group that was resolved or ignored.

    A failure from before that changes nothing, nor does one in the release in which the
    group was resolved: that is what the next release mends.
    """
    since = [tally for tally in tallies if tally.last_seen > group.state_since]
    if group.state == GroupState.RESOLVED:
        resolved = group.resolved_release
        is_back = any(not resolved or tally.release != resolved for tally in since)
        return GroupState.REAPPEARED if is_back else None
    if group.state == GroupState.IGNORED:
        until, most = group.ignored_until, group.ignored_until_count
        is_over = until is not None and any(each.last_seen >= until for each in since)
        is_much = most is not None and count >= most
        return GroupState.OPEN if is_over or is_much else None
    return None


def _moment(value: object) -> datetime:
    """Return a moment as this project's database has it. Raises TypeError for none."""
    if not isinstance(value, datetime):
        raise TypeError("A failure without a time cannot be counted")
    if timezone.is_aware(value) == settings.USE_TZ:
        return value
    return timezone.make_aware(value) if settings.USE_TZ else timezone.make_naive(value)
