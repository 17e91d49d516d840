"""Counts the chats and people that a group has affected, each once.

A turn that had begun when its chat or its owner was forgotten names neither of them,
however late it failed, and from whichever file its failure comes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chatdebug.models import ErrorGroup, ForgottenChat, ForgottenOwner, GroupAffected
from chatdebug.models.forgotten import MARGIN
from chatdebug.models.groups import AFFECTED_KNOWN, Numbers
from chatdebug.writer.group_locks import LockedGroups

if TYPE_CHECKING:
    from chatdebug.writer.group_counts import Tally

type Affected = tuple[str, str]
"""A chat and its owner, either of which may be empty."""
type _Named = tuple[int, str, str]
"""The key of a group, whether a chat or a person, and whose id."""
type _Turn = tuple[Affected, datetime]
"""Whose it was, and when it began."""


def add_affected(groups: LockedGroups, tallies: Sequence["Tally"], using: str) -> None:
    """Count the chats and people that a group does not know yet.

    A merged group counts whom none of its parts knows. Raises django.db.Error.
    """
    wanted: dict[_Named, list[_Turn]] = defaultdict(list)
    fingerprints: dict[int, str] = {}
    for tally in tallies:
        key_of_group = groups.of(tally.fingerprint).pk
        fingerprints[key_of_group] = tally.fingerprint
        part = groups.numbers_of(tally.fingerprint)
        for turn in sorted(tally.affected.items()):
            for what, key in zip(("chat", "person"), turn[0], strict=True):
                if key and _number(part, what) <= AFFECTED_KNOWN:
                    wanted[key_of_group, what, key].append(turn)
    known, known_to_wholes = _known_affected(groups, wanted, fingerprints, using)
    unknown = wanted.keys() - known
    gone = _forgotten((turn for named in unknown for turn in wanted[named]), using)
    new = []
    for named in unknown:
        group, what, key = named
        part = groups.numbers_of(fingerprints[group])
        whole = groups.whole_of(fingerprints[group])
        number = _number(part, what)
        if number > AFFECTED_KNOWN or gone.issuperset(wanted[named]):
            continue
        _set_number(part, what, number + 1)
        # AFFECTED_KNOWN + 1 means more than that; this id is not stored.
        if number < AFFECTED_KNOWN:
            new.append(GroupAffected(group_id=group, what=what, key=key))
        if part is not whole and (whole.pk, what, key) not in known_to_wholes:
            known_to_wholes.add((whole.pk, what, key))
            more = min(_number(whole, what) + 1, AFFECTED_KNOWN + 1)
            _set_number(whole, what, more)
    if new:
        GroupAffected.objects.using(using).bulk_create(new)


def _known_affected(
    groups: LockedGroups,
    wanted: Iterable[_Named],
    fingerprints: Mapping[int, str],
    using: str,
) -> tuple[set[_Named], set[_Named]]:
    """Return which of these are known: to the group itself, and to the whole it is in."""
    wanted = set(wanted)
    if not wanted:
        return set(), set()
    wholes = {key: key for key, _, _ in wanted}
    merged = [
        groups.whole_of(name).pk
        for name in fingerprints.values()
        if groups.numbers_of(name) is not groups.whole_of(name)
    ]
    if merged:  # their other parts are in no lock: they have that of the whole
        parts = ErrorGroup.objects.using(using).filter(merged_into__in=merged)
        wholes |= {part.pk: part.whole_key for part in parts.only("merged_into")}
        wholes |= {key: key for key in merged}
    rows = GroupAffected.objects.using(using).filter(
        group_id__in=wholes, key__in={key for _, _, key in wanted}
    )
    known = set(rows.values_list("group_id", "what", "key"))
    return known, {(wholes[group], what, key) for group, what, key in known}


def _forgotten(turns: Iterable[_Turn], using: str) -> set[_Turn]:
    """Return those of these turns that had begun when chat or owner was forgotten."""
    turns = set(turns)
    chats = ForgottenChat.objects.using(using).filter(
        pk__in={chat for (chat, _), _ in turns if chat}
    )
    owners = ForgottenOwner.objects.using(using).filter(
        pk__in={owner for (_, owner), _ in turns if owner}
    )
    # Without keys the database is not asked.
    gone_chats = dict(chats.values_list("pk", "forgotten_at"))
    gone_owners = dict(owners.values_list("pk", "forgotten_at"))
    return {
        ((chat, owner), began)
        for (chat, owner), began in turns
        if any(
            forgotten_at is not None and began <= forgotten_at + MARGIN
            for forgotten_at in (gone_chats.get(chat), gone_owners.get(owner))
        )
    }


def _number(row: Numbers, what: str) -> int:
    return row.chats if what == "chat" else row.people


def _set_number(row: Numbers, what: str, number: int) -> None:
    setattr(row, "chats" if what == "chat" else "people", number)
