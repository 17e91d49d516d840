"""Whom a run asked, where nobody told it: what the instrumented calls know."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import anthropic
import openai
import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.test import TestModel

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.models import ChatRun
from chatdebug.recorder import Level, RecordingModel, record_run
from tests.chatdebug.instrument.sdks import (
    PROMPT,
    anthropic_client,
    chat,
    message,
    openai_client,
    steps,
    the_run,
)
from tests.chatdebug.recorder.demo import demo_model, prompt
from tests.optional import present

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


@pytest.fixture(autouse=True)
def instrumented() -> Iterator[None]:
    chatdebug.instrument_openai()
    chatdebug.instrument_anthropic()
    chatdebug.instrument_pydantic_ai()
    yield
    chatdebug.uninstrument_openai()
    chatdebug.uninstrument_anthropic()
    chatdebug.uninstrument_pydantic_ai()


def whom(run: ChatRun) -> tuple[str, str]:
    return run.provider, run.model


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_run_that_was_told_nothing_has_it_of_the_call_that_fails(
    provider: DemoProvider, level: Level
) -> None:
    with (
        suppress(openai.BadRequestError),
        openai_client(provider) as client,
        record_run(chat_id="c", level=level),
    ):
        chat(client, "fault-400")
    assert whom(the_run()) == ("openai", "fault-400")
    (step,) = steps()
    assert present(step.error)["provider"] == "openai"


def test_what_a_run_was_told_counts_more(provider: DemoProvider) -> None:
    with (
        suppress(openai.BadRequestError),
        openai_client(provider) as client,
        record_run(chat_id="c", provider="openai_compatible", model="small"),
    ):
        chat(client, "fault-400")
    assert whom(the_run()) == ("openai_compatible", "small")
    (step,) = steps()
    assert present(step.error)["provider"] == "openai_compatible"


def test_a_call_that_goes_well_or_is_known_says_nothing_of_the_one_that_fails(
    provider: DemoProvider,
) -> None:
    with (
        suppress(anthropic.BadRequestError),
        openai_client(provider) as first,
        anthropic_client(provider) as second,
        record_run(chat_id="c"),
    ):
        chat(first, "demo")
        with suppress(openai.AuthenticationError):
            chat(first, "fault-401")
        message(second, "fault-400")
    assert whom(the_run()) == ("anthropic", "fault-400")


def test_each_call_has_a_name_of_its_own_for_its_error(provider: DemoProvider) -> None:
    with (
        openai_client(provider) as first,
        anthropic_client(provider) as second,
        record_run(chat_id="c"),
    ):
        with suppress(openai.BadRequestError):
            chat(first, "fault-400")
        with suppress(anthropic.UnprocessableEntityError):
            message(second, "fault-422")
    assert whom(the_run()) == ("openai", "fault-400")
    assert [present(step.error)["provider"] for step in steps()] == [
        "openai",
        "anthropic",
    ]


class Broken(TestModel):
    """A model that fails as no rule knows."""

    async def request(self, *arguments: Any) -> Any:
        raise ProviderError


def ask_agent(model: Model) -> None:
    with chatdebug.set_chat("c"):
        asyncio.run(Agent(model).run(PROMPT))


def test_the_same_failure_of_two_models_is_two_failures() -> None:
    for name in ("large", "small"):
        with suppress(ProviderError):
            ask_agent(Broken(model_name=name))
    steps()
    assert len(set(ChatRun.objects.values_list("fingerprint", flat=True))) == 2


@pytest.mark.parametrize("protocol", ["openai_compatible", "anthropic"])
def test_an_agents_model_is_known_by_its_own_names(protocol: str) -> None:
    async def body() -> None:
        async with demo_model("fault-400", protocol=protocol) as model:
            with chatdebug.set_chat("c"):
                await Agent(model.wrapped).run(PROMPT)

    with pytest.raises(ModelHTTPError):
        asyncio.run(body())
    assert whom(the_run())[1] == "fault-400"
    assert whom(the_run())[0] in {"openai", "anthropic"}


def test_a_model_of_several_has_no_one_provider() -> None:
    with pytest.raises(ProviderError):
        ask_agent(FallbackModel(Broken(), Broken()))
    assert whom(the_run()) == ("", "fallback:test,test")


def test_a_model_that_cannot_say_its_name_is_asked_all_the_same() -> None:
    class Nameless(Broken):
        @property
        def system(self) -> str:
            raise LookupError

    async def body() -> None:
        async with record_run(chat_id="c"):
            model = RecordingModel(Nameless())
            await model.request(prompt(), None, ModelRequestParameters())

    with pytest.raises(ProviderError):
        asyncio.run(body())
    assert whom(the_run()) == ("", "")
