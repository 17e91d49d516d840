"""A process owns its spool as long as it lives, and then exactly one other one does."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun
from chatdebug.writer import Writer, maintenance, ownership
from chatdebug.writer.database import import_captures
from chatdebug.writer.locks import lock_of_lost_process
from chatdebug.writer.ownership import UNLOCKED_SECONDS
from chatdebug.writer.spool import Spool
from tests.chatdebug.writer.rows import run_row
from tests.chatdebug.writer.spools import entries
from tests.faults.sharing import sharing_process
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

CAPTURES = 20


class SpoolProcess:
    """A process with a spool; ``tests.chatdebug.writer.spool_process`` says what it does."""

    def __init__(self, folder: Path) -> None:
        module = "tests.chatdebug.writer.spool_process"
        self._process = sharing_process(module, str(folder), spool=folder)

    def tell(self, command: str) -> None:
        """Give a command, and wait for nothing."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def answer(self) -> int:
        """Return the answer to the oldest command that was not answered."""
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def ask(self, command: str) -> int:
        """Give a command, and return its answer."""
        self.tell(command)
        return self.answer()

    def kill(self) -> None:
        """End it with SIGKILL. Its children live on, until the input ends."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let nothing of it be left."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def folder() -> Path:
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    return folder


@pytest.fixture
def process(folder: Path) -> Iterator[Callable[[], SpoolProcess]]:
    """Return a function that starts a process with a spool in the folder."""
    started: list[SpoolProcess] = []

    def start() -> SpoolProcess:
        started.append(SpoolProcess(folder))
        return started[-1]

    yield start
    for each in started:
        each.close()


type Start = Callable[[], SpoolProcess]


def test_a_process_keeps_its_spool_until_it_is_killed(
    process: Start, folder: Path
) -> None:
    owner, other = process(), Spool(folder)
    owner.ask(f"write {CAPTURES}")
    before = entries(folder)
    assert other.take_over() == []
    assert entries(folder) == before
    owner.kill()
    assert len(other.take_over()) == CAPTURES


@pytest.mark.parametrize("command", ["fork", "spawn"])
def test_children_that_live_on_hold_no_spool_of_a_killed_parent(
    command: str, process: Start, folder: Path
) -> None:
    parent = process()
    parent.ask("write 1")
    child = parent.ask(command)
    parent.kill()
    os.kill(child, 0)  # it is there
    assert len(Spool(folder).take_over()) == 1


def test_a_forked_child_has_a_spool_of_its_own(process: Start, folder: Path) -> None:
    parent, other = process(), Spool(folder)
    parent.ask("write 1")
    parent.ask("fork 2")
    assert other.take_over() == []
    parent.kill()
    assert len(other.take_over()) == 1, "the child's are still the child's"


def test_processes_of_one_number_are_told_apart(folder: Path) -> None:
    """Two containers with one volume: in each the process is number 1."""
    mine, theirs = Spool(folder), Spool(folder)
    mine.write([run_row(status=Status.ERROR, is_capture=True)])
    assert theirs.take_over() == []
    del mine
    assert len(theirs.take_over()) == 1


def test_while_one_takes_over_no_other_does(folder: Path) -> None:
    owner, other = Spool(folder), Spool(folder)
    owner.write([run_row(status=Status.ERROR, is_capture=True)])
    del owner
    (left,) = folder.glob("*.lock")
    taken = lock_of_lost_process(left)
    assert other.take_over() == []
    taken.release()
    assert len(other.take_over()) == 1


def test_what_two_import_at_once_is_stored_once(process: Start, folder: Path) -> None:
    importers = [process(), process()]
    for importer in importers:
        assert importer.ask("import") == 0
    lost = process()
    lost.ask(f"write {CAPTURES}")
    lost.kill()
    for importer in importers:
        importer.tell("import")
    assert sorted(importer.answer() for importer in importers) == [0, CAPTURES]
    assert ChatRun.objects.count() == CAPTURES
    assert entries(folder) == []


def test_what_a_killed_process_had_taken_over_is_taken_over_again(
    process: Start, folder: Path
) -> None:
    first, second, third = process(), process(), process()
    first.ask(f"write {CAPTURES}")
    first.kill()
    assert second.ask("take") == CAPTURES
    assert third.ask("import") == 0
    second.kill()
    assert third.ask("import") == CAPTURES
    assert ChatRun.objects.count() == CAPTURES
    assert entries(folder) == []


def test_a_take_over_that_stops_half_way_is_gone_on_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, taker = Spool(folder), Spool(folder)
    for _ in range(3):
        owner.write([run_row(status=Status.ERROR, is_capture=True)])
    del owner
    claimed: list[Path] = []
    claim = ownership._claim

    def stops(path: Path, name: str) -> None:
        if claimed:
            raise KeyboardInterrupt
        claimed.append(path)
        claim(path, name)

    with monkeypatch.context() as patch:
        patch.setattr(ownership, "_claim", stops)
        with pytest.raises(KeyboardInterrupt):
            taker.take_over()
    taker.close()
    assert len(Spool(folder).take_over()) == 3


def test_a_writer_takes_over_while_it_works_and_not_only_at_its_start(
    process: Start, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_looked = Event()

    def told(*arguments: Any, **options: Any) -> int:
        rows = import_captures(*arguments, **options)
        has_looked.set()
        return rows

    monkeypatch.setattr(maintenance, "import_captures", told)
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 1.0}
    lost = process()
    lost.ask("write 1")
    writer = Writer(recorder_settings())
    writer.start()
    assert has_looked.wait(60)
    assert not ChatRun.objects.exists()
    lost.kill()
    until(ChatRun.objects.exists)
    writer.close(timeout=10)
    assert writer.counters.imported == 1


def test_locks_of_lost_processes_go_and_those_of_others_stay(folder: Path) -> None:
    lost, living, taker = Spool(folder), Spool(folder), Spool(folder)
    for spool in (lost, living):
        spool.write([run_row(status=Status.ERROR, is_capture=True)])
    (folder / "somebody.lock").touch()
    before = set(folder.glob("*.lock"))
    del lost, spool
    assert len(taker.take_over()) == 1
    (gone,) = before - set(folder.glob("*.lock"))
    (own,) = set(folder.glob("*.lock")) - before
    assert "somebody.lock" not in (gone.name, own.name)
    assert living.count() == 2


def test_a_spool_without_captures_leaves_nothing(folder: Path) -> None:
    spool = Spool(folder)
    row = run_row(status=Status.ERROR, is_capture=True)
    spool.write([row])
    spool.remove(row)
    spool.close()
    assert list(folder.iterdir()) == []


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system know no locks, as some network file systems."""

    def refuses(*arguments: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuses)


@pytest.mark.usefixtures("no_locks")
def test_without_locks_captures_are_written_and_taken_when_they_are_old(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    owner, other = Spool(folder), Spool(folder)
    row = run_row(status=Status.ERROR, is_capture=True)
    owner.write([row])
    assert other.take_over() == []
    _grow_old(folder)
    assert owner.take_over() == [], "its own, which it is busy with"
    (path,) = other.take_over()
    owner.remove(row)
    assert list(folder.iterdir()) == [path], "the taker has it alone"
    other.take_over()
    assert caplog.text.count("No locks available") == 2, "once for each process"


@pytest.mark.usefixtures("no_locks")
def test_without_locks_the_checks_say_so(settings: LazySettings) -> None:
    assert [message.id for message in run_checks(tags=["chatdebug"])] == [
        "chatdebug.W007"
    ]


def test_what_was_written_without_locks_is_left_to_its_process_for_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = Spool(folder), Spool(folder)
    with monkeypatch.context() as patch:
        patch.setattr(ownership, "lock_new", _refuses)
        owner.write([run_row(status=Status.ERROR, is_capture=True)])
    assert other.take_over() == []
    _grow_old(folder)
    assert len(other.take_over()) == 1


def _refuses(path: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _grow_old(folder: Path) -> None:
    for path in folder.iterdir():
        long_ago = path.stat().st_mtime - UNLOCKED_SECONDS - 1
        os.utime(path, (long_ago, long_ago))
