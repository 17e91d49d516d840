"""The models of providers, and the client that carries their calls."""

import asyncio
import threading
from importlib import import_module
from typing import Any

import httpx2
import pytest

from chatd.llm import clients
from chatd.llm.clients import close_http_clients, shared_http_client
from chatd.llm.configured import configured_model
from chatd.llm.providers import base, build_model
from chatd.llm.wire.openai import OpenAIWire
from chatdebug.errors import MissingKeyError, ProviderDisabledError
from chatdebug.recorder import RecordingModel
from chatdebug.redaction import redact_text
from tests.chatd.turns.site import answer, new_chat, quick, run_on_site
from tests.factories import ModelConfigFactory

__all__ = ["quick"]
KEY = "a-key-of-no-known-look-4711"


@pytest.mark.parametrize(
    ("provider", "base_url", "expected"),
    [
        ("openai", "", "https://api.openai.com/v1/"),
        ("anthropic", "", "https://api.anthropic.com"),
        ("openai_compatible", "https://gateway.example/v1", "https://gateway.example/"),
    ],
)
def test_a_model_is_built_for_its_address_and_without_retries_of_the_sdk(
    provider: str, base_url: str, expected: str
) -> None:
    async def body() -> None:
        async with httpx2.AsyncClient() as client:
            model = build_model(
                provider=provider,
                model="m",
                base_url=base_url,
                api_key="",
                http_client=client,
            )
            assert str(model.base_url).startswith(expected)
            assert model.client.max_retries == 0  # type: ignore[attr-defined]

    asyncio.run(body())


@pytest.mark.parametrize("provider", ["openai_compatible", "nobody"])
def test_a_provider_without_an_address_is_refused(provider: str) -> None:
    async def body() -> None:
        async with httpx2.AsyncClient() as client:
            with pytest.raises(ValueError, match="provider"):
                build_model(
                    provider=provider,
                    model="m",
                    base_url="",
                    api_key="",
                    http_client=client,
                )

    asyncio.run(body())


def test_a_loop_shares_one_client_and_another_loop_has_its_own() -> None:
    async def body() -> httpx2.AsyncClient:
        client = shared_http_client(wire=OpenAIWire)
        assert shared_http_client(wire=OpenAIWire) is client
        await close_http_clients()
        assert client.is_closed
        return client

    assert asyncio.run(body()) is not asyncio.run(body())


def test_a_proxy_of_the_environment_is_used_but_never_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = "http://proxy.example:3128"
    monkeypatch.setattr(clients, "getproxies", lambda: {"https": proxy})
    used: list[str | None] = []

    class Noted(httpx2.AsyncBaseTransport):
        def __init__(self, *, limits: httpx2.Limits, proxy: str | None = None) -> None:
            self.proxy = proxy

        async def handle_async_request(
            self, request: httpx2.Request
        ) -> httpx2.Response:
            used.append(self.proxy)
            return httpx2.Response(204)

    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", Noted)

    async def body() -> None:
        transport = clients.ProxyingTransport()
        here = ("127.0.0.1", "127.1", "[::1]", "localhost.", "ollama.localhost")
        hosts = ("https://a.example", *(f"https://{host}" for host in here))
        for url in (*hosts, "http://a.example"):
            await transport.handle_async_request(httpx2.Request("GET", url))
        await transport.aclose()

    asyncio.run(body())
    assert used == [proxy, *[None] * 6]


@pytest.mark.django_db
def test_the_key_is_read_from_its_variable_and_then_protected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    config = ModelConfigFactory(
        provider="openai",
        api_key_variable="SOME_API_KEY",
        key_origin="https://api.openai.com",
    )

    async def body() -> None:
        model = await configured_model(config)
        assert isinstance(model, RecordingModel)
        assert model.wrapped.client.api_key == KEY  # type: ignore[attr-defined]
        await close_http_clients()

    asyncio.run(body())
    assert KEY not in redact_text(f"it said {KEY} to me")


@pytest.mark.django_db
def test_a_model_is_built_once_for_a_version_of_its_configuration() -> None:
    config = ModelConfigFactory(
        provider="openai_compatible", base_url="http://127.0.0.1:1/v1"
    )

    async def body() -> None:
        first = await configured_model(config)
        assert await configured_model(config) is first
        config.model = "another"
        assert await configured_model(config) is not first
        await close_http_clients()

    asyncio.run(body())


@pytest.mark.django_db(transaction=True)
def test_the_sdks_of_enabled_models_are_imported_off_the_loop(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = new_chat("demo")
    threads: list[str] = []

    def noted(name: str) -> Any:
        threads.append(threading.current_thread().name)
        return import_module(name)

    async def body() -> None:
        await answer(chat)

    monkeypatch.setattr(base, "import_module", noted)
    monkeypatch.setattr(base.Provider, "sdk_is_loaded", False)
    run_on_site(body)
    assert len(threads) >= 2
    assert threading.main_thread().name not in threads


@pytest.mark.django_db
def test_what_is_not_there_has_errors_of_its_own() -> None:
    unset = ModelConfigFactory(
        provider="openai",
        api_key_variable="UNSET_API_KEY",
        key_origin="https://api.openai.com",
    )
    demo = ModelConfigFactory(provider="demo")
    with pytest.raises(MissingKeyError, match="UNSET_API_KEY"):
        asyncio.run(configured_model(unset))
    with pytest.raises(ProviderDisabledError):
        asyncio.run(configured_model(demo))
