"""Where requests to models may go, and which variables may go with them."""

import asyncio
from typing import Any

import httpx2
import pytest

from chatd.llm.addresses import (
    AddressRefused,
    check_address,
    check_key_variable,
    origin_of,
    refused_among,
)
from chatd.llm.clients import close_http_clients
from chatd.llm.configured import configured_model
from chatd.llm.guard import GuardedTransport
from chatd.models import ModelConfig
from chatdebug.errors import MissingKeyError
from tests.factories import ModelConfigFactory


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://api.openai.com/v1",
        "https://gateway.example:8443/v1/",
        "https://93.184.215.14/v1",
        "https://[2606:4700::1111]/v1",
        "http://127.0.0.1:11434/v1",
        "http://localhost:8000/v1",
        "http://[::1]:8000",
        "https://127.0.0.1/v1",
    ],
)
def test_https_and_loopback_are_allowed(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.openai.com/v1",
        "ftp://gateway.example/",
        "file:///etc/passwd",
        "gateway.example/v1",
        "https://",
        "https:///v1",
        "https://user:password@gateway.example/v1",
        "https://user@gateway.example/v1",
        "https://@gateway.example/v1",
        "https://gateway.example/v1?api_key=abc",
        "https://gateway.example/v1?",
        "https://gateway.example/v1#x",
        "https://gateway.example:x/",
        "https://gateway.example:99999/",
        "https://gateway.example\\@127.0.0.1/",
        "https://gateway.example /v1",
        " https://gateway.example/v1",
        "https://gateway.example/v1\n",
        "https://[::1/",
        "https://ⓛocal.example/",
        "https://.example/",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://0xa9.0xfe.0xa9.0xfe/",
        "https://0251.0376.0251.0376/",
        "https://169.254.43518/",
        "https://169.16689662/",
        "https://169.254.169.254./",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[::a9fe:a9fe]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a9fe:a9fe::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[::]/",
        "https://0.0.0.0/",
        "https://0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://3232235521/",
        "https://100.64.0.1/",
        "https://198.18.0.1/",
        "https://192.0.2.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
    ],
)
def test_everything_else_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(AddressRefused, match=r"\.$"):
        check_address(address)


def test_a_deployment_allows_hosts_and_networks_and_then_no_others(
    settings: Any,
) -> None:
    settings.MODEL_HOSTS = ["vllm.internal", "10.0.0.0/8", "fd00::/8", "192.168.7.7"]
    for address in (
        "http://vllm.internal:8000/v1",
        "http://VLLM.internal/v1",
        "http://10.1.2.3/v1",
        "http://0x0a010203/v1",
        "https://[fd00::7]/v1",
        "https://192.168.7.7/",
        "",
    ):
        check_address(address)
    for address in (
        "https://gateway.example/v1",
        "https://x.vllm.internal/",
        "http://127.0.0.1/",
        "https://192.168.7.8/",
        "https://user:password@vllm.internal/",
        "ftp://vllm.internal/",
    ):
        with pytest.raises(AddressRefused):
            check_address(address)


@pytest.mark.parametrize("name", ["", "OPENAI_API_KEY", "MY_GATEWAY_2_API_KEY"])
def test_variables_named_as_keys_may_be_keys(name: str) -> None:
    check_key_variable(name)


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "DATABASE_URL",
        "CHATD_VAR_DIR",
        "BILLING_DSN",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY_FILE",
        "PATH",
        "HOME",
        "_API_KEY",
        "openai_api_key",
        "OPENAI_API_KEY\n",
        "X OPENAI_API_KEY",
    ],
)
def test_other_variables_are_refused(name: str, settings: Any) -> None:
    with pytest.raises(AddressRefused):
        check_key_variable(name)


def test_a_deployment_names_more_but_never_what_its_settings_read(
    settings: Any,
) -> None:
    settings.MODEL_KEY_VARIABLES = ["GATEWAY", "SECRET_KEY", "DATABASE_URL", "X_FILE"]
    check_key_variable("GATEWAY")
    for name in ("SECRET_KEY", "DATABASE_URL", "X_FILE", "DEBUG"):
        with pytest.raises(AddressRefused):
            check_key_variable(name)


@pytest.mark.parametrize(
    ("provider", "base_url", "origin"),
    [
        ("openai", "", "https://api.openai.com"),
        ("anthropic", "", "https://api.anthropic.com"),
        ("openai_compatible", "https://G.example:443/v1", "https://g.example"),
        ("openai_compatible", "http://127.0.0.1:8325/v1", "http://127.0.0.1:8325"),
        ("openai_compatible", "https://[2606::1]:8443/v1", "https://[2606::1]:8443"),
        ("demo", "", ""),
    ],
)
def test_a_key_goes_to_scheme_host_and_port(
    provider: str, base_url: str, origin: str
) -> None:
    assert origin_of(provider, base_url) == origin


def build(config: ModelConfig) -> None:
    async def body() -> None:
        try:
            await configured_model(config)
        finally:
            await close_http_clients()

    asyncio.run(body())


@pytest.mark.parametrize(
    "facts",
    [
        {"api_key_variable": "SECRET_KEY"},
        {"api_key_variable": "PATH"},
        {"base_url": "http://169.254.169.254/latest/meta-data/"},
        {"base_url": "https://user:password@gateway.example/v1"},
        {"key_origin": ""},
        {"key_origin": "https://other.example"},
        {"base_url": "https://other.example/v1"},
        {"base_url": "https://gateway.example:8443/v1"},
        {"base_url": "http://127.0.0.1/v1"},
    ],
)
@pytest.mark.django_db
def test_a_turn_refuses_what_the_admin_would_however_the_row_was_written(
    facts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", "key-of-the-gateway")
    row = {
        "provider": "openai_compatible",
        "base_url": "https://gateway.example/v1",
        "api_key_variable": "GATEWAY_API_KEY",
        "key_origin": "https://gateway.example",
    }
    build(ModelConfigFactory(**row))
    with pytest.raises(AddressRefused):
        build(ModelConfigFactory(**row | facts))


@pytest.mark.django_db
def test_a_key_that_is_not_set_is_still_told_as_that() -> None:
    with pytest.raises(MissingKeyError):
        build(
            ModelConfigFactory(
                provider="openai",
                api_key_variable="OPENAI_API_KEY",
                key_origin="https://api.openai.com",
            )
        )


def test_a_name_that_leads_to_a_private_address_is_refused(settings: Any) -> None:
    assert refused_among("gateway.example", ["93.184.215.14"]) == ""
    for bad in ("10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "::ffff:10.0.0.1"):
        assert refused_among("gateway.example", ["93.184.215.14", bad]) == bad
    assert refused_among("localhost", ["127.0.0.1"]) == ""
    settings.MODEL_HOSTS = ["gateway.example"]
    assert refused_among("gateway.example", ["10.0.0.1"]) == ""


def test_nothing_is_sent_to_a_name_that_leads_to_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.url.host)
        return httpx2.Response(200)

    async def body() -> None:
        loop = asyncio.get_running_loop()

        async def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
            where = {"good.example": "93.184.215.14", "bad.example": "127.0.0.1"}
            if host not in where:
                raise OSError("unknown")
            return [(2, 1, 6, "", (where[host], 0))]

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        transport = GuardedTransport(httpx2.MockTransport(answer))
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.post("https://good.example/v1")
            await client.post("https://known-to-the-proxy.example/v1")
            with pytest.raises(AddressRefused, match="leads to"):
                await client.post("https://bad.example/v1")

    asyncio.run(body())
    assert sent == ["good.example", "known-to-the-proxy.example"]
