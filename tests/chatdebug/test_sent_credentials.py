"""A credential that the failing call itself sent is kept nowhere, whoever says it again."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
import requests
from django.conf import LazySettings
from django.core import serializers

from chatdebug import record_http
from chatdebug.enums import Evidence, Level
from chatdebug.errors import classify
from chatdebug.errors.payload import Progress, error_payload
from chatdebug.models import ChatRun, ChatStep, ErrorGroup
from chatdebug.recorder import close_writer, record_run
from tests.chatdebug.errors.server import failing_server

KEY = "acme7f3bQ9zz2LkMvxxw"
PASSWORD = "Plainword horse"
BASIC = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
BEARER = {"authorization": f"Bearer {KEY}"}
HEADERS = {
    "bearer": BEARER,
    "basic": {"authorization": f"Basic {BASIC}"},
    "key": {"x-api-key": KEY},
    "cookie": {"cookie": f"a=1; sid={KEY}"},
    "own": {"x-team-secret": KEY},
}
SECRETS = (KEY, PASSWORD, BASIC)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with failing_server() as address:
        yield f"{address}/echo"


def by_httpx(url: str, headers: dict[str, str]) -> None:
    with httpx.Client(trust_env=False, headers=headers) as client:
        answer = client.get(url)
        raise ValueError(answer.text) from failure(answer.raise_for_status)


def by_httpx2(url: str, headers: dict[str, str]) -> None:
    with httpx2.Client(trust_env=False, headers=headers) as client:
        answer = client.get(url)
        raise ValueError(answer.text) from failure(answer.raise_for_status)


def by_requests(url: str, headers: dict[str, str]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=5, headers=headers)
        raise ValueError(answer.text) from failure(answer.raise_for_status)


def by_aiohttp(url: str, headers: dict[str, str]) -> None:
    async def get() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=headers) as answer,
        ):
            said = await answer.text()
            raise ValueError(said) from failure(answer.raise_for_status)

    asyncio.run(get())


def by_openai(url: str, headers: dict[str, str]) -> None:
    with openai.OpenAI(
        api_key=KEY,
        base_url=url,
        max_retries=0,
        default_headers=headers,
        http_client=httpx2.Client(trust_env=False),
    ) as client:
        client.models.list()


def by_anthropic(url: str, headers: dict[str, str]) -> None:
    with anthropic.Anthropic(
        api_key=KEY,
        base_url=url,
        max_retries=0,
        default_headers=headers,
        http_client=httpx2.Client(trust_env=False),
    ) as client:
        client.models.list()


CLIENTS = [by_httpx, by_httpx2, by_requests, by_aiohttp, by_openai, by_anthropic]


def failure(call: Callable[..., Any], *args: Any) -> Exception:
    try:
        call(*args)
    except Exception as error:  # noqa: BLE001 - each client has its own
        return error
    pytest.fail("nothing was raised")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_what_is_told_of_an_error_does_not_say_it(
    client: Callable[..., Any], headers: dict[str, str], server: str
) -> None:
    error = failure(client, server, headers)
    error.add_note(f"tried with {KEY}")
    assert any(secret in f"{error} {error.__cause__}" for secret in SECRETS)
    found = classify(error)
    told = [found.detail, found.message]
    for keep_content in (False, True):
        payload = error_payload(error, found, Progress(), keep_content=keep_content)
        told.append(str(payload))
        assert "flux failed for client" in payload["message"]
        assert "[REDACTED:sent credential]" in payload["message"]
        assert "today" in payload["message"]
    assert not [secret for secret in SECRETS for text in told if secret in text]


def test_a_parameter_of_the_address_counts_too(server: str) -> None:
    error = failure(by_httpx, f"{server}?api_key={KEY}", {})
    assert KEY in str(error)
    assert KEY not in str(error_payload(error, classify(error), Progress()))


def test_an_exception_that_knows_nothing_of_its_request_is_read_all_the_same() -> None:
    class Odd(Exception):
        headers = url = request = response = 7

        @property
        def request_info(self) -> object:
            raise RuntimeError("no")

    assert classify(Odd("odd")).captured


LEVELS = {
    "errors": (Level.ERRORS, Evidence.ERROR),
    "shape": (Level.ERRORS, Evidence.SHAPE),
    "evidence": (Level.ERRORS, Evidence.FULL),
    "full": (Level.FULL, Evidence.ERROR),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("level", "evidence"), LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_no_row_has_it(
    level: Level,
    evidence: Evidence,
    headers: dict[str, str],
    server: str,
    settings: LazySettings,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": evidence.value}
    with record_http(httpx2.Client(trust_env=False, headers=headers)) as client:

        def call() -> None:
            with (
                record_run(chat_id="c", level=level) as run,
                run.step(),
            ):
                answer = client.get(server)
                if level is Level.ERRORS:
                    answer.raise_for_status()
                # This one says nothing of its request: the attempt tells.
                raise ValueError(answer.text)

        failure(call)
    close_writer()
    rows = [*ChatRun.objects.all(), *ChatStep.objects.all(), *ErrorGroup.objects.all()]
    stored = serializers.serialize("json", rows)
    assert "flux failed" in stored
    keeps_attempts = Level.FULL is level or evidence is Evidence.FULL
    assert len(ChatStep.objects.get().attempts) == keeps_attempts
    assert not [secret for secret in SECRETS if secret in stored]


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_was_repaired_does_not_say_it_either(server: str) -> None:
    with (
        record_http(httpx2.Client(trust_env=False, headers=BEARER)) as client,
        record_run(chat_id="c", level=Level.FULL) as run,
        run.step(),
    ):
        assert KEY in client.get(server).text
    close_writer()
    (attempt,) = ChatStep.objects.get().attempts
    assert "client [REDACTED:sent credential]" in attempt["response_body"]
