"""How commands end that are interrupted, whose output nobody takes, or without a database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.db import (
    DataError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from chatdebug.management import databases
from chatdebug.management.files import write_whole
from chatdebug.management.piped import PipedCommand
from tests.process import ROOT

ENVIRONMENT = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
LONGER_THAN_A_PIPE = "word " * 25_000
WRITING = """
import signal
import sys
from pathlib import Path
from chatdebug.management.files import write_whole

# What started the tests may ignore signals: nohup does, and so does a shell's "&".
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

def pieces():
    yield "content"
    print("ready", flush=True)
    sys.stdin.read()

write_whole(pieces(), Path("runs.json"))
"""
ENDED = 20  # seconds


OPTIONS: dict[str, Any] = {
    "force_color": False,
    "no_color": True,
    "skip_checks": True,
}


class Failing(PipedCommand):
    """A command that meets an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def handle(self, *args: object, **options: object) -> None:
        raise self.error


@pytest.fixture
def unread() -> Iterator[int]:
    """Yield the end of a pipe that is written to; the other one is closed."""
    taken, given = os.pipe()
    os.close(taken)
    yield given
    os.close(given)


@pytest.fixture
def full() -> Iterator[int]:
    """Yield a file that has no place for anything."""
    given = os.open("/dev/full", os.O_WRONLY)
    yield given
    os.close(given)


def run(
    *command: str,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    **environment: str,
) -> tuple[int, str]:
    """Return what a command ends with, and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        timeout=ENDED,
    )
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("text", ["word", LONGER_THAN_A_PIPE])
def test_a_command_ends_silently_when_nobody_reads_on(text: str, unread: int) -> None:
    assert run("redact_text", text, stdout=unread) == (141, "")


def test_errors_that_nobody_reads_change_nothing_of_that(unread: int) -> None:
    assert run("redact_text", "word", stdout=unread, stderr=unread)[0] == 141
    assert run("redact_text", stdout=unread, stderr=unread)[0] == 141


@pytest.mark.parametrize("text", ["word", LONGER_THAN_A_PIPE])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_is_not_taken_is_told_once(
    text: str, unbuffered: str, full: int
) -> None:
    ended = run("redact_text", text, stdout=full, PYTHONUNBUFFERED=unbuffered)
    said = "CommandError: The output cannot be written: No space left on device\n"
    assert ended == (1, said)


def test_an_error_is_told_also_where_the_output_is_not_taken(full: int) -> None:
    code, said = run("redact_text", "word", "--wrong", stdout=full)
    assert code == 2
    assert said.count("unrecognized arguments") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["chatdebug_status", "export_chat_rules"])
def test_a_database_without_tables_is_told_in_a_sentence(
    command: str, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    said = (
        "CommandError: The database has no tables of the recorder yet: "
        "run manage.py migrate.\n"
    )
    assert run(command, DATABASE_URL=database) == (1, said)
    code, traceback = run(command, "--traceback", DATABASE_URL=database)
    assert code == 1
    assert "no such table" in traceback


def test_a_database_out_of_reach_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = OperationalError("no route to host\nIs it there?")

    def refuse(*args: object) -> None:
        raise error

    monkeypatch.setattr(databases, "MigrationExecutor", refuse)
    with pytest.raises(
        CommandError, match=r"^The database does not answer: no route to host$"
    ):
        Failing(error).execute(**OPTIONS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("locked\nmore"), "^The database refused it: locked$"),
        (ProgrammingError("odd"), "^The database refused it: odd$"),
    ],
)
def test_what_a_database_refuses_is_told_in_its_words(
    error: Exception, said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        Failing(error).execute(**OPTIONS)


@pytest.mark.django_db
def test_an_error_that_is_no_database_in_trouble_stays_what_it_is() -> None:
    with pytest.raises(DataError):
        Failing(DataError("too long")).execute(**OPTIONS)


@pytest.mark.django_db
def test_migrations_that_are_missing_are_told() -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("chatdebug")
    MigrationRecorder(connection).record_unapplied(*newest)
    with pytest.raises(CommandError, match=r"older tables.*: run manage.py migrate\.$"):
        Failing(OperationalError("no such table")).execute(**OPTIONS)


def test_a_pipe_that_is_read_is_not_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise BrokenPipeError

    command = load_command_class("chatdebug", "redact_text")
    monkeypatch.setattr(command, "handle", broken)
    with Path(os.devnull).open("w") as out:
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stderr", out)
        with pytest.raises(BrokenPipeError):
            command.run_from_argv(["manage.py", "redact_text", "word"])


@pytest.mark.parametrize("end", [BrokenPipeError, CommandError, SystemExit])
def test_what_is_half_read_is_let_go_before_its_connection(
    end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def rows() -> Iterator[int]:
        try:
            yield from range(9)
        finally:
            closed.append("rows")

    class Reading(PipedCommand):
        requires_system_checks = ()

        def handle(self, *args: object, **options: object) -> None:
            held = rows()
            next(held)
            raise end

    monkeypatch.setattr(connections, "close_all", lambda: closed.append("connection"))
    with pytest.raises((BrokenPipeError, SystemExit)):
        Reading().run_from_argv(["manage.py", "reading"])
    assert closed == ["rows", "connection"]


@pytest.mark.parametrize("flags", [[], ["--traceback"]])
def test_an_interrupt_is_said_in_a_word(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(PipedCommand):
        requires_system_checks = ()

        def handle(self, *args: object, **options: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt if flags else SystemExit) as ended:
        Interrupted().run_from_argv(["manage.py", "interrupted", *flags])
    if isinstance(ended.value, SystemExit):
        assert ended.value.code == 130
        assert capsys.readouterr().err == "Interrupted.\n"


def test_each_command_ends_so() -> None:
    ours = [name for name, app in get_commands().items() if app == "chatdebug"]
    assert len(ours) > 10
    for name in ours:
        assert isinstance(load_command_class("chatdebug", name), PipedCommand), name


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_leaves_nothing_of_what_it_wrote(
    one: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "runs.json").write_text("before")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITING],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(one)
        code = process.wait(ENDED)
    assert code == (-one if one is signal.SIGINT else 128 + one)
    assert [each.name for each in tmp_path.iterdir()] == ["runs.json"]
    assert (tmp_path / "runs.json").read_text() == "before"


def test_signals_do_afterwards_what_they_did_before(tmp_path: Path) -> None:
    seen = []

    def pieces() -> Iterator[str]:
        seen.append(signal.getsignal(signal.SIGTERM))
        yield "content"

    write_whole(pieces(), tmp_path / "file")
    assert seen[0] is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        write_whole(pieces(), tmp_path / "file")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert seen[1] is signal.SIG_IGN
