"""Several processes with one database and one spool: workers of a server, or of a queue."""

import signal
from collections import Counter
from threading import Thread

import pytest

from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun, ChatStep, WriterState
from chatdebug.writer import worker
from chatdebug.writer.spool import Spool
from chatdebug.writer.worker import Worker
from tests.chatdebug.writer.recording_process import STORM_FIRST
from tests.faults.sharing import sharing_process

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("first", "second")
FAILURES = 40
STORED = STORM_FIRST + 6
"""Of each process: the first ones, and of the others the 1st, 2nd, 4th, 8th, 16th, 32nd."""


@pytest.fixture
def processes() -> None:
    """Let two processes fail in the same way at the same time, until both have ended."""
    module = "tests.chatdebug.writer.recording_process"
    running = [sharing_process(module, name, str(FAILURES)) for name in NAMES]
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.communicate("go\n", timeout=60)
        assert process.returncode == 0


@pytest.mark.usefixtures("processes")
def test_the_same_failure_is_there_of_each_and_counted_exactly() -> None:
    runs = list(ChatRun.objects.all())
    assert Counter(run.chat_id for run in runs) == dict.fromkeys(NAMES, STORED)
    assert len({run.fingerprint for run in runs}) == 1
    for name in NAMES:
        counts = [run.similar_count for run in runs if run.chat_id == name]
        assert len(counts) + sum(counts) == FAILURES
    steps = ChatStep.objects.filter(error__kind="generic")
    assert set(steps.values_list("run_id", flat=True)) == {run.pk for run in runs}
    assert steps.count() == len(runs)


@pytest.mark.usefixtures("processes")
def test_each_has_a_writer_with_counters_of_its_own_and_none_loses_a_row() -> None:
    states = list(WriterState.objects.all())
    assert len({state.pid for state in states}) == len(states) == len(NAMES)
    for state in states:
        assert state.counters["suppressed"] == FAILURES - STORED
        assert state.counters["dropped"] == state.counters["orphaned"] == 0
        assert state.counters["refused"] == state.counters["unsafe"] == 0
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    assert Spool(folder).count() == 0


def test_a_thread_that_is_a_greenlet_of_the_hosts_blocks_no_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Greenlet(Thread):
        """As gevent makes of a thread: it runs in the one that starts it."""

        def start(self) -> None:
            self.run()

    monkeypatch.setattr(worker, "Thread", Greenlet)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    inside: list[set[int]] = []
    Worker(
        lambda: inside.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())), name="x"
    ).start()
    assert inside == [before]


def test_a_signal_that_the_host_blocks_does_not_come_by_a_thread_of_the_recorder() -> (
    None
):
    process = sharing_process("tests.chatdebug.writer.signalled_process")
    said, _ = process.communicate(timeout=60)
    assert said == "still here\n"
    assert process.returncode == -signal.SIGTERM
