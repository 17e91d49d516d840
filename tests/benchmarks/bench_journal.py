"""How often a failing turn waits for the disk, alone and together with others."""

import os
import sys
from collections import Counter
from contextlib import suppress
from stat import S_ISDIR
from threading import Barrier, Thread
from time import perf_counter, sleep
from unittest.mock import patch

from chatdebug.recorder import close_writer, record_run
from chatdebug.writer import writer
from tests.benchmarks.database import bench_database, recorder_set

TURNS = 50
TOGETHER = 40


class BenchError(Exception):
    """An error that no rule knows."""


def main() -> None:
    """Print syncs and time per failing turn."""
    syncs: Counter[str] = Counter()
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        is_folder = S_ISDIR(os.fstat(descriptor).st_mode)
        syncs["folder" if is_folder else "file"] += 1
        fsync(descriptor)

    with (
        bench_database(),
        recorder_set(STORM_FIRST=1_000_000),
        patch.object(os, "fsync", counted),
    ):
        _fail()  # makes the folder, and the first file in it
        _let_it_settle()
        syncs.clear()
        started = perf_counter()
        for _ in range(TURNS):
            _fail()
            _let_it_settle()
        _say("one after the other", TURNS, syncs, perf_counter() - started)
        syncs.clear()
        started = perf_counter()
        _fail_together()
        _say("at once", TOGETHER, syncs, perf_counter() - started)
        close_writer(timeout=60)


def _fail() -> None:
    with suppress(BenchError), record_run(chat_id="bench") as run, run.step():
        raise BenchError


def _let_it_settle() -> None:
    """Wait until the database has it: what fails later is another write."""
    spool = writer().spool
    while spool is not None and spool.count():
        sleep(0.001)


def _fail_together() -> None:
    barrier = Barrier(TOGETHER)

    def one() -> None:
        barrier.wait()
        _fail()

    threads = [Thread(target=one) for _ in range(TOGETHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _say(how: str, turns: int, syncs: Counter[str], seconds: float) -> None:
    sys.stdout.write(
        f"{turns} failing turns {how}: {syncs['file'] / turns:.2f} syncs of files and "
        f"{syncs['folder'] / turns:.2f} of the folder a turn, "
        f"{seconds / turns * 1000:.1f} ms each\n"
    )
