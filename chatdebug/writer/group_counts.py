"""Adds failures to their groups, each exactly once, however often it is said.

Every process keeps tallies: how many of one failure there were in one hour. What arrives
here says how high a tally stood; what the database adds is by how much that is higher than
what it knew of this tally. So a batch that is written again, and a file that is imported
twice or while its process lives, add nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
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
    GroupHour,
    OwnNumbers,
)
from chatdebug.models.groups import (
    AFFECTED_KNOWN,
    MODELS_NAMED,
    RELEASE_CHARACTERS,
    TITLE_CHARACTERS,
    TREND_KEPT,
    Numbers,
)
from chatdebug.payloads import clean, storable_id
from chatdebug.writer.group_affected import Affected, add_affected
from chatdebug.writer.group_locks import LockedGroups, RegroupedError, lock_groups
from chatdebug.writer.snapshot import Snapshot
from chatdebug.writer.statements import insert_rows
from chatdebug.writer.sums import add_numbers

KINDS = frozenset(ErrorKind.values)  # which the enum makes anew each time
COUNTED = tuple(field.name for field in Numbers._meta.local_fields)
STATE = ("state", "state_since")
"""What another failure may change of a group, with its numbers."""
STATUS_CODES = range(1_000)
TRIES = 5
"""A merge that comes between reading and locking makes one more try of it."""


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
    affected: dict[Affected, datetime]
    """Each with the moment in which its last turn began."""
    added: int = 0
    """How many of them the database did not know."""

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Self:
        """Read the columns of a failure. Raises ValueError or TypeError for nonsense."""

        def text(name: str, characters: int) -> str:
            return clean(str(columns.get(name, "")))[:characters]

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
            affected=dict([_affected(columns)]),
        )

    @property
    def hour(self) -> datetime:
        """The hour in which they were seen."""
        return self.first_seen.replace(minute=0, second=0, microsecond=0)

    def include(
        self,
        count: int,
        first_seen: datetime,
        last_seen: datetime,
        affected: tuple[Affected, datetime],
    ) -> None:
        """Take over what was said of the same tally at another time."""
        self.count = max(self.count, count)
        self.first_seen = min(self.first_seen, first_seen)
        self.last_seen = max(self.last_seen, last_seen)
        whom, began = affected
        if len(self.affected) <= AFFECTED_KNOWN or whom in self.affected:
            self.affected[whom] = max(began, self.affected.get(whom, began))


def tallies_of(rows: Iterable[Snapshot]) -> list[Tally]:
    """Return the tallies that failures stand for. Raises ValueError for nonsense."""
    tallies: dict[str, Tally] = {}
    for row in rows:
        columns = row.columns
        if (known := tallies.get(columns["tally"])) is None:
            tallies[columns["tally"]] = Tally.of(columns)
        else:  # what it is, the first of them has said
            first, last = columns["first_seen"], columns["last_seen"]
            first_seen = _moment(first)
            last_seen = first_seen if last is first else _moment(last)
            known.include(
                int(columns["count"]), first_seen, last_seen, _affected(columns)
            )
    return list(tallies.values())


def add_tallies(tallies: Sequence[Tally], *, using: str, are_live: bool = True) -> None:
    """Add to groups what they do not know yet of these tallies, all or nothing.

    ``are_live`` is False for failures of which only their stored runs are known. A dozen
    statements, however many tallies. Raises django.db.Error, and RegroupedError where
    people merge and split these groups all the time.
    """
    for _ in range(TRIES - 1):
        with suppress(RegroupedError):
            return _add_tallies(tallies, using, are_live=are_live)
    return _add_tallies(tallies, using, are_live=are_live)


def _add_tallies(tallies: Sequence[Tally], using: str, *, are_live: bool) -> None:
    # A savepoint: without it, a second try would still hold the locks of the first one.
    with transaction.atomic(using=using):
        added = _note_tallies(tallies, using)
        if not added:
            return
        groups = lock_groups(_new_groups(added), using=using)
        _add_hours(groups, added, using)
        add_affected(groups, added, using)
        adding: dict[Numbers, list[Tally]] = defaultdict(list)
        for tally in added:
            part = groups.numbers_of(tally.fingerprint)
            whole = groups.whole_of(tally.fingerprint)
            for row in (part,) if part is whole else (part, whole):
                adding[row].append(tally)
        for row, its in adding.items():
            _take(row, its, are_live=are_live)
        grown = [row for row in adding if isinstance(row, ErrorGroup)]
        _renew(grown, (*COUNTED, *STATE), using)
        own = [row for row in adding if isinstance(row, OwnNumbers)]
        _renew(own, COUNTED, using)


def _note_tallies(tallies: Sequence[Tally], using: str) -> list[Tally]:
    """Note how high tallies stand, and return those that were higher than was known.

    New ones are inserted, so that whoever else has the same tally waits; in the order of
    their keys, so that two writers never wait for each other.
    """
    known = FailureTally.objects.using(using)
    changed: list[FailureTally] = []
    in_order = sorted(tallies, key=lambda tally: tally.id)
    locked = known.select_for_update().order_by("pk")
    rows = locked.in_bulk([tally.id for tally in in_order])
    if new := [tally for tally in in_order if tally.id not in rows]:
        known.bulk_create(
            [FailureTally(id=tally.id, hour=tally.hour) for tally in new],
            ignore_conflicts=True,
        )
        rows |= locked.in_bulk([tally.id for tally in new])
    added = []
    for tally in in_order:
        row = rows[tally.id]
        tally.added = tally.count - row.count
        if tally.added > 0:
            row.count = tally.count
            added.append(tally)
            changed.append(row)
    _renew(changed, ("count",), using)
    return added


def _new_groups(tallies: Iterable[Tally]) -> dict[str, ErrorGroup]:
    """Return what a group would be like, made of the first of its tallies."""
    first: dict[str, Tally] = {}
    for tally in sorted(tallies, key=lambda tally: tally.first_seen):
        first.setdefault(tally.fingerprint, tally)
    return {
        fingerprint: ErrorGroup(
            fingerprint=fingerprint,
            title=tally.title,
            kind=tally.kind,
            provider=tally.provider,
            status_code=tally.status_code,
            first_seen=tally.first_seen,
            last_seen=tally.last_seen,
            first_release=tally.release,
        )
        for fingerprint, tally in first.items()
    }


def _add_hours(groups: LockedGroups, tallies: Sequence[Tally], using: str) -> None:
    oldest = timezone.now() - TREND_KEPT
    counts: dict[tuple[int, datetime, str, str], int] = defaultdict(int)
    for tally in tallies:
        if tally.hour >= oldest:
            group = groups.of(tally.fingerprint)  # a part has its own hours
            counts[group.pk, tally.hour, tally.model, tally.release] += tally.added
    if not counts:
        return
    rows = ((*key, count) for key, count in sorted(counts.items()))
    unique = ("group_id", "hour", "model", "release")
    add_numbers(GroupHour, unique, ("count",), rows, using)


def _renew(rows: Sequence[Model], changed: Sequence[str], using: str) -> None:
    """Store what has changed of rows that are there.

    An INSERT that meets its own rows: ``bulk_update`` has a condition for each row and
    column, whose making took longer than all else that is done for a failure.
    """
    if rows:
        names = [field.attname for field in rows[0]._meta.concrete_fields]
        stored = ({name: getattr(row, name) for name in names} for row in rows)
        insert_rows(type(rows[0]), stored, renewed=changed, using=using)


def _take(row: Numbers, tallies: Sequence[Tally], *, are_live: bool) -> None:
    """Let a row count these failures, and a group know whether they change its state."""
    added = sum(tally.added for tally in tallies)
    first = min(tallies, key=lambda tally: tally.first_seen)
    last = max(tallies, key=lambda tally: tally.last_seen)
    if first.first_seen < row.first_seen:
        row.first_seen, row.first_release = first.first_seen, first.release
    if last.last_seen >= row.last_seen:
        row.last_seen, row.last_release = last.last_seen, last.release
    if are_live and row.counted_since is None:
        row.counted_since = first.first_seen
    known = row.model_names if isinstance(row.model_names, list) else []
    seen = (tally.model for tally in tallies if tally.model)
    row.model_names = list(dict.fromkeys([*known, *seen]))[:MODELS_NAMED]
    if isinstance(row, ErrorGroup) and row.merged_into_id is None:
        state = _next_state(row, tallies, count=row.count + added)
        if state:
            row.state, row.state_since = state, timezone.now()
    row.count += added


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
        is_much = most is not None and count >= most and bool(since)
        return GroupState.OPEN if is_over or is_much else None
    return None


def _affected(columns: dict[str, Any]) -> tuple[Affected, datetime]:
    """Return the chat of a failure and its owner, and when its turn began.

    Files of the version before do not say when: it had begun when it failed.
    """
    chat, owner = columns.get("chat_id", ""), columns.get("owner_id", "")
    began = columns.get("started_at") or columns["first_seen"]
    return (storable_id(str(chat)), storable_id(str(owner))), _moment(began)


def _moment(value: object) -> datetime:
    """Return a moment as this project's database has it. Raises TypeError for none."""
    if not isinstance(value, datetime):
        raise TypeError("A failure without a time cannot be counted")
    if timezone.is_aware(value) == settings.USE_TZ:
        return value
    return timezone.make_aware(value) if settings.USE_TZ else timezone.make_naive(value)
