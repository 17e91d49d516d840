"""What became of all turns: what is stored, recorded, asked and seen of each."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from tests.cluster import Cluster
from tests.deployment.load import Asked

STORED = """
SELECT turn.id::text, turn.status, turn.error ->> 'run_id',
    coalesce(string_agg(message.text, '') FILTER (WHERE message.role = 'assistant'), ''),
    turn.started_at, turn.stop_requested_at, turn.finished_at
FROM chatd_turn AS turn JOIN chatd_chatmessage AS message ON message.turn_id = turn.id
GROUP BY turn.id
"""
EVIDENCE = """
SELECT run.id::text FROM chatdebug_chatrun AS run
WHERE run.status = 'error' AND run.error_kind = 'generic'
"""
STOP_SECONDS = 1.0
"""What 99 of 100 Stops should take at most."""
type Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Stored:
    """A turn, as the database has it."""

    id: str
    status: str
    run_id: str | None
    answer: str
    started_at: datetime | None
    stop_requested_at: datetime | None
    finished_at: datetime


def check_outcomes(cluster: Cluster, asked: Sequence[Asked]) -> None:
    """Compare all that is known of each turn, and print the numbers.

    No others may be stored than these.
    """
    stored = {row[0]: Stored(*row) for row in cluster.execute(STORED)}
    assert stored.keys() == {one.id for one in asked}, "lost, or stored twice"
    assert Counter(len(one.views) >= 1 for one in asked).keys() == {True}
    for one in asked:
        _check_turn(one, stored[one.id])
    counts = cluster.provider.asked
    often = {one.text: counts[one.text] for one in asked if counts[one.text] > 1}
    assert often == {}, "asked more than once"
    _check_evidence(cluster, [stored[one.id] for one in asked])
    _say_numbers(asked, stored)


def _check_turn(one: Asked, row: Stored) -> None:
    """Compare what the provider sends, what is stored, and what each viewer saw."""
    said = f"{one.model} {one.text!r} {row}"
    match one.model, row.status:
        case (("demo" | "demo-long"), "completed"):
            assert row.answer == one.full_answer, said
        case "fault-400", "error":
            assert not row.answer, said
        case _, "interrupted":
            assert one.full_answer.startswith(row.answer), said
        case _:
            raise AssertionError(said)
    for view in one.views:
        assert view.has_ended, said
        if view.is_whole:
            assert view.text == row.answer, f"{said} seen: {view.text!r}"
        else:
            assert row.answer.startswith(view.text), f"{said} seen: {view.text!r}"


def _check_evidence(cluster: Cluster, rows: Sequence[Stored]) -> None:
    """Each failing turn has a run of its own.

    A turn that was lost with its worker may have one, too: it had failed, and its end was
    not stored.
    """
    runs = [run_id for (run_id,) in cluster.execute(EVIDENCE)]
    assert len(runs) == len(set(runs))
    named = [row.run_id for row in rows if row.status == "error"]
    assert len(named) == len(set(named)) > 0
    assert set(named) <= set(runs), set(named) - set(runs)
    lost = sum(row.status == "interrupted" for row in rows)
    assert len(runs) <= len(named) + lost


def _say_numbers(asked: Sequence[Asked], stored: dict[str, Stored]) -> None:
    statuses = Counter((one.model, stored[one.id].status) for one in asked)
    views = [view for one in asked for view in one.views]
    lines = [
        f"{len(asked)} turns: "
        + ", ".join(f"{n} {m} {s}" for (m, s), n in sorted(statuses.items())),
        f"{len(views)} viewers, {sum(view.hops for view in views)} changes of address; "
        f"{sum(view.is_whole for view in views)} saw all of it, the others came back "
        "when it was over",
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


def stop_seconds(
    cluster: Cluster, asked: Sequence[Asked], troubles: Sequence[Interval] = ()
) -> list[float]:
    """Return how long each Stop took, and print it; of slow ones, when they were pressed.

    ``troubles`` are the times in which one could reach nobody.
    """
    ids = {one.id for one in asked}
    stopped = [
        row
        for row in (Stored(*row) for row in cluster.execute(STORED))
        if row.id in ids and row.started_at and row.stop_requested_at
    ]
    took = sorted(
        (
            row.stop_requested_at,
            (row.finished_at - row.stop_requested_at).total_seconds(),
        )
        for row in stopped
        if row.started_at and row.stop_requested_at
        if not any(
            row.started_at < end and start < row.finished_at for start, end in troubles
        )
    )
    seconds = [one for _, one in took]
    cuts = quantiles(seconds, n=100, method="inclusive")
    sys.stdout.write(
        f"{len(seconds)} Stops (of {len(stopped)}; the others while the worker or the "
        f"database was gone): p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, "
        f"max {max(seconds):.3f} s\n"
    )
    slow = [f"{at:%H:%M:%S} {one:.1f} s" for at, one in took if one > STOP_SECONDS]
    sys.stdout.write(f"Slower than {STOP_SECONDS:g} s: {', '.join(slow) or 'none'}\n")
    return seconds
