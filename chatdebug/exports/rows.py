"""Runs with their steps, however many and however large, in bounded memory."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from django.db.models import Q

from chatdebug.models import ChatRun, ChatStep
from chatdebug.querysets import ChatRunQuerySet

PAGE_RUNS = 100
"""Runs read with one statement; another one reads all of their steps."""
CHUNK_STEPS = 10
"""Steps in memory at a time: each may hold some megabytes."""

type RunWithSteps = tuple[ChatRun, Iterator[ChatStep]]


def runs_with_steps(runs: ChatRunQuerySet) -> Iterator[RunWithSteps]:
    """Yield runs, newest first, each with its steps in order.

    A run's steps are to be read before the next run is asked for. Two statements for
    each ``PAGE_RUNS``, however many steps they have, and no transaction: one around it
    all would see one moment, and hold back a database for as long as the slowest reader
    takes. So what changes meanwhile is in it or not.
    """
    page = list(runs.newest_first()[:PAGE_RUNS])
    while page:
        yield from _with_steps(page, using=runs.db)
        last = page[-1]
        # The first condition is for the index, which a choice between two cannot use.
        not_newer = Q(started_at__lte=last.started_at)
        older = Q(started_at__lt=last.started_at) | Q(pk__lt=last.pk)
        page = list(runs.filter(not_newer & older).newest_first()[:PAGE_RUNS])


def _with_steps(page: list[ChatRun], *, using: str) -> Iterator[RunWithSteps]:
    steps = (
        ChatStep.objects.using(using)
        .filter(run__in=page)
        .order_by("-run__started_at", "-run_id", "step_number")
        .iterator(chunk_size=CHUNK_STEPS)
    )
    groups = groupby(steps, key=attrgetter("run_id"))
    run_id, group = next(groups, (None, iter(())))
    for run in page:
        if run.pk != run_id:
            yield run, iter(())
            continue
        yield run, group
        run_id, group = next(groups, (None, iter(())))
