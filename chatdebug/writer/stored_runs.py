"""Groups the runs that were stored before failures were counted."""

from collections.abc import Iterator
from itertools import batched, groupby
from operator import attrgetter
from uuid import UUID, uuid5

from chatdebug.enums import ErrorKind
from chatdebug.errors.fingerprint import headline
from chatdebug.errors.payload import read_payload
from chatdebug.models import ChatRun, ChatStep, ErrorGroup
from chatdebug.models.runs import OVERFLOW
from chatdebug.writer.group_counts import Tally, add_tallies

TALLIES = UUID("6d7a6c3e-54f1-4bb4-8f3e-0f9a6a0c7d11")
"""The namespace of tallies that are made of stored runs: the same ones each time."""
BATCH_TALLIES = 500


def group_stored_runs(*, using: str) -> tuple[int, int]:
    """Add runs that nobody counted to their groups; return how many, and in how many groups.

    A run counts with the failures that it stands for. Runs that ended after their group
    began to count are in it already, so that this may be done at any time, and again.
    Raises django.db.Error.
    """
    runs = ChatRun.objects.using(using).exclude(fingerprint="")
    rows = (
        runs.filter(finished_at__isnull=False)
        .order_by("fingerprint", "started_at")
        .only(
            *("fingerprint", "model", "started_at", "finished_at", "similar_count"),
            *("chat_id", "owner_id", "provider", "error_kind", "summary"),
        )
    )
    counted = groups = 0
    for fingerprint, its in groupby(rows.iterator(), attrgetter("fingerprint")):
        tallies = list(_tallies(fingerprint, its, using))
        for some in batched(tallies, BATCH_TALLIES):
            add_tallies(some, using=using, are_live=False)
        added = sum(max(tally.added, 0) for tally in tallies)
        counted += added
        groups += bool(added)
    return counted, groups


def _tallies(fingerprint: str, runs: Iterator[ChatRun], using: str) -> Iterator[Tally]:
    groups = ErrorGroup.objects.using(using).filter(fingerprint=fingerprint)
    group = groups.select_related("own").first()
    since = getattr(group, "own", group).counted_since if group is not None else None
    tallies: dict[UUID, Tally] = {}
    title = ""
    for run in runs:
        if since is not None and run.finished_at and run.finished_at >= since:
            continue
        title = title or _title(run, using)
        tally = _tally(run, title)
        if (known := tallies.setdefault(tally.id, tally)) is not tally:
            known.include(
                known.count + tally.count,
                tally.first_seen,
                tally.last_seen,
                ((run.chat_id, run.owner_id), run.started_at),
            )
    yield from tallies.values()


def _tally(run: ChatRun, title: str) -> Tally:
    status = run.told("error_status")
    hour = f"{run.started_at:%Y-%m-%d %H}"
    return Tally(
        id=uuid5(TALLIES, "\x1f".join((run.fingerprint, run.model, hour))),
        count=1 + run.similar_count,
        fingerprint=run.fingerprint,
        title=title,
        kind=run.error_kind or ErrorKind.GENERIC,
        provider=run.provider,
        model=run.model,
        status_code=status if isinstance(status, int) and 0 <= status < 1_000 else None,
        release="",
        first_seen=run.started_at,
        last_seen=run.started_at,
        affected={(run.chat_id, run.owner_id): run.started_at},
    )


def _title(run: ChatRun, using: str) -> str:
    if run.fingerprint == OVERFLOW:
        return ""
    steps = ChatStep.objects.using(using).filter(run_id=run.pk, error__isnull=False)
    error = steps.order_by("-step_number").values_list("error", flat=True).first()
    return headline(read_payload(error))
