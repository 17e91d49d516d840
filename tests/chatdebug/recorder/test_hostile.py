"""Whatever an error or an answer holds reaches the database, or is noted, and never raised."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.conf import LazySettings
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, RecordingModel, record_run
from chatdebug.writer import close_writer, writer
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = 100_000_000


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


class ExitingError(Exception):
    def __str__(self) -> str:
        raise SystemExit(9)


class ExitingResponseError(Exception):
    @property
    def response(self) -> object:
        raise SystemExit(9)


class NamelessType(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in {"__name__", "__qualname__"}:
            raise RuntimeError(name)
        return super().__getattribute__(name)


class NamelessError(Exception, metaclass=NamelessType):
    """Neither the recorder nor a log's traceback can say what it is."""


class KnownMember(TimeoutError):
    """Counts how often anybody reads it."""

    readings = 0

    def __str__(self) -> str:
        type(self).readings += 1
        return "timed out"


class ProbedError(Exception):
    """Its attributes are what a classification looks at, and each raises."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"body", "headers", "response", "status_code", "code"}:
            raise OSError(name)
        return super().__getattribute__(name)


class HidingError(Exception):
    """Nobody can ask where it comes from."""

    def __getattribute__(self, name: str) -> Any:
        if name in {
            "__cause__",
            "__context__",
            "__suppress_context__",
            "__traceback__",
        }:
            raise OSError(name)
        return super().__getattribute__(name)


class UnreadableMapping(dict[str, Any]):
    def get(self, *names: Any) -> Any:
        raise OSError("get")

    def keys(self) -> Any:
        raise OSError("keys")


def cyclic() -> Exception:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def with_attributes(**attributes: Any) -> Exception:
    error = Exception("a failure with attributes")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def deep(levels: int = 10_000) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"a": [value]}
    return value


ERRORS: dict[str, Callable[[], BaseException]] = {
    "NUL": lambda: Exception("a\x00b"),
    "lone surrogates": lambda: Exception("a\ud800b\udfff"),
    "a message of bytes": lambda: Exception(b"\xff\xfe\x00"),
    "a message of 100 MB": lambda: Exception("x y " * (HUGE // 4)),
    "a body of 100 MB": lambda: with_attributes(body=b"{" * HUGE),
    "a body that is too deep": lambda: with_attributes(body=deep()),
    "a body with NaN and NUL": lambda: with_attributes(
        body={"message": "no\x00", "n": float("nan"), "b": b"\xff"}
    ),
    "headers of another kind": lambda: with_attributes(headers=object()),
    "no text": SilentError,
    "attributes that raise": lambda: ProbedError("probed"),
    "a text that ends the process": ExitingError,
    "an attribute that ends the process": ExitingResponseError,
    "causes and places that raise": HidingError,
    "a noted response that raises": lambda: with_attributes(
        chatdebug_response=UnreadableMapping(status=500)
    ),
    "a cycle of causes": cyclic,
    "a group in a group": lambda: ExceptionGroup(
        "outer", [ExceptionGroup("inner", [ValueError("a\x00")])]
    ),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_every_error_leaves_its_evidence(name: str, level: Level) -> None:
    error = ERRORS[name]()
    with (
        suppress(Exception),
        record_run(
            chat_id="c\x00" * 100,
            owner_id="\ud800",
            level=level,
            provider="p" * 500,
            model="m\x00" * 500,
            label="l\ud800",
        ) as run,
        run.step(),
    ):
        raise error
    counters = writer().counters
    close_writer(timeout=30)
    step = ChatStep.objects.select_related("run").get()
    assert (step.status, step.run.status) == ("error", "error")
    assert present(step.error)["type"] == type(error).__name__
    assert len(str(step.error)) < 100_000
    assert (counters.refused, counters.dropped) == (0, 0)


def test_an_error_that_no_log_can_tell_reaches_the_host() -> None:
    error = NamelessError()
    with pytest.raises(Exception) as caught, record_run(chat_id="c"):  # noqa: PT011
        raise error
    assert caught.value is error


def test_a_host_close_to_the_recursion_limit_gets_its_own_error() -> None:
    def go_down(levels: int) -> None:
        if levels:
            return go_down(levels - 1)
        entered.append(levels)
        with record_run(chat_id="c"):
            entered.append(levels)
            raise ValueError("host")

    others = []
    for levels in range(sys.getrecursionlimit() - 200, sys.getrecursionlimit()):
        entered: list[int] = []
        try:
            go_down(levels)
        except ValueError:
            pass
        except RecursionError:
            others += [levels] * (len(entered) == 2)
    assert others == []


def test_a_group_of_groups_is_recorded_however_deep_it_is() -> None:
    error: Exception = ValueError("innermost")
    for _ in range(3_000):
        error = ExceptionGroup("around", [error])
    with suppress(Exception), record_run(chat_id="c"):
        raise error
    close_writer()
    assert present(ChatStep.objects.get().error)["type"] == "ValueError"


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_an_unknown_failure_among_many_known_ones_is_recorded(level: Level) -> None:
    known = [ConnectionResetError("reset") for _ in range(40)]
    with suppress(Exception), record_run(chat_id="c", level=level):
        raise ExceptionGroup("tasks", [*known, ValueError("what?"), *known])
    close_writer()
    kinds = list(ChatStep.objects.values_list("error__type", flat=True))
    assert kinds.count("ValueError") == 1
    assert len(kinds) == (1 if level is Level.ERRORS else 8)


def test_of_a_group_of_many_a_bounded_number_is_read() -> None:
    known = [KnownMember() for _ in range(5_000)]
    KnownMember.readings = 0
    with suppress(Exception), record_run(chat_id="c") as run, run.step():
        raise ExceptionGroup("tasks", known)
    assert 0 < KnownMember.readings < 1_500


ANSWERS: dict[str, Callable[[], Any]] = {
    "NUL and surrogates": lambda: "a\x00b\ud800c",
    "NaN and bytes": lambda: {"n": float("nan"), "i": float("inf"), "b": b"\xff\x00"},
    "10,000 levels": deep,
    "100 MB": lambda: "x y " * (HUGE // 4),
    "a key with NUL": lambda: {"a\x00": {1, 2}, ("t",): object()},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_kept_or_noted(name: str) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        with run.step() as step:
            step.complete(ANSWERS[name]())
        run.complete()
    counters = writer().counters
    close_writer(timeout=120)
    stored = ChatStep.objects.get()
    assert (stored.status, ChatRun.objects.get().status) == ("completed", "completed")
    assert stored.normalized_response is not None
    assert counters.refused == 0


HOSTILE = "a\x00b\ud800" * 100


class HostileModel(FunctionModel):
    """Its own estimate of tokens would stumble, so it answers without one."""

    async def request(self, *args: Any, **kwargs: Any) -> ModelResponse:
        call = ToolCallPart(tool_name=HOSTILE, args='{"a": NaN, ' + HOSTILE)
        return ModelResponse(parts=[TextPart(HOSTILE), call])


@pytest.mark.parametrize("messages", [None, 7])
@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_what_is_no_list_of_messages_reaches_the_model_as_it_is(
    messages: Any, level: Level, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "shape"}
    asked = []

    class Refusing(FunctionModel):
        async def request(self, messages: Any, *others: Any) -> ModelResponse:
            asked.append(messages)
            raise ArithmeticError

    async def ask() -> None:
        async with record_run(chat_id="c", level=level):
            model = RecordingModel(Refusing(lambda messages, info: ModelResponse([])))
            await model.request(messages, None, ModelRequestParameters())

    with pytest.raises(ArithmeticError):
        asyncio.run(ask())
    assert asked == [messages]
    close_writer()
    assert ChatStep.objects.get().status == "error"


def test_hostile_messages_and_tool_calls_are_kept() -> None:
    def unused(messages: list[Any], info: AgentInfo) -> ModelResponse:
        raise AssertionError

    async def body() -> None:
        model = RecordingModel(HostileModel(unused))
        async with record_run(chat_id="c", level=Level.FULL) as run:
            request: list[ModelMessage] = [ModelRequest.user_text_prompt(HOSTILE)]
            await model.request(request, None, ModelRequestParameters())
            run.complete()

    asyncio.run(body())
    close_writer(timeout=30)
    step = ChatStep.objects.get()
    assert step.status == "completed"
    assert "error" not in step.normalized_request
    assert "error" not in (step.normalized_response or {})
