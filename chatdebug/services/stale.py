"""Ends runs whose process is gone."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep

LOST_NOTE = "The process that recorded this was lost."
BATCH_RUNS = 500


def mark_stale_runs(*, after: timedelta | None = None, using: str | None = None) -> int:
    """Turn runs without a heartbeat for ``after`` into interrupted ones; return how many.

    Default is the setting ``STALE_SECONDS``. A run that is only believed to be lost is
    put right by its own process with its next row. Raises django.db.Error.
    """
    config = recorder_settings()
    using = using or config.DATABASE
    after = timedelta(seconds=config.STALE_SECONDS) if after is None else after
    marked = 0
    while True:
        stale = ChatRun.objects.using(using).stale(now=timezone.now(), after=after)
        batch = list(stale.only("id", "summary", "updated_at")[:BATCH_RUNS])
        ended = sum(_end(run, using) for run in batch)
        marked += ended
        if not ended or len(batch) < BATCH_RUNS:
            return marked


def _end(run: ChatRun, using: str) -> int:
    """End one run with its steps, unless it gave a sign of life meanwhile."""
    ending = {
        "status": Status.INTERRUPTED,
        "finished_at": timezone.now(),
        "updated_at": timezone.now(),
    }
    runs = ChatRun.objects.using(using).unfinished()
    with transaction.atomic(using=using):
        ended = runs.filter(pk=run.pk, updated_at=run.updated_at).update(
            **ending, summary={**run.summary, "note": LOST_NOTE}
        )
        if ended:
            steps = ChatStep.objects.using(using).unfinished()
            steps.filter(run_id=run.pk).update(**ending)
    return ended
