"""The examples of the recorder's own readme, as they stand there."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import anthropic
import openai
import prometheus_client
import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory
from prometheus_client import CollectorRegistry

import chatdebug
from chatd.demo_provider import DemoProvider
from chatdebug.enums import Level
from chatdebug.models import ChatRun, ChatStep
from chatdebug.writer import close_writer
from tests.chatdebug.recorder.demo import KEY, demo_model, prompt
from tests.process import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def documented() -> dict[str, Any]:
    """Return what the readme's Python defines."""
    text = (ROOT / "chatdebug" / "README.md").read_text("utf-8")
    names: dict[str, Any] = {}
    # The readme's collector is for a registry that a project has once.
    with patch.object(prometheus_client, "REGISTRY", CollectorRegistry()):
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(block, names)
    return names


def asked(path: str) -> Any:
    request = RequestFactory().get(path)
    request.user = get_user_model()(pk=7)
    return request


def with_provider(body: Callable[[DemoProvider], Awaitable[str]]) -> str:
    async def run() -> str:
        async with DemoProvider(word_delay=0) as provider:
            return await body(provider)

    return asyncio.run(run())


def the_run() -> ChatRun:
    close_writer(timeout=10)
    return ChatRun.objects.get()


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_model_of_pydantic_ai(level: Level) -> None:
    async def body() -> str:
        async with demo_model("demo") as model:
            said: str = await documented()["answer"](
                "c", "7", level, model.wrapped, prompt("ballast")
            )
            return said

    assert "ballast" in asyncio.run(body())
    close_writer(timeout=10)
    if level is Level.ERRORS:
        assert not ChatRun.objects.exists()
    else:
        assert (the_run().status, ChatStep.objects.get().status) == (
            "completed",
            "completed",
        )


def test_a_plain_synchronous_client_of_openai() -> None:
    def ask(provider: DemoProvider) -> Awaitable[str]:
        return asyncio.to_thread(
            documented()["title_of"],
            "c",
            "ballast",
            base_url=provider.openai_base_url,
            api_key=KEY,
            level=Level.FULL,
        )

    assert "A title for: ballast" in with_provider(ask)
    run = the_run()
    step = run.steps.get()
    assert (run.kind, run.status, step.status) == (
        "title_generation",
        "completed",
        "completed",
    )
    (attempt,) = step.attempts
    assert attempt["path"].endswith("/chat/completions")
    assert KEY not in str(step.attempts)


def test_a_plain_asynchronous_client_of_anthropic() -> None:
    def ask(provider: DemoProvider) -> Awaitable[str]:
        said: Awaitable[str] = documented()["summary_of"](
            "c",
            "ballast",
            base_url=provider.anthropic_base_url,
            api_key=KEY,
            level=Level.FULL,
        )
        return said

    assert "A summary of: ballast" in with_provider(ask)
    run = the_run()
    (attempt,) = run.steps.get().attempts
    assert (run.kind, attempt["path"].endswith("/messages")) == ("compaction", True)


def test_a_reply_is_a_run_of_the_chat_that_was_set() -> None:
    def reply(url: str, model: str) -> str:
        with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            said: str = documented()["reply"](client, 12, 7, "ballast", model=model)
            return said

    def ask(model: str) -> Callable[[DemoProvider], Awaitable[str]]:
        return lambda provider: asyncio.to_thread(
            reply, provider.openai_base_url, model
        )

    assert "ballast" in with_provider(ask("demo"))
    with pytest.raises(openai.BadRequestError):
        with_provider(ask("fault-400"))
    run = the_run()
    assert (run.chat_id, run.owner_id, run.model) == ("12", "7", "fault-400")


def test_a_view_is_a_run_until_its_answer_was_sent(settings: Any) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}

    def view(url: str) -> str:
        with anthropic.Anthropic(base_url=url, api_key=KEY) as client:
            request = asked("/?text=ballast")
            response = documented()["answer_view"](request, chat_id="c", client=client)
            sent = b"".join(response)
            response.close()
            return sent.decode()

    def ask(provider: DemoProvider) -> Awaitable[str]:
        return asyncio.to_thread(view, provider.anthropic_base_url)

    assert "ballast" in with_provider(ask)
    run = the_run()
    assert (run.chat_id, run.owner_id, run.status) == ("c", "7", "completed")
    assert (run.steps.get().operation, run.model) == ("stream", "demo")


def test_a_hosts_test_sees_what_was_recorded() -> None:
    def ask() -> None:
        recording = chatdebug.record_run(chat_id="c")
        with suppress(RuntimeError), recording as run, run.step():
            raise RuntimeError("unheard of")

    assert documented()["kinds_of_failures"](ask) == ["generic"]
    assert not ChatRun.objects.exists()
