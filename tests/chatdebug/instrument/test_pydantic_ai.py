"""The runs of pydantic-ai's agents."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.conf import LazySettings
from pydantic_ai import Agent
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.test import TestModel

import chatdebug
from chatdebug.recorder import Level, RecordingModel, record_run
from tests.chatdebug.instrument.sdks import PROMPT, steps, the_run
from tests.chatdebug.recorder.demo import PROMPT as ASKED
from tests.chatdebug.recorder.demo import demo_model, prompt
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


@pytest.fixture
def instrumented() -> Iterator[None]:
    chatdebug.instrument_pydantic_ai()
    yield
    chatdebug.uninstrument_pydantic_ai()


async def run(agent: Agent[None, Any], model: Model) -> Any:
    return (await agent.run(PROMPT, model=model)).output


async def run_stream(agent: Agent[None, Any], model: Model) -> Any:
    async with agent.run_stream(PROMPT, model=model) as result:
        return await result.get_output()


async def overridden(agent: Agent[None, Any], model: Model) -> Any:
    with agent.override(model=model):
        return (await agent.run(PROMPT)).output


WAYS = [run, run_stream, overridden]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_each_request_of_an_agent_is_a_step(way: Any) -> None:
    async def body() -> None:
        async with demo_model("demo") as model:
            plain = model.wrapped
            async with record_run(chat_id="c", level=Level.FULL) as recorded:
                assert PROMPT in await way(Agent(), plain)
                recorded.complete()

    asyncio.run(body())
    (step,) = steps()
    assert (step.status, step.run.status) == ("completed", "completed")
    assert PROMPT in str(step.normalized_request)
    assert len(step.attempts) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_failing_request_is_one_step_and_passes_unchanged(way: Any) -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model, record_run(chat_id="c"):
            await way(Agent(), model.wrapped)

    with pytest.raises(ModelHTTPError):
        asyncio.run(body())
    (step,) = steps()
    assert (step.status, present(step.error)["status_code"]) == ("error", 400)


@pytest.mark.usefixtures("instrumented")
def test_after_set_chat_an_agents_run_is_one_run_with_what_fails_around_it() -> None:
    agent = Agent(TestModel())

    @agent.tool_plain
    def broken() -> None:
        raise ProviderError

    async def body() -> None:
        with chatdebug.set_chat("c", 7), suppress(ProviderError):
            await agent.run(PROMPT)

    asyncio.run(body())
    recorded = the_run()
    assert (recorded.chat_id, recorded.owner_id) == ("c", "7")
    assert recorded.status == "error"
    assert recorded.steps.get().operation == "run"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_in_no_run_a_failing_agent_is_a_run_of_no_chat(way: Any) -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            await way(Agent(), model.wrapped)

    with pytest.raises(ModelHTTPError):
        asyncio.run(body())
    assert (the_run().chat_id, the_run().status) == ("", "error")
    assert len(steps()) == 1


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_an_agent_that_goes_well_leaves_nothing() -> None:
    asked: list[Any] = []

    class Spy(TestModel):
        async def request(self, *args: Any) -> Any:
            asked.append(args)
            return await super().request(*args)

    asyncio.run(run(Agent(), Spy()))
    assert len(asked) == 1
    assert steps() == []


def test_one_agent_is_recorded_and_no_other() -> None:
    async def body() -> None:
        agent, other = Agent(TestModel()), Agent(TestModel())
        assert chatdebug.instrument_pydantic_ai(agent) is agent
        chatdebug.instrument_pydantic_ai(agent)
        async with record_run(chat_id="c", level=Level.FULL) as recorded:
            await agent.run(PROMPT)
            await other.run(PROMPT)
            chatdebug.uninstrument_pydantic_ai(agent)
            await agent.run(PROMPT)
            recorded.complete()

    asyncio.run(body())
    assert len(steps()) == 1


@pytest.mark.usefixtures("instrumented")
def test_with_the_sdk_instrumented_too_a_call_is_still_one_step() -> None:
    chatdebug.instrument_openai()

    async def body(name: str, level: Level) -> None:
        async with demo_model(name) as model:
            with suppress(ModelHTTPError):
                async with record_run(chat_id=name, level=level):
                    await run(Agent(), model.wrapped)

    try:
        asyncio.run(body("demo", Level.FULL))
        asyncio.run(body("fault-400", Level.ERRORS))
    finally:
        chatdebug.uninstrument_openai()
    assert [step.chat_id for step in steps()] == ["demo", "fault-400"]


def test_a_model_is_wrapped_once() -> None:
    model = TestModel()
    recording = chatdebug.instrument_pydantic_ai(model)
    assert isinstance(recording, RecordingModel)
    assert chatdebug.instrument_pydantic_ai(recording) is recording

    async def body() -> None:
        async with record_run(chat_id="c", level=Level.FULL) as recorded:
            await model_request(recording, prompt())
            recorded.complete()

    asyncio.run(body())
    assert len(steps()) == 1


async def asked(model: Any) -> None:
    await model_request(model, prompt())


async def asked_to_stream(model: Any) -> None:
    async with model_request_stream(model, prompt()) as stream:
        async for _ in stream:
            pass


@pytest.mark.parametrize("ask", [asked, asked_to_stream])
def test_after_set_chat_each_failing_request_of_a_model_is_a_run(ask: Any) -> None:
    async def body(name: str) -> None:
        async with demo_model(name) as model:
            recording = chatdebug.instrument_pydantic_ai(model.wrapped)
            with chatdebug.set_chat("c", 7):
                await ask(recording)

    asyncio.run(body("demo"))
    with pytest.raises(ModelHTTPError):
        asyncio.run(body("fault-400"))
    recorded = the_run()
    assert (recorded.chat_id, recorded.owner_id) == ("c", "7")
    assert recorded.status == "error"
    assert present(recorded.steps.get().error)["status_code"] == 400


@pytest.mark.parametrize("ask", [asked, asked_to_stream])
def test_set_chat_narrows_what_a_failing_request_of_a_model_keeps(
    ask: Any, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}

    async def body(evidence: str) -> None:
        async with demo_model("fault-400") as model:
            recording = chatdebug.instrument_pydantic_ai(model.wrapped)
            with chatdebug.set_chat(evidence, 7, evidence=evidence):
                await ask(recording)

    for evidence in ("error", "full"):
        with pytest.raises(ModelHTTPError):
            asyncio.run(body(evidence))
    kept = {one.chat_id: ASKED in str(one.normalized_request) for one in steps()}
    assert kept == {"error": False, "full": True}


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="str is neither"):
        chatdebug.instrument_pydantic_ai("openai:gpt-5")


def test_it_can_be_taken_back() -> None:
    before = Agent.iter
    chatdebug.instrument_pydantic_ai()
    chatdebug.instrument_pydantic_ai()
    chatdebug.uninstrument_pydantic_ai()
    assert Agent.iter is before
