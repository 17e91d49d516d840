"""The writer with a real database: what arrives, once, and what is never lost."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connections
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep, ContentReading, WriterState
from chatdebug.models.runs import new_id
from chatdebug.services.readings import note_reading
from chatdebug.writer import Deferred, Snapshot, Writer
from chatdebug.writer import database as database_module
from chatdebug.writer import thread as thread_module
from chatdebug.writer.spool import Spool, read_captures
from tests.chatdebug.writer.rows import run_row, step_row
from tests.chatdebug.writer.spools import LOST, entries, let_die
from tests.statements import collected_statements
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer(recorder_settings())
    yield made
    made.close(timeout=10)


def wait_for(writer: Writer, run_id: UUID) -> bool:
    return writer.written(run_id).result(timeout=10)


def spool_files() -> list[Path]:
    return entries(recorder_settings().SPOOL_DIR)


def journaled_runs() -> set[UUID]:
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    files = Spool(folder).files()
    return {row.run_id for path in files for row in read_captures(path)[0]}


def test_a_capture_is_in_the_database_and_leaves_the_journal(writer: Writer) -> None:
    run = run_row(status=Status.ERROR, is_capture=True)
    writer.submit([run, step_row(run.id, is_capture=True)])
    assert wait_for(writer, run.id)
    assert ChatRun.objects.get().steps.get().error == {"message": "broken"}
    writer.close(timeout=10)
    assert spool_files() == []
    assert writer.counters.written == writer.counters.journaled == 2


def test_columns_that_were_put_off_are_made_by_the_writer(writer: Writer) -> None:
    run = run_row(summary=Deferred(lambda: {"step_count": 3}))
    writer.submit([run])
    assert wait_for(writer, run.id)
    assert ChatRun.objects.get().summary == {"step_count": 3}


def test_what_was_inserted_is_not_sent_again_with_the_end(writer: Writer) -> None:
    request = Deferred(lambda: {"messages": ["Hi"]})
    run = run_row()
    step = step_row(run.id, status=Status.IN_PROGRESS, normalized_request=request)
    writer.submit([run, step])
    assert wait_for(writer, run.id)

    end = step_row(
        run.id,
        step.id,
        status=Status.COMPLETED,
        is_new=False,
        normalized_request=request,
        normalized_response=Deferred(lambda: {"content": ["Hello"]}),
    )
    with collected_statements() as statements:
        writer.submit([end])
        assert wait_for(writer, run.id)

    updates = [sql for sql in statements if sql.startswith("UPDATE")]
    assert any("normalized_response" in sql for sql in updates)
    assert not any("normalized_request" in sql for sql in updates)
    stored = ChatStep.objects.get()
    assert stored.status == Status.COMPLETED
    assert stored.normalized_request == {"messages": ["Hi"]}
    assert stored.normalized_response == {"content": ["Hello"]}


def test_a_request_that_is_made_anew_replaces_the_one_before(writer: Writer) -> None:
    run = run_row()
    step = step_row(run.id, normalized_request=Deferred(lambda: {"messages": [1]}))
    writer.submit([run, step])
    assert wait_for(writer, run.id)

    second = Deferred(lambda: {"messages": [1, 2]})
    writer.submit([step_row(run.id, step.id, is_new=False, normalized_request=second)])
    assert wait_for(writer, run.id)

    assert ChatStep.objects.get().normalized_request == {"messages": [1, 2]}


def test_evidence_of_an_error_is_journaled_whole(writer: Writer) -> None:
    request = Deferred(lambda: {"messages": ["Hi"]})
    run = run_row()
    step = step_row(run.id, status=Status.IN_PROGRESS, normalized_request=request)
    writer.submit([run, step])
    assert wait_for(writer, run.id)

    failed = step_row(
        run.id, step.id, is_new=False, is_capture=True, normalized_request=request
    )
    writer.submit([failed])
    assert wait_for(writer, run.id)

    assert failed.columns["normalized_request"] == {"messages": ["Hi"]}


def test_a_column_that_cannot_be_made_does_not_take_the_row_with_it(
    writer: Writer,
) -> None:
    def broken() -> dict[str, str]:
        raise RuntimeError("secret")

    run = run_row(summary=Deferred(broken))
    writer.submit([run])
    assert wait_for(writer, run.id)
    assert ChatRun.objects.get().summary == {"error": "chatdebug: RuntimeError"}


def test_a_status_never_falls_back(writer: Writer) -> None:
    run = run_row()
    step = step_row(run.id, status=Status.COMPLETED)
    writer.submit([run, step])
    assert wait_for(writer, run.id)
    writer.submit([step_row(run.id, step.id, status=Status.ERROR, is_new=False)])
    assert wait_for(writer, run.id)
    assert ChatStep.objects.get().status == Status.COMPLETED


def test_the_recorder_corrects_the_guess_of_the_sweep(writer: Writer) -> None:
    run = run_row()
    writer.submit([run])
    assert wait_for(writer, run.id)
    ended = run_row(run.id, status=Status.COMPLETED, is_new=False)
    ChatRun.objects.update(
        status=Status.INTERRUPTED, finished_at=ended.columns["finished_at"]
    )
    writer.submit([ended])
    assert wait_for(writer, run.id)
    assert ChatRun.objects.get().status == Status.COMPLETED


def test_a_row_that_was_deleted_is_not_made_again(writer: Writer) -> None:
    run = run_row()
    writer.submit([run, step_row(run.id)])
    assert wait_for(writer, run.id)
    ChatRun.objects.all().delete()
    writer.submit([run_row(run.id, status=Status.ERROR, is_new=False)])
    writer.submit([step_row(run.id, number=2)])
    assert wait_for(writer, run.id)
    assert not ChatRun.objects.exists()
    assert not ChatStep.objects.exists()
    assert writer.counters.orphaned == 2


def test_a_row_that_the_database_refuses_does_not_take_others_with_it(
    writer: Writer,
) -> None:
    good, bad = run_row(), run_row(status=Status.ERROR, finished_at=None)
    writer.submit([bad, good])
    assert wait_for(writer, bad.id)
    assert wait_for(writer, good.id)
    assert [run.id for run in ChatRun.objects.all()] == [good.id]
    assert writer.counters.refused == 1


def test_what_a_lost_process_journaled_is_imported_once(writer: Writer) -> None:
    lost = Writer(recorder_settings())
    run = run_row(status=Status.ERROR, is_capture=True)
    step = step_row(run.id, is_capture=True)
    lost.spool.write([run, step])  # type: ignore[union-attr]
    let_die(lost)
    assert writer.maintenance.import_spool() == 2
    assert spool_files() == []
    assert ChatRun.objects.get().steps.get().id == step.id
    assert writer.maintenance.import_spool() == 0


def test_an_imported_step_whose_run_is_deleted_counts_as_orphaned(
    writer: Writer,
) -> None:
    lost = Writer(recorder_settings())
    lost.spool.write([step_row(new_id(), is_capture=True)])  # type: ignore[union-attr]
    let_die(lost)
    assert writer.maintenance.import_spool() == 0
    assert (writer.counters.imported, writer.counters.orphaned) == (0, 1)
    assert spool_files() == []


def test_importing_what_is_there_already_changes_nothing(writer: Writer) -> None:
    run = run_row(status=Status.IN_PROGRESS, is_capture=True)
    writer.submit([run])
    assert wait_for(writer, run.id)
    writer.submit([run_row(run.id, status=Status.ERROR, is_new=False)])
    assert wait_for(writer, run.id)
    lost = Writer(recorder_settings())
    lost.spool.write([run])  # type: ignore[union-attr]
    let_die(lost)
    writer.maintenance.import_spool()
    assert ChatRun.objects.get().status == Status.ERROR


def test_a_damaged_capture_is_set_aside_and_the_others_are_imported(
    writer: Writer,
) -> None:
    lost = Writer(recorder_settings())
    run = run_row(status=Status.ERROR, is_capture=True)
    lost.spool.write([run])  # type: ignore[union-attr]
    let_die(lost)
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    (folder / LOST).write_text("{")
    assert writer.maintenance.import_spool() == 1
    assert [path.name for path in spool_files()] == ["0000.damaged"]


def test_a_capture_that_the_database_never_takes_keeps_no_other_from_it(
    writer: Writer,
) -> None:
    lost = Writer(recorder_settings())
    refused = run_row(status=Status.ERROR, is_capture=True, finished_at=None)
    good = run_row(status=Status.ERROR, is_capture=True)
    for row in (refused, good):
        lost.spool.write([row])  # type: ignore[union-attr]
    let_die(lost)
    assert writer.maintenance.import_spool() == 1
    assert ChatRun.objects.get().id == good.id
    (aside,) = spool_files()
    assert aside.suffix == ".damaged"
    assert str(refused.id) in aside.read_text()


def down(*args: object, **kwargs: object) -> None:
    """Write no row: the database does not answer."""
    raise DatabaseError("the server closed the connection")


def test_a_capture_that_comes_while_the_process_ends_is_journaled(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.close(timeout=10)
    run = run_row(status=Status.ERROR, is_capture=True)
    monkeypatch.setattr(thread_module, "write_rows", down)  # or it is soon given up
    writer.submit([run])
    assert run.id in journaled_runs()


def test_a_database_that_does_not_answer_leaves_the_capture_in_the_journal(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(thread_module, "write_rows", down)
        run = run_row(status=Status.ERROR, is_capture=True)
        writer.submit([run])
        assert wait_for(writer, run.id) is False
        assert len(spool_files()) == 1
    assert wait_for(writer, run.id) is True
    assert ChatRun.objects.get().status == Status.ERROR
    assert writer.counters.failures >= 1
    assert writer.counters.last_error == "DatabaseError"


def test_a_journal_that_cannot_be_written_leaves_it_to_the_database(
    writer: Writer, settings: LazySettings, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": blocked}
    other = Writer(recorder_settings())
    run = run_row(status=Status.ERROR, is_capture=True)
    other.submit([run])
    assert wait_for(other, run.id)
    other.close(timeout=10)
    assert ChatRun.objects.get().id == run.id
    assert other.counters.journal_failures == 1


def test_closing_writes_what_waits(writer: Writer) -> None:
    runs = [run_row() for _ in range(300)]
    writer.submit(runs)
    writer.close(timeout=30)
    assert ChatRun.objects.count() == 300


def test_a_failure_of_the_writer_itself_loses_nothing(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Event()

    def fails(*args: object, **kwargs: object) -> None:
        failed.set()
        raise MemoryError

    run = run_row(status=Status.ERROR, is_capture=True)
    with monkeypatch.context() as patch:
        patch.setattr(thread_module, "write_rows", fails)
        writer.submit([run])
        assert failed.wait(10)
    writer.close(timeout=10)
    assert ChatRun.objects.get().id == run.id
    assert writer.counters.last_error == "MemoryError"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced_by_the_next_row(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*args: object, **kwargs: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(thread_module, "write_rows", dies)
        writer.submit([run_row(status=Status.ERROR, is_capture=True)])
        writer.worker.join(10)
        assert not writer.worker.is_alive
    run = run_row(status=Status.ERROR, is_capture=True)
    writer.submit([run])
    assert wait_for(writer, run.id)
    assert ChatRun.objects.count() == 2, "what the dead thread held is written, too"


def test_failures_that_are_only_counted_show_on_the_stored_run(writer: Writer) -> None:
    run = run_row(status=Status.ERROR, is_capture=True)
    writer.submit([run])
    assert wait_for(writer, run.id)
    for _ in range(73):
        writer.count_similar(run.id)
    writer.close(timeout=10)
    assert ChatRun.objects.get().similar_count == 73


def test_a_writer_says_how_it_is(writer: Writer) -> None:
    run = run_row(status=Status.ERROR, is_capture=True)
    writer.submit([run])
    assert wait_for(writer, run.id)
    writer.close(timeout=10)
    state = WriterState.objects.get()
    assert state.pid == os.getpid()
    assert (state.queued, state.spooled) == (0, 0)
    assert state.counters["written"] == state.counters["journaled"] == 1


def test_a_file_that_is_imported_cannot_take_a_newer_one_with_it(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Writer(recorder_settings())
    assert owner.spool is not None
    run = run_row(status=Status.IN_PROGRESS, is_capture=True)
    owner.spool.write([run])
    let_die(owner)  # as far as others can see
    original = database_module.insert_missing

    def while_the_owner_writes(rows: list[Snapshot], **options: Any) -> Any:
        assert owner.spool is not None
        ended = run_row(run.id, status=Status.ERROR, is_capture=True, is_new=False)
        owner.spool.write([ended])
        return original(rows, **options)

    monkeypatch.setattr(database_module, "insert_missing", while_the_owner_writes)
    writer.maintenance.import_spool()
    assert journaled_runs() == {run.id}


def test_a_call_that_takes_long_is_not_taken_for_a_lost_one(
    writer: Writer,
) -> None:
    run = run_row()
    writer.submit([run, step_row(run.id, status=Status.IN_PROGRESS)])
    assert writer.written(run.id).result(timeout=10)
    long_ago = timezone.now() - timedelta(hours=1)
    ChatRun.objects.update(updated_at=long_ago)
    writer.maintenance.note_recovered()  # a beat is due, and with it the sweep
    writer.queue.wake()
    until(lambda: ChatRun.objects.get().updated_at > long_ago)
    writer.close(timeout=10)
    found = ChatRun.objects.get()
    assert (found.status, ChatStep.objects.get().status) == ("in_progress",) * 2


def test_the_writer_deletes_readings_that_are_kept_no_longer(writer: Writer) -> None:
    reading = note_reading(reader=AnonymousUser(), chat_id="c", reason="ticket 12")
    long_ago = timezone.now() - timedelta(days=400)
    ContentReading.objects.filter(pk=reading.pk).update(at=long_ago)
    writer.submit([run_row()])  # it begins to work with its first row
    until(lambda: not ContentReading.objects.exists())


def test_the_writer_uses_a_connection_of_its_own(writer: Writer) -> None:
    run = run_row()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    writer.submit([run])
    assert wait_for(writer, run.id)
    assert connections["default"].connection is not None


def test_new_ids_are_ordered_by_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
