"""The calls of LiteLLM, with a double of its functions in front of a real provider."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from threading import Thread
from typing import Any

import openai
import pytest

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.recorder import Level, Run, record_run
from tests.chatdebug.instrument.litellm_double import (
    CustomStreamWrapper,
    MidStreamFallbackError,
    litellm_double,
)
from tests.chatdebug.instrument.sdks import KEY, MESSAGES, PROMPT, steps, the_run
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

type Ask = Callable[[Any, str, DemoProvider], str]


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = litellm_double()
    monkeypatch.setitem(sys.modules, "litellm", module)
    return module


@pytest.fixture
def instrumented(litellm: Any) -> Iterator[None]:
    chatdebug.instrument_litellm()
    yield
    chatdebug.uninstrument_litellm()


def how(model: str, provider: DemoProvider) -> dict[str, Any]:
    return {
        "model": f"openai/{model}",
        "messages": MESSAGES,
        "api_base": provider.openai_base_url,
        "api_key": KEY,
    }


def text(parts: list[Any]) -> str:
    return "".join(
        choice.delta.content or "" for part in parts for choice in part.choices
    )


def complete(litellm: Any, model: str, provider: DemoProvider) -> str:
    answer = litellm.completion(**how(model, provider))
    return str(answer.choices[0].message.content)


def stream(litellm: Any, model: str, provider: DemoProvider) -> str:
    return text(list(litellm.completion(**how(model, provider), stream=True)))


def complete_async(litellm: Any, model: str, provider: DemoProvider) -> str:
    async def body() -> str:
        answer = await litellm.acompletion(**how(model, provider))
        return str(answer.choices[0].message.content)

    return asyncio.run(body())


def stream_async(litellm: Any, model: str, provider: DemoProvider) -> str:
    async def body() -> str:
        parts = await litellm.acompletion(**how(model, provider), stream=True)
        return text([part async for part in parts])

    return asyncio.run(body())


WAYS = [complete, stream, complete_async, stream_async]
STREAMS = [stream, stream_async]


def recorded(
    ask: Ask,
    litellm: Any,
    model: str,
    provider: DemoProvider,
    level: Level = Level.ERRORS,
) -> str:
    with record_run(chat_id="c", level=level) as run:
        answer = ask(litellm, model, provider)
        run.complete()
    return answer


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_call_that_goes_well_leaves_nothing_at_the_errors_level(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    assert PROMPT in recorded(ask, litellm, "demo", provider)
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_an_unknown_failure_is_one_step_and_passes_unchanged(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    with pytest.raises(openai.BadRequestError):
        recorded(ask, litellm, "fault-400", provider)
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "error")
    assert step.operation == ("stream" if ask in STREAMS else "generate")
    assert present(step.error)["status_code"] == 400


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_known_failure_leaves_nothing(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    with pytest.raises(openai.AuthenticationError):
        recorded(ask, litellm, "fault-401", provider)
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_the_full_level_keeps_request_and_answer(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    said = recorded(ask, litellm, "demo", provider, Level.FULL)
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
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_breaks_in_an_unknown_way_is_evidence(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    with pytest.raises(MidStreamFallbackError):
        recorded(ask, litellm, "fault-badjson", provider)
    (step,) = steps()
    error = present(step.error)
    assert (error["kind"], step.operation) == ("generic", "stream")
    assert error["parts_received"] > 0


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_is_closed_early_is_interrupted(
    litellm: Any, provider: DemoProvider
) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        parts = litellm.completion(**how("demo", provider), stream=True)
        assert isinstance(parts, CustomStreamWrapper)
        next(parts)
        parts.close()
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("interrupted", "completed")


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_is_closed_early_in_a_task_is_interrupted(
    litellm: Any, provider: DemoProvider
) -> None:
    async def body() -> None:
        async with record_run(chat_id="c", level=Level.FULL) as run:
            options = how("demo", provider)
            async with aclosing(
                await litellm.acompletion(**options, stream=True)
            ) as parts:
                await anext(parts)
            run.complete()

    asyncio.run(body())
    (step,) = steps()
    assert (step.status, step.run.status) == ("interrupted", "completed")


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_nobody_holds_is_interrupted_at_once(
    litellm: Any, provider: DemoProvider
) -> None:
    gc.disable()  # as without the recorder, it does not wait to be found as garbage
    try:
        with record_run(chat_id="c", level=Level.FULL) as run:
            next(litellm.completion(**how("demo", provider), stream=True))
            (step,) = run.steps
            assert step.status == "interrupted"
            run.complete()
    finally:
        gc.enable()
    (stored,) = steps()
    assert stored.status == "interrupted"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_nobody_began_to_read_is_interrupted_once_nobody_holds_it(
    is_async: bool,
    litellm: Any,
    provider: DemoProvider,
) -> None:
    async def drop() -> None:
        async with record_run(chat_id="c", level=Level.FULL) as run:
            options = how("demo", provider) | {"stream": True}
            parts: Any = (
                await litellm.acompletion(**options)
                if is_async
                else litellm.completion(**options)
            )
            events = parts.completion_stream  # as LiteLLM would, it must be closed
            del parts
            (step,) = run.steps
            assert step.status == "interrupted"
            run.complete()
            if is_async:
                await anext(events)
                await events.aclose()
            else:
                next(events)
                events.close()

    asyncio.run(drop())
    (stored,) = steps()
    assert (stored.status, stored.run.status) == ("interrupted", "completed")


@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_only_an_error_still_holds_is_interrupted_with_its_run(
    litellm: Any, provider: DemoProvider
) -> None:
    def fail_while_reading(run: Run) -> None:
        parts = litellm.completion(**how("demo", provider), stream=True)
        next(parts)
        with run.step():
            raise ValueError

    def ask() -> None:
        with record_run(chat_id="c", level=Level.FULL) as run:
            with suppress(ValueError):
                fail_while_reading(run)
            run.complete()

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout=10)
    assert not asking.is_alive()
    assert sorted(step.status for step in steps()) == ["error", "interrupted"]


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_after_set_chat_a_failing_call_is_a_run(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    with chatdebug.set_chat("c", 7), pytest.raises(openai.BadRequestError):
        ask(litellm, "fault-400", provider)
    run = the_run()
    assert (run.chat_id, run.owner_id, run.status) == ("c", "7", "error")
    assert (run.provider, run.model) == ("openai", "openai/fault-400")


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_in_no_run_an_unknown_failure_is_a_run_of_no_chat(
    ask: Ask, litellm: Any, provider: DemoProvider
) -> None:
    with pytest.raises(openai.BadRequestError):
        ask(litellm, "fault-400", provider)
    assert (the_run().chat_id, the_run().status) == ("", "error")


def test_said_twice_it_counts_once_and_it_can_be_taken_back(
    litellm: Any, provider: DemoProvider
) -> None:
    before = (litellm.completion, litellm.acompletion)
    chatdebug.instrument_litellm()
    chatdebug.instrument_litellm()
    recorded(complete, litellm, "demo", provider, Level.FULL)
    assert len(steps()) == 1
    chatdebug.uninstrument_litellm()
    assert (litellm.completion, litellm.acompletion) == before
