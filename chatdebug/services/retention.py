"""Deletes runs that are older than the deployment keeps them."""

from datetime import timedelta
from time import monotonic

from django.db import router, transaction
from django.utils import timezone

from chatdebug.access import User
from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun, Retention
from chatdebug.models.retention import DEFAULT_DAYS
from chatdebug.services.audit import note_change

BATCH_RUNS = 500
"""Deleted at a time: on SQLite others wait for it, a tenth of a second."""


def retention_days(*, using: str | None = None) -> int:
    """Return how many days runs are kept; 0: for ever. Raises django.db.Error."""
    kept = Retention.objects.using(using).values_list("days", flat=True).first()
    return DEFAULT_DAYS if kept is None else kept


def set_retention_days(*, days: int, by: User) -> bool:
    """Set how long runs are kept; return whether that changed anything.

    Nothing is written when it is so already, and a change leaves a trace with the old and
    the new number.
    """
    using = router.db_for_write(Retention)
    with transaction.atomic(using=using):
        old = retention_days(using=using)
        if old == days:
            return False
        row, _ = Retention.objects.update_or_create(id=1, defaults={"days": days})
        note_change(by=by, row=row, old=str(old), new=str(days))
    return True


def prune_runs(
    *, days: int | None = None, limit: int | None = None, using: str | None = None
) -> int:
    """Delete one batch of the runs that are kept no longer; return how many.

    ``days`` is the deployment's own number by default. A run counts from its last sign of
    life, so one in progress stays. Raises django.db.Error.
    """
    using = using or recorder_settings().DATABASE
    days = retention_days(using=using) if days is None else days
    if days <= 0:
        return 0
    before = timezone.now() - timedelta(days=days)
    runs = ChatRun.objects.using(using)
    old = runs.unchanged_since(before).values_list("pk", flat=True)
    batch = list(old[: limit or BATCH_RUNS])
    if batch:
        # Their steps go with them in the database; one that lives again stays.
        runs.unchanged_since(before).filter(pk__in=batch).order_by().delete()
    return len(batch)


def prune_within(*, seconds: float, using: str | None = None) -> bool:
    """Prune batch after batch for so long; return whether nothing is left to prune.

    Always at least one batch. Raises django.db.Error.
    """
    ends = monotonic() + seconds
    while prune_runs(using=using) == BATCH_RUNS:
        if monotonic() >= ends:
            return False
    return True
