"""Files of exports that are large: they are read a run at a time, whoever reads them."""

import io
import json
import os
import threading
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chatdebug.enums import Level, Operation, Status
from chatdebug.exports.document import stream_of
from chatdebug.exports.rows import RunWithSteps
from chatdebug.models import ChatRun, ChatStep

RUNS = 500
TEXT = "What is a ballast? " * 6_400


def large_runs() -> Iterator[RunWithSteps]:
    """Yield runs of 120 kB each, which no database has."""
    now = timezone.now()
    for _ in range(RUNS):
        run = ChatRun(
            chat_id="chat-7",
            level=Level.FULL,
            status=Status.COMPLETED,
            finished_at=now,
        )
        step = ChatStep(
            run=run,
            chat_id=run.chat_id,
            step_number=1,
            operation=Operation.STREAM,
            status=Status.COMPLETED,
            normalized_request={"messages": [{"text": TEXT}]},
            finished_at=now,
        )
        yield run, iter([step])


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "runs.json"
    with path.open("w") as file:
        file.writelines(stream_of(large_runs()))
    assert path.stat().st_size > 60_000_000
    return path


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("verify_chat_export", "Runs in the document: 500"),
        ("import_chat_runs", "500 runs stored"),
    ],
)
def test_a_large_file_takes_little_memory(
    command: str, says: str, large_file: Path
) -> None:
    out = io.StringIO()
    tracemalloc.start()
    try:
        call_command(command, str(large_file), stdout=out)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert says in out.getvalue()
    assert most < large_file.stat().st_size / 8


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard input a pipe, and yield the end of it that is written to."""
    taken, given = os.pipe()
    with os.fdopen(taken, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield given


def write(end: int, content: bytes) -> threading.Thread:
    """Write into a pipe, which holds less than that, while somebody reads."""

    def write_all() -> None:
        with os.fdopen(end, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write_all)
    thread.start()
    return thread


def test_what_comes_through_a_pipe_is_checked_as_well(pipe: int) -> None:
    content = "".join(stream_of(islice(large_runs(), 9))).encode()
    thread = write(pipe, content)
    out = io.StringIO()
    call_command("verify_chat_export", "-", "--json", stdout=out)
    thread.join()
    assert json.loads(out.getvalue())["holds"]


def test_what_comes_through_a_pipe_and_is_no_text_is_refused(pipe: int) -> None:
    thread = write(pipe, b"\xff")
    with pytest.raises(CommandError, match="not JSON") as raised:
        call_command("verify_chat_export", "-")
    thread.join()
    assert raised.value.returncode == 2
