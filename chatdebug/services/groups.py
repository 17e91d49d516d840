"""Groups: what people decide about them, and how long they are kept."""

from datetime import datetime, timedelta

from django.utils import timezone

from chatdebug.access import User
from chatdebug.conf import recorder_settings
from chatdebug.enums import GroupState
from chatdebug.models import ErrorGroup, FailureTally, GroupAffected, GroupHour
from chatdebug.models.groups import TREND_KEPT
from chatdebug.querysets import ErrorGroupQuerySet

BATCH_GROUPS = 500
TALLIES_KEPT = timedelta(days=90)
"""How long the tallies of a lost host's processes may come back from its disk."""
NAME_CHARACTERS = 200


def resolve_groups(*, groups: ErrorGroupQuerySet) -> int:
    """Take these groups as mended, in the release that runs; return how many were not yet.

    One that is seen again reappears.
    """
    return groups.exclude(state=GroupState.RESOLVED).update(
        **settled(state=GroupState.RESOLVED)
        | {"resolved_release": recorder_settings().RELEASE}
    )


def reopen_groups(*, groups: ErrorGroupQuerySet) -> int:
    """Take these groups as known and not mended; return how many were not."""
    return groups.exclude(state=GroupState.OPEN).update(
        **settled(state=GroupState.OPEN)
    )


def ignore_groups(
    *,
    groups: ErrorGroupQuerySet,
    until: datetime | None = None,
    until_count: int | None = None,
) -> int:
    """Leave these groups alone; return how many there are.

    A failure at that time or later, or one that makes so many in all, opens them again.
    """
    return groups.update(
        **settled(state=GroupState.IGNORED)
        | {"ignored_until": until, "ignored_until_count": until_count}
    )


def assign_groups(*, groups: ErrorGroupQuerySet, to: User | None) -> int:
    """Say who looks after these groups, or that nobody does; return how many there are.

    A new one is not news any more then.
    """
    name = "" if to is None else str(to)[:NAME_CHARACTERS]
    assigned = groups.update(
        assignee_id="" if to is None else str(to.pk), assignee_name=name
    )
    if to is not None:
        groups.filter(state=GroupState.NEW).update(**settled(state=GroupState.OPEN))
    return assigned


def prune_groups(*, using: str | None = None) -> int:
    """Delete groups that were not seen for long, and hours that no trend shows any more.

    Returns how many groups. At most ``BATCH_GROUPS`` at a time. Raises django.db.Error.
    """
    using = using or recorder_settings().DATABASE
    now, days = timezone.now(), recorder_settings().GROUPS_DAYS
    GroupHour.objects.using(using).filter(hour__lt=now - TREND_KEPT).delete()
    FailureTally.objects.using(using).filter(hour__lt=now - TALLIES_KEPT).delete()
    if not days:
        return 0
    groups = ErrorGroup.objects.using(using)
    old = groups.not_merged().unseen_since(now - timedelta(days=days)).order_by()
    batch = list(old.values_list("pk", flat=True)[:BATCH_GROUPS])
    # One that is seen at this moment stays. Parts go with what they were merged into.
    groups.unseen_since(now - timedelta(days=days)).filter(pk__in=batch).delete()
    return len(batch)


def forget_affected(*, what: GroupAffected.What, key: str) -> None:
    """Forget the id of a chat or a person; the groups' numbers stay.

    Raises django.db.Error.
    """
    if key:
        GroupAffected.objects.filter(what=what, key=key).delete()


def settled(*, state: GroupState) -> dict[str, object]:
    """Return the columns of a state that somebody decided, at this moment."""
    return {
        "state": state,
        "state_since": timezone.now(),
        "resolved_release": "",
        "ignored_until": None,
        "ignored_until_count": None,
    }
