"""What callers hand over is taken for what it says, or refused where they see it."""

from contextlib import suppress
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import record_run
from chatdebug.writer import close_writer
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

CHAT = UUID("01920000-0000-7000-8000-000000000001")


class Provider(StrEnum):
    OPENAI = "openai"


class SilentError(Exception):
    pass


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def record(**facts: Any) -> ChatRun:
    operation = facts.pop("operation", "stream")
    with (
        suppress(SilentError),
        record_run(**{"chat_id": "c", **facts}) as run,
        run.step(operation),
    ):
        raise SilentError("ballast")
    close_writer(timeout=20)
    return ChatRun.objects.get()


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"level": "errors"}, {"level": "errors"}),
        ({"level": "full"}, {"level": "full"}),
        ({"kind": "quickgen"}, {"kind": "quickgen"}),
        ({"provider": None}, {"provider": ""}),
        ({"provider": Provider.OPENAI}, {"provider": "openai"}),
        ({"model": None}, {"model": ""}),
        ({"model": 4}, {"model": "4"}),
        ({"label": None, "level": "full"}, {"label": ""}),
        ({"chat_id": 7}, {"chat_id": "7"}),
        ({"chat_id": CHAT}, {"chat_id": str(CHAT)}),
        ({"owner_id": None}, {"owner_id": ""}),
        ({"owner_id": CHAT}, {"owner_id": str(CHAT)}),
        ({"root_chat_id": None}, {"root_chat_id": ""}),
        ({"model_config_id": 3}, {"model_config_id": "3"}),
    ],
)
def test_what_has_a_meaning_is_taken(
    given: dict[str, Any],
    stored: dict[str, Any],
    settings: LazySettings,
    *,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    run = record(**given)
    assert {name: getattr(run, name) for name in stored} == stored
    assert ChatStep.objects.get().operation == "stream"


NONSENSE: dict[str, Any] = {
    "level": "everything",
    "kind": "chatturn",
    "chat_id": None,
    "model": Mute(),
    "operation": "guess",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_has_none_is_refused_while_debugging(
    name: str, settings: LazySettings
) -> None:
    settings.DEBUG = True
    with pytest.raises(TypeError, match=name):
        record(**{name: NONSENSE[name]})


@pytest.mark.parametrize("name", NONSENSE)
def test_in_production_it_costs_a_log_line_and_no_capture(
    name: str, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = False
    run = record(**{name: NONSENSE[name]})
    assert (run.status, run.level, run.kind) == ("error", "errors", "chat_turn")
    assert run.chat_id == ("" if name == "chat_id" else "c")
    (line,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert name in line.getMessage()


@pytest.mark.parametrize("given", ["it broke", ValueError, 17])
def test_a_failure_that_is_no_exception_is_evidence_too(given: Any) -> None:
    with record_run(chat_id="c") as run:
        with run.step() as step:
            step.fail(given)
        run.fail(given)
    close_writer(timeout=20)
    steps = ChatStep.objects.order_by("step_number")
    assert {present(step.error)["message"] for step in steps} == {str(given)}


@pytest.mark.parametrize("usage", ["n/a", [], object(), {"input_tokens": "n/a"}])
def test_odd_usage_spoils_neither_step_nor_summary(usage: Any) -> None:
    with record_run(chat_id="c", level="full") as run:
        with run.step() as step:
            step.complete({"said": "words"}, usage)
        run.complete()
    close_writer(timeout=20)
    stored = ChatStep.objects.select_related("run").get()
    assert (stored.status, stored.run.summary["total_input_tokens"]) == ("completed", 0)
