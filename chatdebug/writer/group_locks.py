"""Locks the groups that a batch of failures is added to, so that no two writers wait for
each other."""

from collections.abc import Iterable, Mapping

from chatdebug.models import ErrorGroup, OwnNumbers
from chatdebug.models.groups import Numbers


class RegroupedError(Exception):
    """Groups were merged, split or deleted while they were about to be locked."""


class LockedGroups:
    """Groups by their fingerprints, and those that they were merged into, all locked."""

    def __init__(self, rows: Iterable[ErrorGroup], *, using: str) -> None:
        self._by_fingerprint = {row.fingerprint: row for row in rows}
        self._by_key = {row.pk: row for row in self._by_fingerprint.values()}
        # Read when the locks are held: what a join finds is from before the wait for them.
        own = OwnNumbers.objects.using(using).filter(group__in=self._by_key)
        self._own = {numbers.group_id: numbers for numbers in own}

    def of(self, fingerprint: str) -> ErrorGroup:
        """Return the group that has the fingerprint, whether it is merged or not."""
        return self._by_fingerprint[fingerprint]

    def whole_of(self, fingerprint: str) -> ErrorGroup:
        """Return the group that people see: that one, or what it was merged into."""
        group = self.of(fingerprint)
        return self._by_key[group.whole_key]

    def numbers_of(self, fingerprint: str) -> Numbers:
        """Return what counts failures of this fingerprint alone."""
        group = self.of(fingerprint)
        return self._own.get(group.pk, group)

    def is_complete(self, fingerprints: Iterable[str]) -> bool:
        """Return whether each of these has its group here, and what that is a part of."""
        wholes = {row.merged_into_id for row in self._by_key.values()} - {None}
        return (
            self._by_fingerprint.keys() >= set(fingerprints)
            and self._by_key.keys() >= wholes
        )


def lock_groups(new: Mapping[str, ErrorGroup], *, using: str) -> LockedGroups:
    """Return the groups of these fingerprints, locked; ``new`` are made where there is none.

    Those are made first, and then all are locked with one statement: both times in one
    order, so that no two writers, and no merge, ever wait for each other. Raises
    RegroupedError where what is locked is not what was read before.
    """
    groups = ErrorGroup.objects.using(using)
    rows = groups.filter(fingerprint__in=new)
    known = dict(rows.values_list("fingerprint", "merged_into__fingerprint"))
    if missing := sorted(new.keys() - known.keys()):
        groups.bulk_create(
            [new[fingerprint] for fingerprint in missing],
            ignore_conflicts=True,  # with another process, whose row it is then
        )
    wanted = {*new, *filter(None, known.values())}
    locked = LockedGroups(
        groups.filter(fingerprint__in=wanted)
        .select_for_update()
        .order_by("fingerprint"),
        using=using,
    )
    if not locked.is_complete(new):
        raise RegroupedError
    return locked
