"""What groups and hourly numbers add to the way of evidence into the database.

Side by side, one round after the other, so that a noisy moment hits both; the median of
the rounds' ratios. CPU is that of the process: turns, journal and writer. With PostgreSQL
the server's is not in it, but in the seconds.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from statistics import median
from typing import NamedTuple
from unittest.mock import patch

from django.db import connections
from pydantic_ai.messages import ModelRequest

from chatdebug.models import ChatRun, ErrorGroup, HourCount
from chatdebug.recorder import Level, RecordingModel, close_writer, record_run
from chatdebug.recorder.storm import storm_guard
from chatdebug.writer import writer
from tests.benchmarks.bench_recorder import CannedModel, stream_turn
from tests.benchmarks.database import bench_database, recorder_set

TURNS = 1_000
ROUNDS = 25
AT_ONCE = 50
CAUSES: tuple[str, ...] = (
    "ballast",
    "cargo",
    "anchor",
    "rudder",
    "mast",
    "keel",
    "bilge",
    "hull",
)
CAUSES += ("sail", "winch", "hatch", "bow", "stern", "deck", "galley", "helm")
WAITING_ROWS = 2_000
ALLOWED = 0.10


class Cost(NamedTuple):
    """Of a turn, in seconds."""

    cpu: float
    elapsed: float


def main() -> None:
    """Measure on the database of the settings, in a database of its own."""
    vendor = connections["default"].vendor
    with bench_database():
        for what, turns in (("failures", _fail_all), ("full level", _answer_all)):
            ratios: list[Cost] = []
            _measure(turns)  # warm
            for number in range(ROUNDS):
                order = (True, False) if number % 2 else (False, True)
                costs = {is_counted: _cost(turns, is_counted) for is_counted in order}
                ratios.append(
                    Cost(
                        *(a / b for a, b in zip(costs[True], costs[False], strict=True))
                    )
                )
            cpu = median(ratio.cpu for ratio in ratios) - 1
            elapsed = median(ratio.elapsed for ratio in ratios) - 1
            verdict = "" if cpu <= ALLOWED else f"  over {ALLOWED:.0%}"
            sys.stdout.write(
                f"{vendor}: {what}, {TURNS} turns: groups and hourly numbers add"
                f" {cpu:+.1%} CPU, {elapsed:+.1%} time (median of {ROUNDS}){verdict}\n"
            )
            sys.stdout.flush()


def _cost(turns: Callable[[], None], is_counted: bool) -> Cost:
    if is_counted:
        cost = _measure(turns)
        assert HourCount.objects.exists()
        return cost
    with recorder_set(STATISTICS=False), _without_groups():
        cost = _measure(turns)
    assert not ErrorGroup.objects.exists()
    assert not HourCount.objects.exists()
    return cost


@contextmanager
def _without_groups() -> Iterator[None]:
    """Let failures not be told to groups; no setting does that."""
    with patch("chatdebug.recorder.failures._count_in_group", lambda *_, **__: []):
        yield


def _measure(turns: Callable[[], None]) -> Cost:
    for model in (ChatRun, ErrorGroup, HourCount):
        model.objects.all().delete()
    storm_guard.reset()  # no earlier failure counts
    gc.collect()
    cpu, started = time.process_time(), time.perf_counter()
    turns()
    close_writer(timeout=120)
    cost = Cost(time.process_time() - cpu, time.perf_counter() - started)
    assert ChatRun.objects.count() >= TURNS
    return Cost(cost.cpu / TURNS, cost.elapsed / TURNS)


def _fail_all() -> None:
    with (
        recorder_set(STORM_FIRST=TURNS, STORM_RUNS=2 * TURNS),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        list(pool.map(_fail, range(TURNS)))


def _fail(number: int) -> None:
    with (
        suppress(RuntimeError),
        record_run(
            chat_id=f"chat-{number % 100}",
            owner_id="1",
            provider="openai",
            model="gpt-5",
        ) as run,
        run.step(),
    ):
        raise RuntimeError(f"The {CAUSES[number % len(CAUSES)]} broke.")


def _answer_all() -> None:
    asyncio.run(_answer())


async def _answer() -> None:
    model = RecordingModel(CannedModel(1))
    for _ in range(TURNS):
        async with record_run(chat_id="bench", level=Level.FULL) as run:
            await stream_turn(model, [ModelRequest.user_text_prompt("Hello")])
            run.complete()
        while len(writer().queue) > WAITING_ROWS:  # noqa: ASYNC110 - may poll
            await asyncio.sleep(0.001)
