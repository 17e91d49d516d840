"""The examples in the docstrings of what a host project calls, as they stand there.

Each is run against the demo provider, with a model that fails in an unknown way, and must
have recorded that: an example that does nothing, or something else, is a wrong one.
"""

import ast
import asyncio
import inspect
import re
import sys
import textwrap
import unittest
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anthropic
import django.test
import httpx2
import openai
import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import RequestFactory
from langchain_core.prompts import ChatPromptTemplate
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug import asgi, testing
from chatdebug.instrument.langchain import callback_handler
from chatdebug.models import ChatRun
from chatdebug.recorder import forget_owner
from chatdebug.testing import captured_runs
from chatdebug.writer import close_writer
from tests.chatdebug.cassettes.cassettes import cassette
from tests.chatdebug.instrument.litellm_double import litellm_double
from tests.chatdebug.instrument.sdks import KEY, MESSAGES, PROMPT
from tests.chatdebug.instrument.test_langchain import ChatDemo

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "fault-400"
BLOCK = re.compile(r"::\n\n((?:    .*\n|\n)+)")

TAKEN_BACK = {name for name in chatdebug.__all__ if name.startswith("un")}
"""What each of these takes back has the example."""


def example(documented: Any) -> str:
    """Return the code of the one example in a docstring."""
    (block,) = BLOCK.findall(inspect.cleandoc(documented.__doc__) + "\n")
    return textwrap.dedent(block)


def execute(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run code that may await, and return its names with those that it made."""
    names = {"chatdebug": chatdebug, **vars_of_the_package(), **names}
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    waits = eval(compile(code, "<example>", "exec", flags=flags), names)
    if waits is not None:
        asyncio.run(waits)
    return names


def vars_of_the_package() -> dict[str, Any]:
    return {name: getattr(chatdebug, name) for name in chatdebug.__all__}


@pytest.fixture
def names(provider: DemoProvider) -> Iterator[dict[str, Any]]:
    """Return what the examples take for granted."""
    address: Any = {"base_url": provider.openai_base_url, "api_key": KEY}
    with openai.OpenAI(**address, max_retries=0) as client:
        yield {
            "chat": SimpleNamespace(pk=12, delete=lambda: None),
            "user": SimpleNamespace(pk=7, delete=lambda: None),
            "model": MODEL,
            "messages": MESSAGES,
            "question": PROMPT,
            "client": client,
            "transaction": transaction,
            "HttpResponse": HttpResponse,
        }


def openai_example(names: Any, provider: DemoProvider) -> None:
    execute(example(chatdebug.instrument_openai), names)


def anthropic_example(names: Any, provider: DemoProvider) -> None:
    make = partial(
        anthropic.Anthropic,
        base_url=provider.anthropic_base_url,
        api_key=KEY,
        max_retries=0,
    )
    execute(example(chatdebug.instrument_anthropic), {**names, "Anthropic": make})


def pydantic_ai_example(names: Any, provider: DemoProvider) -> None:
    async def run(question: str) -> Any:
        url = provider.openai_base_url
        # Closed in the loop of the example, which its connections belong to.
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY) as client:
            served = OpenAIProvider(openai_client=client)
            agent = Agent(OpenAIChatModel(MODEL, provider=served))
            return await agent.run(question)

    agent = SimpleNamespace(run=run)
    execute(example(chatdebug.instrument_pydantic_ai), {**names, "agent": agent})


def langchain_example(names: Any, provider: DemoProvider) -> None:
    execute(
        example(chatdebug.instrument_langchain), {**names, "chain": chain_of(provider)}
    )


def handler_example(names: Any, provider: DemoProvider) -> None:
    execute(
        example(callback_handler),
        {**names, "chain": chain_of(provider), "callback_handler": callback_handler},
    )


def chain_of(provider: DemoProvider) -> Any:
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    return prompt | ChatDemo(url=provider.openai_base_url, model=MODEL)


def litellm_example(names: Any, provider: DemoProvider) -> None:
    module = litellm_double()
    how = {"api_base": provider.openai_base_url, "api_key": KEY}
    # An address and a key that a project has in its environment.
    for name in ("completion", "acompletion"):
        setattr(module, name, partial(getattr(module, name), **how))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "litellm", module)
        asked = {**names, "litellm": module, "model": f"openai/{MODEL}"}
        execute(example(chatdebug.instrument_litellm), asked)


def http_example(names: Any, provider: DemoProvider) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise ValueError("no such tenant")

    httpx = SimpleNamespace(
        Client=partial(httpx2.Client, transport=httpx2.MockTransport(refuse))
    )
    execute(example(chatdebug.record_http), {**names, "httpx": httpx})


def set_chat_example(names: Any, provider: DemoProvider) -> None:
    chatdebug.instrument_openai()
    request = SimpleNamespace(user=names["user"])
    execute(example(chatdebug.set_chat), {**names, "request": request})


def recorded_example(names: Any, provider: DemoProvider) -> None:
    made = execute(example(chatdebug.recorded), names)
    request: Any = RequestFactory().get("/")
    request.user = names["user"]
    made["answer"](request, 12)


def record_run_example(names: Any, provider: DemoProvider) -> None:
    execute(example(chatdebug.record_run), names)


RECORDING: dict[str, Callable[[Any, DemoProvider], None]] = {
    "instrument_openai": openai_example,
    "instrument_anthropic": anthropic_example,
    "instrument_pydantic_ai": pydantic_ai_example,
    "instrument_langchain": langchain_example,
    "instrument_litellm": litellm_example,
    "callback_handler": handler_example,
    "record_http": http_example,
    "record_run": record_run_example,
    "recorded": recorded_example,
    "set_chat": set_chat_example,
}
"""How the example of each name is run that records something."""


@pytest.fixture
def _uninstrumented() -> Iterator[None]:
    """Take back what an example has instrumented."""
    yield
    for name in ("openai", "anthropic", "pydantic_ai", "langchain"):
        getattr(chatdebug, f"uninstrument_{name}")()


@pytest.mark.parametrize("name", RECORDING)
@pytest.mark.usefixtures("_uninstrumented")
def test_an_example_records_what_fails_in_it(
    name: str, names: dict[str, Any], provider: DemoProvider
) -> None:
    with captured_runs() as runs, pytest.raises(Exception, match=r"400|tenant"):
        RECORDING[name](names, provider)
    (captured,) = runs
    assert (captured.run.chat_id, captured.run.status) == ("12", "error")
    assert captured.steps[0].error is not None


@pytest.mark.parametrize(
    ("forget", "chat_id", "owner_id"),
    [
        pytest.param(chatdebug.forget_chat, "12", "", id="chat"),
        pytest.param(forget_owner, "other", "7", id="owner"),
    ],
)
def test_an_example_forgets(
    forget: Any, chat_id: str, owner_id: str, names: dict[str, Any]
) -> None:
    recording = chatdebug.record_run(chat_id=chat_id, owner_id=owner_id)
    with suppress(ValueError), testing.written_runs(), recording:
        raise ValueError("no such tenant")
    assert ChatRun.objects.count() == 1
    with testing.written_runs():
        execute(example(forget), {**names, "forget_owner": forget_owner})
        with suppress(ValueError), chatdebug.record_run(chat_id="next"):
            raise ValueError("no such tenant")
    close_writer(timeout=20)
    assert [run.chat_id for run in ChatRun.objects.all()] == ["next"]


class FailingSite:
    """A site whose every page fails, in a run of the chat that is asked for."""

    def post(self, path: str, data: dict[str, str]) -> None:
        chat_id = path.split("/")[2]
        recording = chatdebug.record_run(chat_id=chat_id)
        with suppress(ValueError), recording as run, run.step():
            raise ValueError("no such tenant")


@pytest.mark.parametrize(
    "documented",
    [testing.captured_runs, testing.written_runs],
    ids=lambda one: one.__name__,
)
def test_an_example_of_the_tests_holds(documented: Any) -> None:
    names = {**vars(testing), "ChatRun": ChatRun, "client": FailingSite()}
    assert "runs" in execute(example(documented), names) or ChatRun.objects.exists()


def test_the_example_of_a_cassette_plays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("test_bad_request.json").write_text(cassette().as_text())
    monkeypatch.chdir(tmp_path)
    names = {**vars(testing), "OpenAI": openai.OpenAI}
    outcome = execute(example(testing.play_cassette), names)["outcome"]
    assert outcome.stored[0].steps[0].error["status_code"] == 400


def test_the_example_of_the_mixin_is_a_test_that_passes() -> None:
    names = {**vars(testing), "django": django}
    made = execute(example(testing.RecorderTestMixin), names)["ChatTests"]
    case = made("test_a_failing_call_is_recorded")
    made.client_class = FailingSite
    result = unittest.TestResult()
    unittest.TestSuite([case]).run(result)
    assert result.wasSuccessful(), result.errors + result.failures


def test_the_example_of_the_lifespan_is_an_application() -> None:
    async def body() -> list[str]:
        application = execute(example(asgi.with_recorder), {})["application"]
        said: list[str] = []
        heard = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, Any]:
            return {"type": next(heard)}

        async def send(message: dict[str, Any]) -> None:
            said.append(message["type"])

        await application({"type": "lifespan"}, receive, send)
        return said

    assert asyncio.run(body()) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_each_public_name_has_an_example_that_is_run() -> None:
    shown = {*RECORDING, "forget_chat", "current_run", "with_recorder"}
    assert set(chatdebug.__all__) - TAKEN_BACK <= shown
    assert all(getattr(chatdebug, name).__doc__ for name in chatdebug.__all__)
