"""Deletes the oldest runs beyond a number of them, or beyond a number of bytes.

The age of a run is that of its last sign of life, as everywhere in retention. Runs in
progress count, and are never deleted.
"""

from datetime import datetime
from functools import reduce
from operator import add
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, Sum

from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun, ChatStep
from chatdebug.querysets import PAYLOAD_COLUMNS, ChatRunQuerySet, StoredBytes

PAGE_RUNS = 500
"""Whose bytes are asked for with two statements."""
STEP_COLUMNS = (*PAYLOAD_COLUMNS, "usage", "error", "metadata")


class Edge(NamedTuple):
    """The newest run that is too many; all that are older are too."""

    updated_at: datetime
    id: UUID


def edge_of_rows(*, rows: int, using: str | None = None) -> Edge | None:
    """Return where the newest so many runs end; None if there are no more.

    Raises django.db.Error.
    """
    newest = _newest_first(using).values_list("updated_at", "pk")
    found = newest[rows : rows + 1].first()
    return Edge(*found) if found is not None else None


def edge_of_bytes(*, size: int, using: str | None = None) -> Edge | None:
    """Return where the newest runs end that take so many bytes together; None if all do.

    Counted are the documents of runs and steps as they are stored, which are nearly all;
    indexes and what a database keeps free are not. Reads every run that is kept. Raises
    django.db.Error.
    """
    runs = _newest_first(using)
    page = runs
    while sizes := _sizes(page):
        for edge, its_size in sizes:
            size -= its_size
            if size < 0:
                return edge
        last, _ = sizes[-1]
        page = runs.filter(_up_to(last)).exclude(pk=last.id)
    return None


def prune_from(*, edge: Edge, limit: int = PAGE_RUNS, using: str | None = None) -> int:
    """Delete one batch of the runs from an edge on; return how many.

    Raises django.db.Error.
    """
    batch = list(too_many(edge=edge, using=using).values_list("pk", flat=True)[:limit])
    if batch:
        # Their steps go with them in the database.
        runs = ChatRun.objects.using(using or recorder_settings().DATABASE)
        runs.filter(pk__in=batch).order_by().delete()
    return len(batch)


def too_many(*, edge: Edge, using: str | None = None) -> ChatRunQuerySet:
    """Return the runs from an edge on, the oldest first."""
    runs = _newest_first(using).filter(_up_to(edge), finished_at__isnull=False)
    return runs.order_by("updated_at", "pk")


def _newest_first(using: str | None) -> ChatRunQuerySet:
    runs = ChatRun.objects.using(using or recorder_settings().DATABASE)
    return runs.order_by("-updated_at", "-pk")


def _up_to(edge: Edge) -> Q:
    # Said twice: the first condition is one that an index serves.
    older = Q(updated_at__lt=edge.updated_at) | Q(pk__lte=edge.id)
    return Q(updated_at__lte=edge.updated_at) & older


def _sizes(runs: ChatRunQuerySet) -> list[tuple[Edge, int]]:
    """Return the next runs, each with the bytes of its documents and its steps'."""
    own = StoredBytes("summary")
    page = list(
        runs.annotate(size=own).values_list("updated_at", "pk", "size")[:PAGE_RUNS]
    )
    of_step = reduce(add, map(StoredBytes, STEP_COLUMNS))
    steps = ChatStep.objects.using(runs.db).filter(run_id__in=[pk for _, pk, _ in page])
    of_steps = dict(steps.order_by().values_list("run_id").annotate(size=Sum(of_step)))
    return [(Edge(at, pk), size + of_steps.get(pk, 0)) for at, pk, size in page]
