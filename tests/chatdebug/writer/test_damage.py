"""What is damaged, or refused by the database, is quarantined alone and blocks nothing."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import new_id
from chatdebug.recorder import close_writer, record_run
from chatdebug.recorder import run as run_module
from chatdebug.writer import Snapshot, Writer
from chatdebug.writer import maintenance as maintenance_module
from chatdebug.writer import thread as thread_module
from chatdebug.writer.snapshot import as_lines
from chatdebug.writer.spool import MAX_BYTES, Spool
from tests.chatdebug.writer.rows import run_row, step_row
from tests.chatdebug.writer.spools import LOST, entries
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder() -> Path:
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer(recorder_settings())
    yield made
    made.close(timeout=10)


def capture() -> Snapshot:
    return run_row(status=Status.ERROR, is_capture=True)


def line(**changes: Any) -> bytes:
    return (json.dumps(json.loads(as_lines([capture()])) | changes) + "\n").encode()


def nested(depth: int) -> bytes:
    return b'{"table": "run", "columns": ' + b"[" * depth + b"]" * depth + b"}\n"


def columns(**changes: Any) -> Callable[[Path], None]:
    given = json.loads(as_lines([capture()]))["columns"]
    return content(line(columns=given | changes))


def content(data: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def huge(path: Path) -> None:
    """Make a file that would fill the memory of whoever reads it; it has holes."""
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


BAD: dict[str, Callable[[Path], None]] = {
    "empty": content(b""),
    "half a line": content(b"{"),
    "a list": content(b"[]\n"),
    "no ids": content(b'{"table": "run"}\n'),
    "binary rubbish": content(bytes(range(256)) * 10),
    "columns are no object": content(line(columns=[1, 2])),
    "columns are null": content(line(columns=None)),
    "the id is a number": content(line(id=5)),
    "the id is null": content(line(run_id=None)),
    "no such table": content(line(table="pages")),
    "no such status": columns(status="lost"),
    "the revision is a text": content(line(revision="newest")),
    "nested too deeply": content(nested(200_000)),
    "a time that is none": columns(started_at="yesterday"),
    "a time out of range": columns(started_at="99999-01-01T00:00:00+00:00"),
    "a time out of range in UTC alone": columns(started_at="2499-12-31T23:00:00-12:00"),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to a folder": link_to("/tmp"),
    "a link to nowhere": link_to("nowhere"),
    "a link to a file": link_to("/etc/hostname"),
    "a number that no column takes": columns(finished_at=None),
    "huge": huge,
    "of a future version": content(b'{"version": 7, "rows": [{"kind": "run"}]}\n'),
}


@pytest.mark.parametrize(
    "make", [pytest.param(make, id=name) for name, make in BAD.items()]
)
def test_a_bad_entry_is_set_aside_and_blocks_nothing(
    make: Callable[[Path], None],
    folder: Path,
    writer: Writer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make(folder / LOST)
    good = capture()
    Spool(folder).write([good])
    assert writer.maintenance.import_spool() == 1
    assert ChatRun.objects.get().id == good.id
    assert [path.name for path in entries(folder)] == ["0000.damaged"]
    assert "0000" in caplog.text


def test_a_file_that_may_not_be_read_is_set_aside(
    folder: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who may read anything."""
    original = os.open

    def refuses(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name.startswith("0000"):
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **options)

    (folder / LOST).write_bytes(line())
    Spool(folder).write([capture()])
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuses)
        assert writer.maintenance.import_spool() == 1
    assert [path.name for path in entries(folder)] == ["0000.damaged"]


def test_a_file_that_cannot_be_read_for_the_moment_waits(
    folder: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*arguments: Any, **options: Any) -> int:
        raise OSError(24, "Too many open files")

    (folder / LOST).write_bytes(line())
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuses)
        assert writer.maintenance.import_spool() == 0
    assert not ChatRun.objects.exists()
    assert writer.maintenance.import_spool() == 1


def test_good_lines_before_a_torn_one_are_imported(
    folder: Path, writer: Writer
) -> None:
    good = capture()
    torn = as_lines([good, step_row(good.id)])[:-20]
    (folder / LOST).write_bytes(torn)
    assert writer.maintenance.import_spool() == 1
    assert ChatRun.objects.get().id == good.id
    assert [path.name for path in entries(folder)] == ["0000.damaged"]


def test_an_earlier_damaged_file_is_not_replaced(folder: Path, writer: Writer) -> None:
    for text in ("{first", "{second"):
        (folder / LOST).write_text(text)
        writer.maintenance.import_spool()
    kept = [path.read_text() for path in folder.glob("*.damaged")]
    assert sorted(kept) == ["{first", "{second"]


def test_a_file_of_the_version_before_is_imported(folder: Path, writer: Writer) -> None:
    run = run_row(status=Status.ERROR, is_capture=True, trigger_message_id=11)
    step = step_row(run.id, metadata=None, history_tip_message_id=None)
    old = [json.loads(one) for one in as_lines([run, step]).splitlines()]
    for one in old:
        del one["revision"]
    text = "".join(json.dumps(one) + "\n" for one in old)
    old_file = folder / f"{run.id}.jsonl"
    old_file.write_text(text)
    assert writer.maintenance.import_spool() == 0, "its process may still live"
    os.utime(old_file, (0, 0))
    assert writer.maintenance.import_spool() == 2
    stored = ChatRun.objects.get()
    assert (stored.trigger_message_id, stored.steps.get().metadata) == ("11", {})
    assert entries(folder) == []


def test_a_line_of_a_newer_version_keeps_what_this_one_knows(
    folder: Path, writer: Writer
) -> None:
    run = capture()
    run.columns["mood"] = "good"
    (folder / LOST).write_bytes(as_lines([run]))
    assert writer.maintenance.import_spool() == 1
    assert ChatRun.objects.get().id == run.id


def test_what_a_power_cut_left_under_an_older_name_is_imported(
    folder: Path, writer: Writer
) -> None:
    (folder / "a+lost.spare").write_bytes(line())
    (folder / "b+lost.spare").touch()
    of_version_before, young = folder / "c.spare", folder / "d.spare"
    for path in (of_version_before, young):
        path.write_bytes(line())
    os.utime(of_version_before, (0, 0))
    assert writer.maintenance.import_spool() == 2
    assert entries(folder) == [young]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777], ids=oct)
def test_the_journal_is_for_its_owner_alone(mask: int, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    before = os.umask(mask)
    try:
        spool.write([capture()])
        spool.keep_refused(capture())
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {0o600}


def test_a_folder_of_the_version_before_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Spool(tmp_path).write([capture()])
    assert tmp_path.stat().st_mode & 0o777 == 0o700


class Unwritable:
    """No database takes it, and no JSON."""


def spoilt(row: Snapshot, name: str) -> Snapshot:
    values = {"kind": "no such kind", "level": "high"}
    row.columns[name] = values.get(name, Unwritable())
    return row


RUN_COLUMNS = ["summary", "kind", "level", "error_kind", "started_at"]
STEP_COLUMNS = ["error", "metadata", "usage", "normalized_request", "started_at"]


@pytest.mark.parametrize("name", RUN_COLUMNS)
def test_a_column_that_spoils_a_run_is_left_out(
    name: str, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    run, good = spoilt(capture(), name), capture()
    writer.submit([run, step_row(run.id, is_capture=True), good])
    assert writer.written(run.id).result(20)
    assert writer.written(good.id).result(20)
    stored = ChatRun.objects.get(pk=run.id)
    assert (stored.status, stored.steps.count()) == ("error", 1)
    if name != "error_kind":  # is text, and anything has a text
        assert name in stored.summary["left_out"]
        assert name in caplog.text
        assert writer.counters.mended == 1
    assert ChatRun.objects.filter(pk=good.id).exists()
    assert writer.counters.refused == 0


@pytest.mark.parametrize("name", STEP_COLUMNS)
def test_a_column_that_spoils_a_step_is_left_out(name: str, writer: Writer) -> None:
    run = capture()
    step = spoilt(step_row(run.id, is_capture=True), name)
    writer.submit([run, step])
    assert writer.written(run.id).result(20)
    assert name in ChatStep.objects.get().metadata["left_out"]


def test_a_row_that_is_refused_for_good_is_kept(
    folder: Path, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    run = capture()
    step = step_row(run.id, is_capture=True, operation="no such operation")
    later = capture()
    writer.submit([run, step])
    writer.submit([later])
    assert writer.written(run.id).result(20)
    assert writer.written(later.id).result(20)
    assert ChatRun.objects.count() == 2
    assert writer.counters.refused == 1
    (kept,) = folder.glob("*.damaged")
    assert str(step.id) in kept.read_text()
    assert str(step.id) in caplog.text
    until(lambda: Spool(folder).count() == 0)


def test_a_row_that_is_refused_and_cannot_be_kept_stays_in_the_journal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def is_full(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).suffix == ".damaged":
            raise OSError(28, "No space left on device")
        return original(path, *arguments, **options)

    run = capture()
    step = step_row(run.id, is_capture=True, operation="no such operation")
    first, second = Writer(recorder_settings()), Writer(recorder_settings())
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", is_full)
        first.submit([run, step])
        assert first.written(run.id).result(20)
        first.close(timeout=10)
    assert first.counters.refused == 1
    (waiting,) = Spool(folder).files()
    assert str(step.id) in waiting.read_text()
    second.maintenance.import_spool()
    second.close(timeout=10)
    (kept,) = folder.glob("*.damaged")
    assert str(step.id) in kept.read_text()


@pytest.mark.parametrize(
    "error",
    [
        AssertionError,
        KeyError,
        MemoryError,
        OSError,
        OverflowError,
        RecursionError,
        DatabaseError,
    ],
)
def test_a_row_is_refused_alone_whatever_it_is_refused_with(
    error: type[Exception],
    folder: Path,
    writer: Writer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Refused:
        def __str__(self) -> str:
            raise error

    good, bad = capture(), run_row(status=Status.ERROR, is_capture=True)
    bad.columns["chat_id"] = Refused()
    writer.submit([bad, good])
    assert writer.durable(good.id).result(20)
    assert writer.counters.journal_failures == 0, "they share a file"
    for row in (bad, good):
        assert writer.written(row.id).result(20)
    assert ChatRun.objects.get().id == good.id
    assert writer.counters.refused == 1
    (kept,) = folder.glob("*.damaged")
    assert str(bad.id) in kept.read_text()
    assert f"refuses a run for good ({error.__name__})" in caplog.text


def test_an_error_in_the_journal_beats_the_guess_of_the_sweep(
    folder: Path, writer: Writer
) -> None:
    begun = run_row(summary={"step_count": 1})
    writer.submit([begun])
    assert writer.written(begun.id).result(20)
    ended = run_row(
        begun.id, status=Status.ERROR, is_capture=True, summary={"step_count": 3}
    )
    Spool(folder).write([ended])  # by a process that was killed
    ChatRun.objects.update(
        status=Status.INTERRUPTED, finished_at=timezone.now(), summary={"note": "lost"}
    )
    writer.maintenance.import_spool()
    stored = ChatRun.objects.get()
    assert (stored.status, stored.summary) == ("error", {"step_count": 3})


def test_what_a_killed_run_said_last_is_kept_with_the_guess(
    folder: Path, writer: Writer
) -> None:
    begun = run_row(summary={"step_count": 1})
    writer.submit([begun])
    assert writer.written(begun.id).result(20)
    Spool(folder).write([run_row(begun.id, summary={"step_count": 2}, is_capture=True)])
    ChatRun.objects.update(status=Status.INTERRUPTED, finished_at=timezone.now())
    writer.maintenance.import_spool()
    stored = ChatRun.objects.get()
    assert (stored.status, stored.summary["step_count"]) == ("interrupted", 2)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_files_the_newer_state_wins_in_any_order(
    order: int, folder: Path, writer: Writer
) -> None:
    older = run_row(is_capture=True)
    newer = run_row(older.id, status=Status.ERROR, is_capture=True, age=3600)
    for name, row in zip(("a", "b"), [older, newer][::order], strict=True):
        (folder / f"{name}+lost.jsonl").write_bytes(as_lines([row]))
    writer.maintenance.import_spool()
    assert ChatRun.objects.get().status == "error"


def test_captures_that_a_full_queue_dropped_come_back_by_themselves(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise DatabaseError("the server closed the connection")

    settings.CHATDEBUG = {**settings.CHATDEBUG, "QUEUE_ROWS": 10}
    made = Writer(recorder_settings())
    runs = [capture() for _ in range(30)]
    with monkeypatch.context() as patch:
        patch.setattr(thread_module, "write_rows", down)
        for run in runs:
            made.submit([run, step_row(run.id, is_capture=True)])
        until(lambda: made.counters.deferred >= 20)
    until(lambda: ChatStep.objects.count() == 30)
    assert {run.id for run in runs} == {run.id for run in ChatRun.objects.all()}
    made.close(timeout=10)
    assert made.spool is not None
    assert made.spool.count() == 0
    assert made.counters.dropped == 0


def test_times_of_a_run_follow_no_clock_that_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = timezone.now

    class Clock:
        back = timedelta()

        @classmethod
        def now(cls) -> Any:
            return original() - cls.back

    monkeypatch.setattr(run_module, "timezone", Clock)
    with record_run(chat_id="c") as run:
        for number in range(2):
            with suppress(RuntimeError), run.step():
                raise RuntimeError(f"ballast {'ab'[number]}")
            Clock.back += timedelta(hours=1)
        run.fail()
    close_writer(timeout=10)
    stored = ChatRun.objects.get()
    assert stored.summary["step_count"] == 2
    assert stored.duration is not None
    assert stored.duration >= timedelta()
    for step in stored.steps.all():
        assert step.duration is not None
        assert step.duration >= timedelta()


def test_the_sweep_and_the_import_do_not_hold_each_other_up(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> int:
        raise RuntimeError("whatever it is")

    stale = run_row(new_id())
    writer.submit([stale])
    assert writer.written(stale.id).result(20)
    writer.maintenance._live.clear()  # its process is gone
    ChatRun.objects.update(updated_at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr(maintenance_module, "import_captures", fails)
    writer.maintenance.note_recovered()
    writer.queue.wake()
    until(lambda: ChatRun.objects.get().status == "interrupted")
