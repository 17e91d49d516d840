"""What counting costs: CPU of a turn that goes well, with and without it, side by side.

And what the overview costs when all hours of two weeks have numbers of many models.
"""

import asyncio
import gc
import statistics
import sys
import time
from unittest.mock import patch

from django.db import connections
from django.utils import timezone

from chatdebug.models import HourCount
from chatdebug.presentation.statistics import Numbers
from chatdebug.recorder import RecordingModel, record_run
from chatdebug.writer import Writer, writer
from tests.benchmarks.bench_recorder import CannedModel, history, stream_turn
from tests.benchmarks.database import bench_database, recorder_set
from tests.benchmarks.desk_rows import MODELS, fill_counts

TURNS = 300  # of each way, in each round
ROUNDS = 25
READS = 9


def main() -> None:
    """Measure on the database of the settings, in a database of its own."""
    with bench_database():
        _turn_costs()
        _overview_costs()


def _turn_costs() -> None:
    turn: dict[bool, list[float]] = {False: [], True: []}
    summed: list[float] = []
    with patch.object(Writer, "start", _put_off):
        for _ in range(ROUNDS):  # in turns, so that a noisy moment hits both
            for is_counted, measured in turn.items():
                with recorder_set(STATISTICS=is_counted):
                    asyncio.run(_turns(10))  # warm
                    gc.collect()
                    before = time.process_time()
                    asyncio.run(_turns(TURNS))
                    measured.append(time.process_time() - before)
                    before = time.process_time()
                    writer().statistics.sum_up()
                    if is_counted:
                        summed.append(time.process_time() - before)
    without, counted = (min(turn[key]) / TURNS * 1e6 for key in (False, True))
    sys.stdout.write(
        f"CPU of an OK turn: {without:.1f} µs without counts, {counted:.1f} µs with them "
        f"({counted - without:+.1f} µs), and {min(summed) / TURNS * 1e6:.1f} µs of the "
        f"writer's thread (best of {ROUNDS} x {TURNS})\n"
    )


async def _turns(number: int) -> None:
    model, messages = RecordingModel(CannedModel(1)), history()
    for _ in range(number):
        async with record_run(
            chat_id="bench", owner_id="1", provider="openai", model="gpt-5"
        ) as run:
            await stream_turn(model, messages)
            run.complete()


def _put_off(self: Writer) -> None:
    """Stand in for the start of the writer, which would work in the turns' time."""


def _overview_costs() -> None:
    fill_counts(timezone.now())
    vendor = connections["default"].vendor
    for is_weeks, name in ((False, "24 hours"), (True, "14 days")):
        times = []
        for _ in range(READS):
            before = time.perf_counter()
            Numbers.read(now=timezone.now(), is_weeks=is_weeks)
            times.append((time.perf_counter() - before) * 1000)
        rows = HourCount.objects.count()
        sys.stdout.write(
            f"{vendor}: numbers of {name}, {rows:,} rows of {MODELS} models: "
            f"{statistics.median(times):.0f} ms\n"
        )
