"""Threads that run jobs, and keep no process from ending."""

import subprocess
import sys
from concurrent.futures import wait
from threading import Event, get_ident

import pytest

from chatd.daemons import DaemonThreads

HANGS = """
from threading import Event
from chatd.daemons import DaemonThreads

began = Event()

def hang():
    began.set()
    Event().wait()

DaemonThreads(1, name="test").submit(hang)
began.wait()
print("the end")
"""


def test_a_job_that_hangs_does_not_keep_the_process_from_ending() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "the end\n"


def test_a_job_gives_its_result_or_its_error() -> None:
    threads = DaemonThreads(2, name="test")
    assert threads.submit(divmod, 7, 2).result(10) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result(10)
    assert threads.submit(divmod, 9, 2).result(10) == (4, 1)


def test_no_more_threads_run_than_there_may() -> None:
    threads, go_on = DaemonThreads(2, name="test"), Event()

    def job() -> int:
        go_on.wait(10)
        return get_ident()

    jobs = [threads.submit(job) for _ in range(6)]
    go_on.set()
    done, _ = wait(jobs, timeout=10)
    assert len(done) == 6
    assert len({job.result() for job in jobs}) <= 2


def test_a_job_that_was_cancelled_before_its_turn_is_not_run() -> None:
    threads, began, go_on = DaemonThreads(1, name="test"), Event(), Event()
    ran: list[int] = []

    def first() -> None:
        began.set()
        go_on.wait(10)

    threads.submit(first)
    assert began.wait(10)
    assert threads.submit(ran.append, 1).cancel()
    last = threads.submit(ran.append, 2)
    go_on.set()
    last.result(10)
    assert ran == [2]
