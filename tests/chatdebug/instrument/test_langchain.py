"""The calls of LangChain's models, through chains, and in all the ways to make them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import openai
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    LLMResult,
)

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.instrument.langchain import callback_handler
from chatdebug.models import HourCount
from chatdebug.models.statistics import What
from chatdebug.recorder import Level, close_writer, record_run
from tests.chatdebug.instrument.sdks import KEY, PROMPT, steps, the_run
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)

type Ask = Callable[[Any], str]


class ChatDemo(BaseChatModel):
    """A model as LangChain's packages for providers make them: over the provider's SDK."""

    url: str
    model: str

    @property
    def _llm_type(self) -> str:
        return "chat-demo"

    def _get_ls_params(self, stop: Any = None, **how: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": self.model}

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model}

    def _arguments(self, messages: list[BaseMessage]) -> Any:
        roles = {"human": "user", "ai": "assistant"}
        return {
            "model": self.model,
            "messages": [
                {"role": roles.get(one.type, one.type), "content": one.content}
                for one in messages
            ],
        }

    def _client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=KEY, max_retries=0)

    def _async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.url, api_key=KEY, max_retries=0)

    def _generate(self, messages: list[BaseMessage], *args: Any, **how: Any) -> Any:
        with self._client() as client:
            answer = client.chat.completions.create(**self._arguments(messages))
        return _result(answer)

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **how: Any
    ) -> Any:
        async with self._async_client() as client:
            answer = await client.chat.completions.create(**self._arguments(messages))
        return _result(answer)

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **how: Any
    ) -> Iterator[ChatGenerationChunk]:
        with (
            self._client() as client,
            client.chat.completions.create(
                **self._arguments(messages), stream=True
            ) as parts,
        ):
            for part in parts:
                yield _chunk(part)

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **how: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with (
            self._async_client() as client,
            await client.chat.completions.create(
                **self._arguments(messages), stream=True
            ) as parts,
        ):
            async for part in parts:
                yield _chunk(part)


def _result(answer: Any) -> ChatResult:
    (choice,) = answer.choices
    message = AIMessage(
        choice.message.content,
        response_metadata={
            "finish_reason": choice.finish_reason,
            "model_name": answer.model,
        },
        usage_metadata={
            "input_tokens": answer.usage.prompt_tokens,
            "output_tokens": answer.usage.completion_tokens,
            "total_tokens": answer.usage.total_tokens,
        },
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _chunk(part: Any) -> ChatGenerationChunk:
    text, facts = "", {}
    for choice in part.choices:
        text += choice.delta.content or ""
        if choice.finish_reason:
            facts = {"finish_reason": choice.finish_reason, "model_name": part.model}
    message = AIMessageChunk(content=text, response_metadata=facts)
    return ChatGenerationChunk(message=message)


def invoke(chain: Any) -> str:
    return str(chain.invoke(PROMPT))


def batch(chain: Any) -> str:
    (said,) = chain.batch([PROMPT])
    return str(said)


def stream(chain: Any) -> str:
    return "".join(chain.stream(PROMPT))


def ainvoke(chain: Any) -> str:
    return str(asyncio.run(chain.ainvoke(PROMPT)))


def astream(chain: Any) -> str:
    async def read() -> str:
        return "".join([part async for part in chain.astream(PROMPT)])

    return asyncio.run(read())


WAYS = [invoke, batch, stream, ainvoke, astream]
STREAMS = [stream, astream]


def chain_of(provider: DemoProvider, model: str) -> Any:
    """Return a chain: the model, then what takes the text out of its message."""
    return ChatDemo(url=provider.openai_base_url, model=model) | StrOutputParser()


@pytest.fixture
def instrumented() -> Iterator[None]:
    chatdebug.instrument_langchain()
    yield
    chatdebug.uninstrument_langchain()


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_call_that_goes_well_leaves_nothing_at_the_errors_level(
    ask: Ask, provider: DemoProvider
) -> None:
    with record_run(chat_id="c") as run:
        assert PROMPT in ask(chain_of(provider, "demo"))
        run.complete()
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_an_unknown_failure_is_one_step_and_passes_unchanged(
    ask: Ask, provider: DemoProvider
) -> None:
    with pytest.raises(openai.BadRequestError), record_run(chat_id="c"):
        ask(chain_of(provider, "fault-400"))
    (step,) = steps()
    assert (step.status, step.run.status, step.run.chat_id) == ("error", "error", "c")
    assert present(step.error)["status_code"] == 400
    assert step.normalized_request == {}


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_known_failure_leaves_nothing(ask: Ask, provider: DemoProvider) -> None:
    with pytest.raises(openai.AuthenticationError), record_run(chat_id="c"):
        ask(chain_of(provider, "fault-401"))
    assert steps() == []


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_the_full_level_keeps_request_answer_and_usage(
    ask: Ask, provider: DemoProvider
) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        said = ask(chain_of(provider, "demo"))
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("completed", "completed")
    (asked,) = step.normalized_request["messages"]
    assert (asked["role"], asked["parts"][0]["text"]) == ("user", PROMPT)
    response = present(step.normalized_response)
    assert [part["text"] for part in response["content"]] == [said]
    assert response["finish_reason"] == "stop"
    if ask not in STREAMS:  # the provider tells it of a stream to whom asks for it
        assert present(step.usage)["output_tokens"] > 0


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_call_that_goes_well_is_counted_with_tokens_or_first_part(
    ask: Ask, provider: DemoProvider
) -> None:
    with record_run(chat_id="c") as run:
        ask(chain_of(provider, "demo"))
        run.complete()
    close_writer(timeout=20)
    counted = set(HourCount.objects.values_list("what", flat=True))
    assert What.CALL in counted
    assert (What.FIRST_PART in counted) == (ask in STREAMS)
    # The provider tells of the tokens of a stream to whom asks for them.
    assert (What.OUTPUT_TOKENS in counted) == (ask not in STREAMS)


def test_tokens_that_an_older_integration_tells_beside_its_answer_are_counted() -> None:
    handler, run_id = callback_handler(), uuid4()
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    told = LLMResult(
        generations=[[Generation(text="")]], llm_output={"token_usage": usage}
    )
    with record_run(chat_id="c", level=Level.FULL) as run:
        handler.on_llm_start({}, [PROMPT], run_id=run_id)
        handler.on_llm_end(told, run_id=run_id)
        run.complete()
    (step,) = steps()
    assert present(step.usage)["output_tokens"] == 7
    tokens = HourCount.objects.filter(what=What.OUTPUT_TOKENS)
    assert [row.count for row in tokens] == [7]


@pytest.mark.parametrize("ask", STREAMS)
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_breaks_in_an_unknown_way_is_evidence(
    ask: Ask, provider: DemoProvider
) -> None:
    with suppress(ValueError), record_run(chat_id="c"):
        ask(chain_of(provider, "fault-badjson"))
    (step,) = steps()
    assert (step.operation, step.status) == ("stream", "error")
    assert present(step.error)["parts_received"] > 2
    assert present(step.error)["characters_received"] > 10
    assert present(step.error)["first_part_ms"] is not None
    assert "This answer" not in str(step.error)


@pytest.mark.parametrize("ask", STREAMS)
@pytest.mark.usefixtures("instrumented")
def test_a_stream_that_breaks_keeps_its_part_at_the_full_level(
    ask: Ask, provider: DemoProvider
) -> None:
    with suppress(ValueError), record_run(chat_id="c", level=Level.FULL):
        ask(chain_of(provider, "fault-badjson"))
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "error")
    assert "This answer" in str(step.normalized_response)


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_after_set_chat_a_failing_call_is_a_run_of_its_own(
    ask: Ask, provider: DemoProvider
) -> None:
    with chatdebug.set_chat("c", 7), pytest.raises(openai.BadRequestError):
        ask(chain_of(provider, "fault-400"))
    run = the_run()
    assert (run.chat_id, run.owner_id, run.status) == ("c", "7", "error")
    assert (run.provider, run.model) == ("openai", "fault-400")


@pytest.mark.usefixtures("instrumented")
def test_a_fallback_that_answers_leaves_the_failure_of_the_first_model(
    provider: DemoProvider,
) -> None:
    chain = chain_of(provider, "fault-400")
    with record_run(chat_id="c") as run:
        said = chain.with_fallbacks([chain_of(provider, "demo")]).invoke(PROMPT)
        run.complete()
    assert PROMPT in said
    (step,) = steps()
    assert (step.status, step.run.status) == ("error", "completed")


@pytest.mark.usefixtures("instrumented")
def test_a_stream_whose_reader_leaves_is_interrupted(provider: DemoProvider) -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        # A chain of more than a model is read to its end by LangChain itself.
        parts: Any = ChatDemo(url=provider.openai_base_url, model="demo").stream(PROMPT)
        next(parts)
        parts.close()
        run.complete()
    (step,) = steps()
    assert (step.status, step.run.status) == ("interrupted", "completed")


def test_a_handler_records_the_calls_that_it_is_given_to(
    provider: DemoProvider,
) -> None:
    with record_run(chat_id="c") as run:
        for model, callbacks in (
            ("fault-400", []),
            ("fault-422", [callback_handler()]),
        ):
            chain = chain_of(provider, model)
            with suppress(openai.APIStatusError):
                chain.invoke(PROMPT, config={"callbacks": callbacks})
        run.complete()
    (step,) = steps()
    assert present(step.error)["status_code"] == 422


@pytest.mark.usefixtures("instrumented")
def test_said_twice_it_counts_once_and_it_can_be_taken_back(
    provider: DemoProvider,
) -> None:
    chatdebug.instrument_langchain()
    with record_run(chat_id="c") as run:
        for _ in range(2):
            with suppress(openai.BadRequestError):
                chain_of(provider, "fault-400").invoke(PROMPT)
            chatdebug.uninstrument_langchain()
        run.complete()
    assert len(steps()) == 1


@pytest.mark.usefixtures("instrumented")
def test_in_no_run_an_unknown_failure_is_a_run_of_no_chat(
    provider: DemoProvider,
) -> None:
    with pytest.raises(openai.BadRequestError):
        chain_of(provider, "fault-400").invoke(PROMPT)
    assert (the_run().chat_id, the_run().status) == ("", "error")


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.usefixtures("instrumented")
def test_a_failure_is_one_run_where_the_sdk_below_is_instrumented_too(
    ask: Ask, provider: DemoProvider
) -> None:
    chatdebug.instrument_openai()
    try:
        for _ in range(2):  # which is the same failure again, and no repetition of one
            with pytest.raises(openai.BadRequestError):
                ask(chain_of(provider, "fault-400"))
    finally:
        chatdebug.uninstrument_openai()
    assert len({step.run_id for step in steps()}) == len(steps()) == 2
