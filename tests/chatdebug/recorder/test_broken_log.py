"""A host project whose log raises gets its own errors, and its code runs, all the same."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from django.db import DatabaseError
from django.utils import timezone

import chatdebug
from chatdebug.logs import safe_logger
from chatdebug.models import ChatRun
from chatdebug.recorder import (
    Run,
    Step,
    close_writer,
    is_it_them,
    record_run,
)
from chatdebug.services import known_health
from chatdebug.services.known_health import forget_health
from chatdebug.writer import writer
from chatdebug.writer.maintenance import Maintenance
from tests.chatdebug.writer.rows import run_row

pytestmark = pytest.mark.django_db(transaction=True)


class HostError(Exception):
    """What code of the host raises, and must get back."""


class TextlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class RaisingHandler(logging.Handler):
    """Notes what it was told, and fails."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> NoReturn:
        self.messages.append(record.getMessage())
        raise RuntimeError("the log is broken")


@pytest.fixture(autouse=True)
def broken_log() -> Iterator[RaisingHandler]:
    handler, log = RaisingHandler(), logging.getLogger("chatdebug")
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)
    log.propagate = propagate


RUN_ARGUMENTS: list[dict[str, Any]] = [
    {"chat_id": None},
    {"chat_id": "c", "owner_id": TextlessError()},
    {"chat_id": "c", "kind": "nonsense"},
    {"chat_id": "c", "level": "nonsense"},
    {"chat_id": "c", "evidence": "nonsense"},
    {"chat_id": "c", "queued_at": "nonsense"},
    {"chat_id": "c", "context_window": "nonsense"},
]
FUNCTION_ARGUMENTS: list[dict[str, Any]] = [
    {"chat_id": "given"},
    {"chat_id": "given.missing"},
    {"chat_id": lambda given: 1 / 0},
    {"chat_id": lambda given: "c", "owner_id": "given.missing"},
    {"chat_id": lambda given: "c", "kind": "nonsense"},
]
CHAT_ARGUMENTS: list[tuple[object, dict[str, Any]]] = [
    (None, {}),
    ("c", {"owner_id": TextlessError()}),
    ("c", {"evidence": "nonsense"}),
]


@pytest.mark.parametrize("arguments", RUN_ARGUMENTS)
def test_a_block_with_wrong_arguments(
    arguments: dict[str, Any], broken_log: RaisingHandler
) -> None:
    with pytest.raises(HostError), record_run(**arguments):
        raise HostError

    async def turn() -> None:
        async with record_run(**arguments):
            raise HostError

    with pytest.raises(HostError):
        asyncio.run(turn())
    assert broken_log.messages


@pytest.mark.parametrize("arguments", FUNCTION_ARGUMENTS)
def test_a_function_whose_ids_cannot_be_told(
    arguments: dict[str, Any], broken_log: RaisingHandler
) -> None:
    @chatdebug.recorded(**arguments)
    def view(given: object) -> None:
        raise HostError

    @chatdebug.recorded(**arguments)
    async def task(given: object) -> None:
        raise HostError

    with pytest.raises(HostError):
        view(None)
    with pytest.raises(HostError):
        asyncio.run(task(None))
    assert broken_log.messages


@pytest.mark.parametrize(("chat", "arguments"), CHAT_ARGUMENTS)
def test_a_chat_with_wrong_arguments(
    chat: object, arguments: dict[str, Any], broken_log: RaisingHandler
) -> None:
    with pytest.raises(HostError), chatdebug.set_chat(chat, **arguments):
        raise HostError
    assert broken_log.messages


CALLS: dict[str, Callable[[Run, Step], object]] = {
    "interrupt": lambda run, step: run.interrupt("nonsense"),
    "fail": lambda run, step: run.fail("nonsense"),  # type: ignore[arg-type]
    "operation": lambda run, step: run.step("nonsense"),
    "step failed": lambda run, step: step.fail("nonsense"),  # type: ignore[arg-type]
    "step completed": lambda run, step: step.complete(object(), object()),
    "step begun": lambda run, step: begin_again(step),
}


def begin_again(step: Step) -> None:
    step.begin(object())  # type: ignore[arg-type]
    step.release()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("level", ["errors", "full"])
def test_a_run_that_is_told_nonsense(name: str, level: str) -> None:
    def turn() -> NoReturn:
        with record_run(chat_id="c", level=level) as run, run.step() as step:
            CALLS[name](run, step)
            raise HostError

    with pytest.raises(HostError):
        turn()
    close_writer(timeout=20)


def test_a_failure_is_stored_without_a_log() -> None:
    with pytest.raises(HostError), record_run(chat_id="c") as run, run.step():
        raise HostError
    close_writer(timeout=20)
    assert ChatRun.objects.get().pk == run.stored_id


def test_the_writer_goes_on_when_its_chores_fail(
    monkeypatch: pytest.MonkeyPatch, broken_log: RaisingHandler
) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise DatabaseError("the ballast shifted")

    monkeypatch.setattr(Maintenance, "report", refuse)
    monkeypatch.setattr(Maintenance, "import_spool", refuse)
    for _ in range(2):
        row = run_row(is_capture=True)
        writer().submit([row])
        assert writer().written(row.run_id).result(timeout=20)
    assert ChatRun.objects.count() == 2
    assert broken_log.messages


def test_the_health_of_providers_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch, broken_log: RaisingHandler
) -> None:
    def refuse() -> NoReturn:
        raise DatabaseError("the ballast shifted")

    monkeypatch.setattr(known_health, "read_health", refuse)
    forget_health()
    assert is_it_them(provider="demo", failed_at=timezone.now()) is None
    assert broken_log.messages


def test_what_is_logged_is_said_by_whoever_says_it(
    caplog: pytest.LogCaptureFixture, broken_log: RaisingHandler
) -> None:
    log = logging.getLogger("chatdebug")
    log.removeHandler(broken_log)
    log.addHandler(caplog.handler)
    safe_logger("chatdebug.some").warning("%s shifted", "ballast")
    log.removeHandler(caplog.handler)
    (record,) = caplog.records
    assert record.filename == "test_broken_log.py"
    assert record.getMessage() == "ballast shifted"
