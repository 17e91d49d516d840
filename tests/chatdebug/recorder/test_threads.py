"""One run in many threads: all of it is written, in order, and nobody waits for another."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from threading import Barrier, Event, RLock, Thread, current_thread
from typing import Any

import pytest

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, Run, close_writer, record_run
from chatdebug.recorder.columns import run_columns
from chatdebug.recorder.step import Step
from chatdebug.writer import Snapshot, Writer, writer
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


class Held:
    """Holds up the first hand-over of a thread, as one does that the system preempts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_there, self.go_on = Event(), Event()
        self.raises: BaseException | None = None
        """What ends its second hand-over, of another thread's rows: an interrupt before it
        has begun, an error once the rows are taken, as where no thread can be started."""
        submit = Writer.submit

        def submit_later(writer: Writer, rows: Sequence[Snapshot]) -> None:
            if current_thread().name != "held":
                submit(writer, rows)
                return
            is_first = not self.is_there.is_set()
            self.is_there.set()
            assert self.go_on.wait(20)
            raised = None
            if not is_first:
                raised, self.raises = self.raises, None
            if raised is None or isinstance(raised, Exception):
                submit(writer, rows)
            if raised is not None:
                raise raised

        monkeypatch.setattr(Writer, "submit", submit_later)

    def start(self, work: Callable[[], object]) -> Thread:
        """Start it, and return it once it hands over."""

        def guarded() -> None:
            with suppress(KeyboardInterrupt):
                work()

        thread = Thread(target=guarded, name="held")
        thread.start()
        assert self.is_there.wait(20)
        return thread


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(monkeypatch)


def begun(run: Run) -> Step:
    """Return a step that has a row, and takes no attempts of what comes after it."""
    step = run.step()
    step.begin()
    step.release()
    return step


def statuses() -> list[str]:
    close_writer(timeout=20)
    return list(
        ChatStep.objects.order_by("step_number").values_list("status", flat=True)
    )


def test_a_step_is_written_as_it_was_though_another_thread_hands_it_over(
    held: Held,
) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        other = begun(run)
        handing = held.start(other.complete)
        with run.step() as step:
            step.complete({"answer": 42})  # over is it only at the block's end
            held.go_on.set()
            handing.join(20)
            assert run.id is not None
            assert writer().written(run.id).result(20)
        run.complete()
    counters = writer().counters
    assert statuses() == ["completed", "completed"]
    assert counters.refused == 0


@pytest.mark.parametrize("error", [RuntimeError("no thread"), KeyboardInterrupt()])
def test_what_ends_the_hand_over_of_one_thread_takes_nothing_of_another(
    held: Held, error: BaseException
) -> None:
    held.raises = error
    with record_run(chat_id="c", level=Level.FULL) as run:
        first, second = begun(run), begun(run)
        handing = held.start(first.complete)
        second.fail(ProviderError("ballast"))
        held.go_on.set()
        handing.join(20)
        run.complete()
    assert run.evidence_is_safe
    assert statuses() == ["completed", "error"]
    assert ChatRun.objects.get().status == "completed"


def test_a_run_whose_first_row_could_not_be_made_is_stored_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = 0

    def columns(run: Run) -> dict[str, Any]:
        nonlocal made
        made += 1
        if made == 1:
            raise MemoryError
        return run_columns(run)

    monkeypatch.setattr("chatdebug.recorder.rows.run_columns", columns)
    with record_run(chat_id="c", level=Level.FULL) as run:
        with suppress(ProviderError), run.step():
            raise ProviderError("ballast")
        run.complete()
    assert statuses() == ["error"]
    assert ChatRun.objects.get().status == "completed"


def test_evidence_in_the_hands_of_a_thread_that_hangs_is_not_called_safe(
    held: Held,
) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        first, second = begun(run), begun(run)
        handing = held.start(first.complete)
        second.fail(ProviderError("ballast"))
    assert not run.evidence_is_safe
    assert writer().counters.unsafe == 1
    held.go_on.set()
    handing.join(20)
    assert statuses() == ["completed", "error"]


def test_an_interrupt_while_a_hand_over_begins_holds_up_none_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted:
        """A lock that is taken when a signal comes."""

        def __init__(self) -> None:
            self._lock = RLock()
            self.is_due = False

        def acquire(self, *args: Any, **kwargs: Any) -> bool:
            is_taken = self._lock.acquire(*args, **kwargs)
            if self.is_due:
                self.is_due = False
                raise KeyboardInterrupt
            return is_taken

        def release(self) -> None:
            self._lock.release()

    locks: list[Interrupted] = []

    def make() -> Interrupted:
        locks.append(Interrupted())
        return locks[-1]

    monkeypatch.setattr("chatdebug.recorder.rows.RLock", make)
    with record_run(chat_id="c", level=Level.FULL) as run:
        step = begun(run)
        locks[-1].is_due = True
        with suppress(KeyboardInterrupt):
            step.complete()
        late = Thread(target=run.complete)  # in another thread: the lock must be free
        late.start()
        late.join(20)
    assert run.evidence_is_safe
    assert statuses() == ["completed"]
    assert ChatRun.objects.get().status == "completed"


def test_the_writer_may_be_closed_by_a_signal_while_its_thread_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = Thread.start
    has_come = False

    def start_and_close(thread: Thread) -> None:
        nonlocal has_come
        start(thread)
        if thread.name == "chatdebug-writer" and not has_come:
            has_come = True
            close_writer(timeout=1)

    def record() -> None:
        with record_run(chat_id="c", level=Level.FULL) as run:
            run.complete()

    monkeypatch.setattr(Thread, "start", start_and_close)
    recording = Thread(target=record, daemon=True)
    start(recording)
    recording.join(20)
    assert not recording.is_alive()
    close_writer(timeout=20)
    assert ChatRun.objects.get().status == "completed"


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
        first, second = begun(run), begun(run)
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
