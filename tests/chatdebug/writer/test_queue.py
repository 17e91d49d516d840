"""The bounded queue: what waits, what replaces what, what goes first when it is full."""

from threading import Thread
from typing import Any

import pytest

from chatdebug.enums import Status
from chatdebug.models.runs import new_id
from chatdebug.writer import queue as queue_module
from chatdebug.writer.queue import SnapshotQueue
from tests.chatdebug.writer.rows import run_row, step_row


def test_the_newest_snapshot_of_a_row_replaces_the_one_that_waits() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(run_row(run_id, age=1))
    # The wall clock may be set back; the revision is what counts.
    queue.put(run_row(run_id, status=Status.ERROR, is_new=False, age=2))
    (row,) = queue.take(10, 0)
    assert row.status is Status.ERROR
    assert row.is_new, "the database has not seen the row yet"


def test_a_snapshot_that_comes_late_does_not_replace_a_newer_one() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    older = run_row(run_id)
    queue.put(run_row(run_id, status=Status.COMPLETED, is_new=False))
    queue.put(older)
    (row,) = queue.take(10, 0)
    assert row.status is Status.COMPLETED
    assert row.is_new


def test_how_a_run_ended_is_for_its_newest_row_to_say_and_a_step_never_falls_back() -> (
    None
):
    queue, run_id, step_id = SnapshotQueue(10), new_id(), new_id()
    queue.put(run_row(run_id, status=Status.COMPLETED))
    queue.put(run_row(run_id, status=Status.ERROR, is_new=False))
    queue.put(step_row(run_id, step_id, status=Status.COMPLETED))
    queue.put(step_row(run_id, step_id, status=Status.ERROR, is_new=False))
    run, step = queue.take(10, 0)
    assert (run.status, step.status) == (Status.ERROR, Status.COMPLETED)


def test_runs_come_before_the_steps_that_refer_to_them() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(step_row(run_id))
    queue.put(run_row(run_id))
    assert [row.table for row in queue.take(10, 0)] == ["run", "step"]


def test_a_full_queue_gives_up_rows_in_progress_first_and_captures_last() -> None:
    queue = SnapshotQueue(2)
    capture = run_row(status=Status.ERROR, is_capture=True, age=9)
    finished = run_row(status=Status.COMPLETED, age=8)
    assert queue.put(capture) == queue.put(finished) == []
    assert len(queue.put(run_row(age=1))) == 1
    assert {row.id for row in queue.take(10, 0)} == {capture.id, finished.id}
    queue.put(capture)
    queue.put(finished)
    newer = run_row(status=Status.ERROR, is_capture=True)
    assert queue.put(newer) == [finished]
    assert {row.id for row in queue.take(10, 0)} == {capture.id, newer.id}


def test_whoever_waits_for_a_run_is_told_when_all_of_it_is_written() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(run_row(run_id))
    queue.put(step_row(run_id))
    written = queue.written(run_id)
    (first,) = queue.take(1, 0)
    queue.task_done([first])
    assert not written.done()
    queue.task_done(queue.take(1, 0))
    assert written.result(0) is True


def test_whoever_waits_is_told_at_once_when_a_failure_left_it_durable() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    row = run_row(run_id, status=Status.ERROR, is_capture=True)
    row.journaled = True
    queue.put(row)
    written = queue.written(run_id)
    queue.task_done(queue.take(10, 0), failed=True)
    assert written.result(0) is False
    assert len(queue) == 1, "it is tried again"


def test_a_failure_of_a_row_that_is_not_durable_keeps_its_waiter_waiting() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(run_row(run_id))
    written = queue.written(run_id)
    queue.task_done(queue.take(10, 0), failed=True)
    assert not written.done()


def test_a_run_with_nothing_on_its_way_counts_as_written() -> None:
    assert SnapshotQueue(10).written(new_id()).result(0) is True


def test_who_waits_for_evidence_is_told_though_a_row_in_progress_was_given_up() -> None:
    queue, run_id = SnapshotQueue(1), new_id()
    queue.put(run_row(run_id, status=Status.ERROR, is_capture=True))
    durable = queue.durable(run_id)
    assert len(queue.put(step_row(run_id, status=Status.IN_PROGRESS))) == 1
    queue.task_done(queue.take(10, 0))
    assert durable.result(0) is True


def test_rows_that_come_together_are_one_change() -> None:
    queue, run_id = SnapshotQueue(2), new_id()
    old = run_row(age=5)
    queue.put(old)
    run, step = run_row(run_id), step_row(run_id)
    assert queue.put(run, step) == [old]
    assert queue.take(10, 0) == [run, step]


def test_who_is_told_of_a_run_may_wait_for_another_thread_that_asks_for_one() -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(run_row(run_id))
    has_asked = []

    def ask(_: object) -> None:
        asking = Thread(target=queue.written, args=[run_id])
        asking.start()
        asking.join(10)
        has_asked.append(not asking.is_alive())

    queue.written(run_id).add_done_callback(ask)
    queue.task_done(queue.take(1, 0))
    assert has_asked == [True]


def test_a_row_that_is_renewed_while_it_is_taken_waits_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, run_id = SnapshotQueue(10), new_id()
    queue.put(run_row(run_id))

    # As the end of a dropped answer does that is collected at this moment.
    def renewing(rows: Any, **kwargs: Any) -> list[Any]:
        found = sorted(rows, **kwargs)
        monkeypatch.delattr(queue_module, "sorted")
        queue.put(run_row(run_id, status=Status.COMPLETED, is_new=False))
        return found

    monkeypatch.setattr(queue_module, "sorted", renewing, raising=False)
    taken = [row.status for _ in range(2) for row in queue.take(10, 0)]
    assert taken == [Status.IN_PROGRESS, Status.COMPLETED]
