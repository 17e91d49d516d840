"""The calls of LiteLLM: its functions as they are called, answer, stream and fail.

The package itself is large and no requirement of the tests. In its place stands a module
that has what is relied on: two functions, called as its attributes, which return an object
of OpenAI's SDK or a stream that can be read in both ways.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from types import ModuleType
from typing import Any

import openai
import pytest

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.recorder import Level, record_run
from tests.chatdebug.instrument.sdks import KEY, MESSAGES, PROMPT, steps, the_run
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

type Ask = Callable[[Any, str], str]


class MidStreamError(Exception):
    """A router's error around the one that broke a stream."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("the stream broke")
        self.original_exception = cause


class StreamWrapper:
    """A stream that is read in the way in which it was asked for."""

    def __init__(self, parts: Any) -> None:
        self._parts = parts

    def __iter__(self) -> "StreamWrapper":
        return self

    def __aiter__(self) -> "StreamWrapper":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._parts)
        except ValueError as error:
            raise MidStreamError(error) from error

    async def __anext__(self) -> Any:
        try:
            return await anext(self._parts)
        except ValueError as error:
            raise MidStreamError(error) from error


def router_module(url: str) -> Any:
    """Return a module that asks the provider at this address."""
    module: Any = ModuleType("litellm")
    how: Any = {"base_url": url, "api_key": KEY, "max_retries": 0}

    def completion(model: str, messages: Any, **options: Any) -> Any:
        asked = {"model": model.partition("/")[2], "messages": messages, **options}
        with ExitStack() as stack:
            client = stack.enter_context(openai.OpenAI(**how))
            answer: Any = client.chat.completions.create(**asked)
            if options.get("stream"):
                return StreamWrapper(closing(stack.pop_all(), answer))
            return answer

    async def acompletion(model: str, messages: Any, **options: Any) -> Any:
        asked = {"model": model.partition("/")[2], "messages": messages, **options}
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(openai.AsyncOpenAI(**how))
            answer: Any = await client.chat.completions.create(**asked)
            if options.get("stream"):
                return StreamWrapper(closing_async(stack.pop_all(), answer))
            return answer

    module.completion, module.acompletion = completion, acompletion
    return module


def closing(client: ExitStack, parts: Any) -> Any:
    with client, parts:
        yield from parts


async def closing_async(client: AsyncExitStack, parts: Any) -> Any:
    async with client, parts:
        async for part in parts:
            yield part


@pytest.fixture
def litellm(provider: DemoProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module = router_module(provider.openai_base_url)
    monkeypatch.setitem(sys.modules, "litellm", module)
    chatdebug.instrument_litellm()
    yield module
    chatdebug.uninstrument_litellm()


def completion(litellm: Any, model: str) -> str:
    answer = litellm.completion(f"openai/{model}", MESSAGES)
    return str(answer.choices[0].message.content)


def stream(litellm: Any, model: str) -> str:
    parts = litellm.completion(model=f"openai/{model}", messages=MESSAGES, stream=True)
    return "".join(one.delta.content or "" for part in parts for one in part.choices)


def acompletion(litellm: Any, model: str) -> str:
    async def body() -> str:
        answer = await litellm.acompletion(model=f"openai/{model}", messages=MESSAGES)
        return str(answer.choices[0].message.content)

    return asyncio.run(body())


def astream(litellm: Any, model: str) -> str:
    async def body() -> str:
        parts = await litellm.acompletion(f"openai/{model}", MESSAGES, stream=True)
        return "".join(
            [one.delta.content or "" async for part in parts for one in part.choices]
        )

    return asyncio.run(body())


WAYS = [completion, stream, acompletion, astream]
STREAMS = [stream, astream]


@pytest.mark.parametrize("ask", WAYS)
def test_a_call_that_goes_well_leaves_nothing_at_the_errors_level(
    ask: Ask, litellm: Any
) -> None:
    with record_run(chat_id="c") as run:
        assert PROMPT in ask(litellm, "demo")
        run.complete()
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
def test_an_unknown_failure_is_one_step_and_passes_unchanged(
    ask: Ask, litellm: Any
) -> None:
    with pytest.raises(openai.BadRequestError), record_run(chat_id="c"):
        ask(litellm, "fault-400")
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "error")
    assert step.operation == ("stream" if ask in STREAMS else "generate")
    assert present(step.error)["status_code"] == 400


@pytest.mark.parametrize("ask", WAYS)
def test_a_known_failure_leaves_nothing(ask: Ask, litellm: Any) -> None:
    with pytest.raises(openai.AuthenticationError), record_run(chat_id="c"):
        ask(litellm, "fault-401")
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
def test_the_full_level_keeps_request_and_answer(ask: Ask, litellm: Any) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        said = ask(litellm, "demo")
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("completed", "completed")
    (asked,) = step.normalized_request["messages"]
    assert (asked["role"], asked["parts"][0]["text"]) == ("user", PROMPT)
    response = present(step.normalized_response)
    assert [part["text"] for part in response["content"]] == [said]
    assert response["finish_reason"] == "stop"
    if ask not in STREAMS:
        assert present(step.usage)["output_tokens"] > 0


@pytest.mark.parametrize("ask", STREAMS)
def test_a_stream_that_breaks_in_an_unknown_way_is_evidence(
    ask: Ask, litellm: Any
) -> None:
    with pytest.raises(MidStreamError), record_run(chat_id="c"):
        ask(litellm, "fault-badjson")
    (step,) = steps()
    assert (step.operation, step.status) == ("stream", "error")
    assert present(step.error)["parts_received"] > 2
    assert present(step.error)["characters_received"] > 10
    assert "This answer" not in str(step.error)


@pytest.mark.parametrize("ask", STREAMS)
def test_a_stream_that_just_ends_is_evidence(ask: Ask, litellm: Any) -> None:
    with record_run(chat_id="c") as run:
        ask(litellm, "fault-eof")
        run.complete()
    (step,) = steps()
    assert step.status == "error"


@pytest.mark.parametrize("ask", WAYS)
def test_after_set_chat_a_failing_call_is_a_run_of_its_own(
    ask: Ask, litellm: Any
) -> None:
    with chatdebug.set_chat("c", 7), pytest.raises(openai.BadRequestError):
        ask(litellm, "fault-400")
    run = the_run()
    assert (run.chat_id, run.owner_id, run.status) == ("c", "7", "error")
    assert (run.provider, run.model) == ("openai", "openai/fault-400")


@pytest.mark.parametrize("ask", WAYS)
def test_in_no_run_nothing_is_recorded(ask: Ask, litellm: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        ask(litellm, "fault-400")
    assert steps() == []


def test_a_stream_stays_an_object_of_its_class(litellm: Any) -> None:
    with record_run(chat_id="c") as run:
        parts = litellm.completion("openai/demo", MESSAGES, stream=True)
        assert isinstance(parts, StreamWrapper)
        assert list(parts)
        run.complete()
    assert steps() == []


def test_said_twice_it_counts_once_and_it_can_be_taken_back(litellm: Any) -> None:
    recorded = litellm.completion, litellm.acompletion
    chatdebug.instrument_litellm()
    assert (litellm.completion, litellm.acompletion) == recorded
    chatdebug.uninstrument_litellm()
    assert litellm.completion is not recorded[0]
    with pytest.raises(openai.BadRequestError), record_run(chat_id="c"):
        completion(litellm, "fault-400")
    (step,) = steps()
    assert step.operation == "run"  # it left the run, and was nobody's call


def test_where_it_is_not_installed_that_is_said(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ImportError):
        chatdebug.instrument_litellm()
