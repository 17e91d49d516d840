"""How many steps a second the writer brings to the database."""

import asyncio
import sys
import time

from django.db import connections
from pydantic_ai.messages import ModelRequest

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, RecordingModel, close_writer, record_run
from chatdebug.writer import writer
from tests.benchmarks.bench_recorder import CannedModel, stream_turn
from tests.benchmarks.database import bench_database

TURNS = 2_000


def main() -> None:
    """Record many short turns in full, and wait until the last one is stored."""
    with bench_database():
        started = time.perf_counter()
        asyncio.run(_record_turns())
        close_writer(timeout=120)
        seconds = time.perf_counter() - started
        stored, runs = ChatStep.objects.count(), ChatRun.objects.count()
        vendor = connections["default"].vendor
        sys.stdout.write(
            f"{vendor}: {stored} of {TURNS} steps and {runs} runs in {seconds:.1f} s "
            f"({stored / seconds:.0f} steps/s, the turns themselves included)\n"
        )


async def _record_turns() -> None:
    model = RecordingModel(CannedModel(1))
    for _ in range(TURNS):
        async with record_run(chat_id="bench", level=Level.FULL) as run:
            await stream_turn(model, [ModelRequest.user_text_prompt("Hello")])
            run.complete()
        while len(writer().queue) > 2_000:  # noqa: ASYNC110 - a benchmark may poll
            await asyncio.sleep(0.001)
