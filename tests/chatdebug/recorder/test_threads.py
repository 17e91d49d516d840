"""One run in many threads: all of it is written, in order, and nobody waits for another."""

from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from threading import Barrier, Event, Thread

import pytest

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, Run, close_writer, record_run
from chatdebug.writer import Snapshot, Writer
from chatdebug.writer.queue import SnapshotQueue

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
CALLS = 25


class ProviderError(Exception):
    """An error that no rule knows."""


def call_in_threads(run: Run, error: Exception | None = None) -> None:
    barrier = Barrier(THREADS)

    def work() -> None:
        barrier.wait(30)
        for _ in range(CALLS):
            with suppress(ProviderError), run.step():
                if error is not None:
                    raise error

    threads = [Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("error", [None, ProviderError("ballast")])
def test_calls_of_many_threads_are_written_once_each_as_they_ended(
    error: Exception | None,
) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        call_in_threads(run, error)
        run.complete()
    close_writer(timeout=20)
    steps = ChatStep.objects.order_by("step_number")
    count = THREADS * CALLS
    assert [step.step_number for step in steps] == list(range(1, count + 1))
    assert {step.status for step in steps} == {"error" if error else "completed"}
    stored = ChatRun.objects.get()
    assert (stored.status, stored.summary["step_count"]) == ("completed", count)


def test_the_end_of_a_run_waits_for_the_thread_that_writes_its_evidence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_written, go_on = Event(), Event()
    submit = Writer.submit

    def submit_later(writer: Writer, rows: Sequence[Snapshot]) -> None:
        if not is_written.is_set():
            is_written.set()
            go_on.wait(20)
        submit(writer, rows)

    def fail(run: Run) -> None:
        with suppress(ProviderError), run.step():
            raise ProviderError("ballast")

    monkeypatch.setattr(Writer, "submit", submit_later)
    recording, context = record_run(chat_id="c"), copy_context()
    run = context.run(recording.__enter__)
    failing = Thread(target=fail, args=[run])
    failing.start()
    assert is_written.wait(20)
    ending = Thread(target=context.run, args=[recording.__exit__, None, None, None])
    ending.start()
    ending.join(0.2)
    assert ending.is_alive()
    go_on.set()
    ending.join(20)
    failing.join(20)
    assert run.evidence_is_safe
    close_writer(timeout=20)
    assert ChatStep.objects.get().status == "error"


def test_an_end_in_another_thread_does_not_wait_for_rows_that_are_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_written, has_ended = Event(), Event()
    put = SnapshotQueue.put

    def put_later(queue: SnapshotQueue, *rows: Snapshot) -> list[Snapshot]:
        is_written.set()
        has_ended.wait(20)  # as for a lock that the other thread holds
        return put(queue, *rows)

    def end() -> None:
        second.interrupt()
        has_ended.set()

    with record_run(chat_id="c", level=Level.FULL) as run:
        first, second = run.step(), run.step()
        first.begin()
        second.begin()
        monkeypatch.setattr(SnapshotQueue, "put", put_later)
        writing = Thread(target=first.complete)
        writing.start()
        assert is_written.wait(20)
        ending = Thread(target=end)
        ending.start()
        ended_at_once = has_ended.wait(10)
        has_ended.set()
        writing.join()
        ending.join()
        run.complete()
    assert ended_at_once
    close_writer(timeout=20)
    steps = ChatStep.objects.order_by("step_number")
    assert [step.status for step in steps] == ["completed", "interrupted"]
