"""The journal of captures on disk."""

import errno
import os
from pathlib import Path

import pytest

from chatdebug.enums import Status
from chatdebug.writer.spool import Spool, SpoolFullError, read_captures
from tests.chatdebug.writer.rows import run_row, step_row
from tests.chatdebug.writer.spools import entries


def test_what_was_journaled_can_be_read_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new" / "folder")
    run = run_row(status=Status.ERROR, is_capture=True)
    step = step_row(run.id, is_capture=True)
    spool.write([step, run])
    (path,) = spool.files()
    read, is_damaged = read_captures(path)
    assert not is_damaged
    assert [row.id for row in read] == [run.id, step.id]
    for row, original in zip(read, (run, step), strict=True):
        assert row.columns["started_at"] == original.columns["started_at"]
        assert row.columns["status"] == "error"
        assert row.taken_at == original.taken_at
        assert row.revision == original.revision


def test_a_file_goes_when_all_of_its_rows_are_struck(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    run = run_row(status=Status.ERROR, is_capture=True)
    step = step_row(run.id, is_capture=True)
    spool.write([run, step])
    spool.remove(run)
    assert spool.count() == 1
    spool.remove(step)
    assert spool.count() == 0


def test_striking_an_old_snapshot_keeps_a_newer_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    old = run_row(status=Status.IN_PROGRESS, is_capture=True, age=5)
    spool.write([old])
    newer = run_row(old.id, status=Status.ERROR, is_capture=True, is_new=False, age=9)
    spool.write([newer])
    spool.remove(old)
    (path,) = spool.files()
    assert [row.status for row in read_captures(path)[0]] == [Status.ERROR]


def test_a_process_imports_what_it_has_released_and_not_what_it_is_busy_with(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path)
    busy, released = (run_row(status=Status.ERROR, is_capture=True) for _ in range(2))
    for row in (busy, released):
        spool.write([row])
    spool.release(released)
    (path,) = spool.take_over()
    assert [one.id for one in read_captures(path)[0]] == [released.id]


def test_the_journal_is_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_captures=1)
    first = run_row(status=Status.ERROR, is_capture=True)
    spool.write([first])
    with pytest.raises(SpoolFullError):
        spool.write([run_row(status=Status.ERROR, is_capture=True)])
    assert spool.write([step_row(first.id, is_capture=True)]) == []


def test_what_the_bound_lets_in_is_kept_and_the_rest_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_captures=2)
    rows = [run_row(status=Status.ERROR, is_capture=True) for _ in range(3)]
    assert spool.write(rows) == rows[2:]
    assert spool.count() == 2


def test_what_killed_processes_were_writing_is_removed_in_time(tmp_path: Path) -> None:
    old, young = tmp_path / "a.17.tmp", tmp_path / "b.18.tmp"
    for draft in (old, young):
        draft.write_text("half a li")
    os.utime(old, (0, 0))
    Spool(tmp_path).remove_drafts()
    assert list(tmp_path.iterdir()) == [young]


def test_a_disk_that_is_full_keeps_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Spool(tmp_path).write([run_row(status=Status.ERROR, is_capture=True)])
    assert entries(tmp_path) == []
