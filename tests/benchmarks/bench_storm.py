"""What a storm of failures costs, and whether every one of them is accounted for."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.db import connections
from django.db.models import Sum

from chatdebug.models import ChatRun
from chatdebug.recorder import Level, close_writer, record_run
from chatdebug.recorder.storm import storm_guard
from tests.benchmarks.database import bench_database

AT_ONCE = 50
KINDS = "abcdefghij"


def main() -> None:
    """Fail many times in the same way, then in many ways."""
    with bench_database():
        _storm(5_000, "the same", lambda number: "The ballast shifted.")
        _storm(500, "distinct", lambda number: f"The {_word(number)} broke.")
        _storm(5_000, "distinct", lambda number: f"The {_word(number)} sank.")


def _storm(number: int, what: str, message: Callable[[int], str]) -> None:
    ChatRun.objects.all().delete()
    storm_guard.reset()  # no earlier storm counts
    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda index: _fail(message(index)), range(number)))
    close_writer(timeout=120)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    stored = ChatRun.objects.count()
    counted = ChatRun.objects.aggregate(Sum("similar_count"))["similar_count__sum"] or 0
    sys.stdout.write(
        f"{connections['default'].vendor}: {number} failures, {what}: "
        f"{stored + counted}/{number} accounted for, {stored} of them stored, "
        f"{number / seconds:.0f}/s, {cpu / number * 1_000:.1f} ms of CPU each\n"
    )


def _fail(message: str) -> None:
    with (
        suppress(RuntimeError),
        record_run(chat_id="bench", level=Level.ERRORS) as run,
        run.step(),
    ):
        raise RuntimeError(message)


def _word(number: int) -> str:
    return "".join(KINDS[int(digit)] for digit in f"{number:04}")
