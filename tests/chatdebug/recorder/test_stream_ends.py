"""Streams that end without a finish reason, by pydantic-ai's own models and the SDKs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from pydantic_ai import Agent
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.recorder import Level, RecordingModel, record_run
from tests.chatdebug.instrument.sdks import KEY, MESSAGES, PROMPT, steps
from tests.chatdebug.recorder.demo import PROTOCOLS, prompt, stream
from tests.optional import present
from tests.wire import beginning, finish, last, words

URL = "https://provider.test/v1"

pytestmark = pytest.mark.django_db(transaction=True)

BEGUN = [*beginning("openai"), *words("openai", "Violets ", "are ")]
ENDINGS = {
    "finished": [*finish("openai"), last("openai")],
    "only finished": finish("openai"),
    "only marked": [last("openai")],
}
"""How a good stream ends."""


@asynccontextmanager
async def own_model(name: str, protocol: str) -> AsyncIterator[Model]:
    """Yield pydantic-ai's model as a host makes it: nothing of chatd reads its answers."""
    async with DemoProvider(word_delay=0) as provider:
        if protocol == "anthropic":
            url = provider.anthropic_base_url
            async with AsyncAnthropic(base_url=url, api_key=KEY) as anthropic:
                yield AnthropicModel(
                    name, provider=AnthropicProvider(anthropic_client=anthropic)
                )
            return
        url = provider.openai_base_url
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY) as client:
            yield OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))


def answering(events: list[str]) -> OpenAIChatModel:
    """Return a model whose provider answers with these events."""
    provider = OpenAIProvider(openai_client=async_client(events))
    return OpenAIChatModel("m", provider=provider)


def async_client(events: list[str]) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=URL,
        api_key=KEY,
        http_client=httpx2.AsyncClient(transport=transport(events)),
    )


def transport(events: list[str]) -> httpx2.MockTransport:
    headers = {"content-type": "text/event-stream"}
    body = "".join(events)
    return httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=headers, content=body)
    )


async def by_recording_model(model: Model) -> str:
    async with record_run(chat_id="c") as run:
        said = await stream(RecordingModel(model))
        run.complete()
    return said


async def by_instrumented_model(model: Model) -> str:
    return await stream(present(chatdebug.instrument_pydantic_ai(model)))


async def by_agent(model: Model) -> str:
    agent = Agent(model)
    chatdebug.instrument_pydantic_ai(agent)
    async with agent.run_stream(PROMPT) as result:
        return await result.get_output()


async def leaving_early(model: Model) -> str:
    async with (
        record_run(chat_id="c") as run,
        model_request_stream(RecordingModel(model), prompt()) as parts,
    ):
        async for _ in parts:
            break
        run.complete()
        return parts.get().text or ""


async def said_by(name: str, protocol: str, way: "Way") -> str:
    async with own_model(name, protocol) as model:
        return await way(model)


type Way = Callable[[Model], Coroutine[Any, Any, str]]
"""Reads a stream to its end; returns what was said."""

WAYS: list[Way] = [
    by_recording_model,
    by_instrumented_model,
    by_agent,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream_that_just_ends_is_evidence(way: Way, protocol: str) -> None:
    assert asyncio.run(said_by("fault-eof", protocol, way))
    (step,) = steps()
    assert step.status == "error"
    assert present(step.error)["type"] == "IncompleteStreamError"
    assert present(step.error)["characters_received"] > 10


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_good_stream_leaves_nothing(way: Way, protocol: str) -> None:
    assert asyncio.run(said_by("demo", protocol, way))
    assert steps() == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_consumer_that_leaves_early_is_no_failure(protocol: str) -> None:
    assert asyncio.run(said_by("fault-eof", protocol, leaving_early))
    assert steps() == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_finish_reason_or_the_mark_of_the_end_will_do(way: Way, ending: str) -> None:
    assert asyncio.run(way(answering([*BEGUN, *ENDINGS[ending]]))) == "Violets are "
    assert steps() == []


def test_what_is_kept_of_a_stream_does_not_say_a_finish_reason_that_never_came() -> (
    None
):
    async def body() -> None:
        async with record_run(chat_id="c", level=Level.FULL) as run:
            await stream(RecordingModel(answering(BEGUN)))
            run.complete()

    asyncio.run(body())
    (step,) = steps()
    assert present(step.normalized_response)["finish_reason"] == ""
    assert step.metadata["stream_summary"]["finish_reason"] is None


async def say(*_: Any) -> AsyncIterator[str]:
    yield "Violets"


@pytest.mark.parametrize("model", [TestModel(), FunctionModel(stream_function=say)])
def test_a_model_without_a_provider_owes_no_finish_reason(model: Model) -> None:
    assert asyncio.run(by_recording_model(model))
    assert steps() == []


@pytest.mark.parametrize("ending", [*ENDINGS, ""])
def test_a_stream_of_the_sdk_is_judged_in_the_same_way(ending: str) -> None:
    answer = transport([*BEGUN, *ENDINGS.get(ending, [])])
    with openai.OpenAI(
        base_url=URL, api_key=KEY, http_client=httpx2.Client(transport=answer)
    ) as client:
        chatdebug.instrument_openai(client)
        parts = client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True
        )
        assert list(parts)
    assert [step.status for step in steps()] == ([] if ending else ["error"])


@pytest.mark.parametrize("ending", [*ENDINGS, ""])
def test_so_is_one_of_the_asynchronous_sdk(ending: str) -> None:
    async def body() -> None:
        async with async_client([*BEGUN, *ENDINGS.get(ending, [])]) as client:
            chatdebug.instrument_openai(client)
            parts = await client.chat.completions.create(
                model="m", messages=MESSAGES, stream=True
            )
            assert [part async for part in parts]

    asyncio.run(body())
    assert [step.status for step in steps()] == ([] if ending else ["error"])
