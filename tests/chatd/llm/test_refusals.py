"""What is not to be sent is refused once, and told as what it is: through the real SDKs."""

import asyncio
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings

from chatd.enums import TurnStatus
from chatd.llm.clients import ProxyingTransport
from chatd.models import Turn
from chatdebug.models import ChatRun
from tests.chatd.turns.site import QUICK, answer, new_chat, run_on_site

pytestmark = pytest.mark.django_db(transaction=True)

KEY_VARIABLE = "GATEWAY_API_KEY"
PROTOCOLS = ("openai_compatible", "anthropic")


@pytest.fixture(autouse=True)
def patient(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what may be tried again be tried at once, and often."""
    settings.TURN_POLICY = {**settings.TURN_POLICY, **QUICK, "max_attempts": 5}
    monkeypatch.setenv(KEY_VARIABLE, "key-of-the-gateway")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what reaches the network, which is nothing."""
    reached: list[str] = []

    async def note(self: ProxyingTransport, request: httpx2.Request) -> httpx2.Response:
        reached.append(str(request.url))
        return httpx2.Response(503)

    monkeypatch.setattr(ProxyingTransport, "handle_async_request", note)
    return reached


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lead every name to loopback, and collect which ones are asked for."""
    asked: list[str] = []

    async def getaddrinfo(
        loop: asyncio.BaseEventLoop, host: str, *_: Any, **__: Any
    ) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


def turn_of(provider: str, **facts: str) -> Turn:
    chat = new_chat("m", provider=provider)
    for name, value in facts.items():
        setattr(chat.model, name, value)
    chat.model.save()
    turns: list[Turn] = []

    async def body() -> None:
        turns.append(await answer(chat))

    run_on_site(body)
    return turns[0]


def is_refused(turn: Turn, kind: str, detail: str) -> None:
    """The turn failed for a known reason, which no other attempt would change."""
    assert turn.status == TurnStatus.ERROR
    assert turn.error is not None
    assert turn.error["kind"] == kind
    assert "rejected" not in turn.error["message"], "it was never asked"
    assert detail in turn.error["detail"]
    assert not turn.error["retryable"]
    assert not ChatRun.objects.exists(), "nobody has to look for a reason"


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_a_name_that_leads_to_this_machine_is_asked_for_once(
    sent: list[str], resolved: list[str], provider: str
) -> None:
    turn = turn_of(provider, base_url="https://bad.example/v1")
    is_refused(turn, "config", "bad.example leads to 127.0.0.1")
    assert resolved == ["bad.example"]
    assert sent == []


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ({"base_url": "https://10.0.0.1/v1"}, "private or special range"),
        (
            {
                "base_url": "https://other.example/v1",
                "api_key_variable": KEY_VARIABLE,
                "key_origin": "https://gateway.example",
            },
            "was not entered for https://other.example",
        ),
        (
            {"base_url": "https://x.example", "api_key_variable": "SECRET_KEY"},
            "may not be used as a key",
        ),
    ],
    ids=["address", "key of another host", "no key's variable"],
)
def test_an_address_or_key_that_is_not_to_be_used_reaches_no_sdk(
    sent: list[str],
    resolved: list[str],
    provider: str,
    facts: dict[str, str],
    detail: str,
) -> None:
    is_refused(turn_of(provider, **facts), "config", detail)
    assert (resolved, sent) == ([], [])


def test_a_provider_that_does_not_run_here_is_told_as_switched_off(
    settings: LazySettings, sent: list[str]
) -> None:
    settings.DEMO_PROVIDER = False
    is_refused(turn_of("demo"), "provider_disabled", "does not run here")
    assert sent == []
