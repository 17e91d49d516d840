"""Calls of each library, captured and played again through the same one."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.cassettes.making import Made, NoCassette, make_cassette
from chatdebug.cassettes.playing import play
from chatdebug.errors.payload import read_payload
from chatdebug.exports.document import run_document
from chatdebug.memory import captured_runs
from chatdebug.recorder import RecordingModel, record_run
from tests.chatdebug.cassettes.generated import run_tests, write_test
from tests.chatdebug.instrument import sdks
from tests.chatdebug.instrument.conftest import provider
from tests.chatdebug.instrument.litellm_double import litellm_double

__all__ = ["provider"]

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "fault-400"

type Fail = Callable[[DemoProvider], Any]


def by_openai(ask: Any, provider: DemoProvider) -> None:
    with sdks.openai_client(provider) as client:
        ask(chatdebug.instrument_openai(client), MODEL)


def by_anthropic(ask: Any, provider: DemoProvider) -> None:
    with sdks.anthropic_client(provider) as client:
        ask(chatdebug.instrument_anthropic(client), MODEL)


def by_pydantic_ai(provider: DemoProvider, *, is_stream: bool, protocol: str) -> None:
    async def ask() -> None:
        messages = [ModelRequest.user_text_prompt(sdks.PROMPT)]
        client: Any
        served: Any
        if protocol == "openai":
            client = sdks.openai_async(provider)
            served = OpenAIChatModel(
                MODEL, provider=OpenAIProvider(openai_client=client)
            )
        else:
            client = sdks.anthropic_async(provider)
            served = AnthropicModel(
                MODEL, provider=AnthropicProvider(anthropic_client=client)
            )
        async with client:
            model = RecordingModel(served)
            if not is_stream:
                await model_request(model, messages)
                return
            async with model_request_stream(model, messages) as stream:
                async for _ in stream:
                    pass

    asyncio.run(ask())


def by_litellm(provider: DemoProvider, *, is_stream: bool = False) -> None:
    chatdebug.instrument_litellm()
    import litellm

    litellm.completion(
        model=f"openai/{MODEL}",
        messages=sdks.MESSAGES,
        api_base=provider.openai_base_url,
        api_key=sdks.KEY,
        stream=is_stream,
    )


def by_http(library: Any, provider: DemoProvider) -> None:
    run: Any = chatdebug.current_run.get()
    with chatdebug.record_http(library.Client()) as client, run.step():
        url = f"{provider.openai_base_url}/chat/completions"
        client.post(
            url, json={"model": MODEL, "messages": sdks.MESSAGES}
        ).raise_for_status()


CALLS: dict[str, Fail] = {
    "openai": partial(by_openai, sdks.chat),
    "openai_stream": partial(by_openai, sdks.chat_stream),
    "anthropic": partial(by_anthropic, sdks.message),
    "anthropic_stream": partial(by_anthropic, sdks.message_stream),
    "pydantic_ai_openai": partial(by_pydantic_ai, is_stream=False, protocol="openai"),
    "pydantic_ai_openai_stream": partial(
        by_pydantic_ai, is_stream=True, protocol="openai"
    ),
    "pydantic_ai_anthropic": partial(
        by_pydantic_ai, is_stream=False, protocol="anthropic"
    ),
    "pydantic_ai_anthropic_stream": partial(
        by_pydantic_ai, is_stream=True, protocol="anthropic"
    ),
    "httpx": partial(by_http, httpx),
    "httpx2": partial(by_http, httpx2),
}
"""By the module that makes such a call again."""


def failed(fail: Fail, provider: DemoProvider, **facts: Any) -> dict[str, Any]:
    """Let a call fail, and return its run as a document."""
    with captured_runs() as runs:
        recording = record_run(chat_id="12", model=MODEL, **facts)
        with suppress(Exception), recording:
            fail(provider)
        (captured,) = runs
    return run_document(captured.run, captured.steps)


def is_played_the_same(made: Made) -> bool:
    outcome = play(made.cassette, made.way.ask)
    return (outcome.kind, outcome.fingerprint) == (
        "generic",
        made.cassette.fingerprint,
    )


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("evidence", ["error", "shape", "full"])
def test_a_call_fails_in_the_same_way_through_the_library_that_made_it(
    name: str, evidence: str, provider: DemoProvider, settings: Any
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence}
    document = failed(CALLS[name], provider)
    for with_content in (False, True):
        made = make_cassette(document, with_content=with_content)
        assert made.way.module_name == name
        assert is_played_the_same(made), with_content


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "litellm", litellm_double())
    yield
    chatdebug.uninstrument_litellm()
    for name in ("litellm", "litellm_stream"):
        sys.modules.pop(f"chatdebug.cassettes.calls.{name}", None)


@pytest.mark.usefixtures("litellm")
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_call_of_litellm_is_made_again_where_that_is_said(
    is_stream: bool, provider: DemoProvider
) -> None:
    document = failed(partial(by_litellm, is_stream=is_stream), provider)
    made = make_cassette(document, sdk="litellm")
    assert made.cassette.path == "/chat/completions"
    assert is_played_the_same(made)


@pytest.mark.timeout(300)
def test_the_tests_of_all_libraries_are_red_for_the_same_reason(
    provider: DemoProvider, tmp_path: Path
) -> None:
    for name, fail in CALLS.items():
        made = make_cassette(failed(fail, provider))
        write_test(tmp_path, made, name=f"test_{name}")
    ended = run_tests(tmp_path)
    assert len(ended) == len(CALLS)
    assert [one for one in ended if "'generic' != 'generic'" not in one.failure] == []


SHOP = """
import chatdebug
from openai import OpenAI


def ask(call):
    url = f"{call.base_url}/v1"
    with OpenAI(base_url=url, api_key="offline", max_retries=0) as client:
        chatdebug.instrument_openai(client)
        client.chat.completions.create(**call.request)
"""
MENDED_SHOP = """
import httpx2


def ask(call):
    url = f"{call.base_url}/v1/chat/completions"
    if httpx2.post(url, json=dict(call.request)).status_code == 400:
        return  # the shop shows its list of keels
"""


def test_a_change_of_the_projects_code_makes_it_green(
    provider: DemoProvider, tmp_path: Path
) -> None:
    made = make_cassette(failed(CALLS["openai"], provider))
    tmp_path.joinpath("shop.py").write_text(SHOP)
    tmp_path.joinpath("mended_shop.py").write_text(MENDED_SHOP)
    write_test(tmp_path, made, call="shop.ask", name="test_1")
    write_test(tmp_path, made, call="mended_shop.ask", name="test_2")
    today, mended = run_tests(tmp_path)
    assert "'generic' != 'generic'" in today.failure
    assert mended.failure == ""


def test_without_a_sign_of_the_library_it_has_to_be_named(
    provider: DemoProvider,
) -> None:
    document = failed(CALLS["openai"], provider)
    document["steps"][0]["error"]["frames"] = []
    with pytest.raises(NoCassette, match="--sdk"):
        make_cassette(document)
    made = make_cassette(document, sdk="openai")
    assert made.way.module_name == "openai"
    assert read_payload(made.cassette.error)["frames"] == []
