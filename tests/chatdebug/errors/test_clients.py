"""What is made of the errors of real HTTP clients, over real connections."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import anthropic
import botocore.exceptions
import httpx
import httpx2
import openai
import pytest
import requests

from chatdebug.enums import ErrorKind
from chatdebug.errors import classify, response_facts
from chatdebug.errors.responses import response_of
from tests.chatdebug.errors.server import failing_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with failing_server() as address:
        yield address


def by_httpx(url: str) -> object:
    with httpx.Client(follow_redirects=True, trust_env=False) as client:
        return client.get(url).raise_for_status()


def by_httpx2(url: str) -> object:
    with httpx2.Client(follow_redirects=True, trust_env=False) as client:
        return client.get(url).raise_for_status()


def by_requests(url: str) -> object:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=5)
        answer.raise_for_status()
        return answer


def by_urllib(url: str) -> object:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return answer.read()


def by_aiohttp(url: str) -> object:
    async def get() -> object:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()

    return asyncio.run(get())


def by_openai(url: str) -> object:
    with openai.OpenAI(
        api_key="k",
        base_url=url,
        max_retries=0,
        http_client=httpx2.Client(follow_redirects=True, trust_env=False),
    ) as client:
        return client.models.list()


def by_anthropic(url: str) -> object:
    with anthropic.Anthropic(
        api_key="k",
        base_url=url,
        max_retries=0,
        http_client=httpx2.Client(follow_redirects=True, trust_env=False),
    ) as client:
        return client.models.list()


CLIENTS = [
    by_httpx,
    by_httpx2,
    by_requests,
    by_urllib,
    by_aiohttp,
    by_openai,
    by_anthropic,
]
WITH_BODY = [by_httpx, by_httpx2, by_requests, by_openai, by_anthropic]
type Client = Callable[[str], object]


def failure(client: Client, url: str) -> BaseException:
    try:
        client(url)
    except Exception as error:  # noqa: BLE001 - each client has its own
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        return error
    pytest.fail("nothing was raised")


@pytest.mark.parametrize("client", CLIENTS)
def test_the_status_is_read_whoever_asked(client: Client, server: str) -> None:
    classification = classify(failure(client, f"{server}/odd"))
    assert classification.status_code == 418
    assert classification.captured
    assert classification.request_id == "req_77"


@pytest.mark.parametrize("client", WITH_BODY)
def test_the_body_in_memory_says_what_failed(client: Client, server: str) -> None:
    quota = classify(failure(client, f"{server}/quota"))
    assert quota.kind == ErrorKind.USAGE_LIMIT
    assert quota.error_code == "insufficient_quota"
    assert classify(failure(client, f"{server}/context")).kind == ErrorKind.CONFIG
    odd = classify(failure(client, f"{server}/odd"))
    assert (odd.detail, odd.error_code) == ("The flux is inverted.", "flux_inverted")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_challenge_is_no_rejected_key(client: Client, server: str) -> None:
    assert classify(failure(client, f"{server}/challenge")).captured


@pytest.mark.parametrize("client", CLIENTS)
def test_the_facts_of_the_response_are_known(client: Client, server: str) -> None:
    assert response_facts(failure(client, f"{server}/challenge")) == {
        "status": 403,
        "content_type": "text/html; charset=utf-8",
        "length": 59,
        "server": "flaky/1.0",
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_a_refused_connection_is_tried_again(client: Client) -> None:
    classification = classify(failure(client, "http://127.0.0.1:9"))
    assert (classification.kind, classification.retryable) == (ErrorKind.TIMEOUT, True)
    assert classification.detail != "Connection error."


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_was_cut_off_is_tried_again(client: Client, server: str) -> None:
    error = failure(client, f"{server}/cut")
    classification = classify(error)
    assert (classification.kind, classification.retryable) == (ErrorKind.TIMEOUT, True)
    assert response_facts(error)["closed_by"] == "provider"


@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if client is not by_urllib]
)
def test_an_answer_that_cannot_be_decoded_is_unknown(
    client: Client, server: str
) -> None:
    classification = classify(failure(client, f"{server}/garbled"))
    assert classification.captured
    assert not classification.retryable


@pytest.mark.parametrize("client", CLIENTS)
def test_a_loop_of_redirects_is_not_tried_again(client: Client, server: str) -> None:
    assert not classify(failure(client, f"{server}/loop")).retryable


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "address",
    ["gopher://127.0.0.1/x", "127.0.0.1/x", "http://" + "a" * 70 + ".example"],
)
def test_an_address_that_cannot_be_used_is_not_tried_again(
    client: Client, address: str
) -> None:
    classification = classify(failure(client, address))
    assert not classification.retryable
    assert classification.detail


@pytest.mark.parametrize("client", CLIENTS)
def test_tls_at_a_port_without_it_is_unknown_and_not_tried_again(
    client: Client, server: str
) -> None:
    classification = classify(failure(client, server.replace("http:", "https:")))
    assert classification.captured
    assert not classification.retryable
    assert "ssl" in classification.detail.lower()


@pytest.mark.parametrize("sdk", [openai.OpenAI, anthropic.Anthropic])
@pytest.mark.parametrize("key", ["sk-abc\n", "sk-\x00"])
def test_a_key_that_no_header_can_hold_is_configuration(
    sdk: Any, key: str, server: str
) -> None:
    def listed(url: str) -> object:
        with (
            httpx2.Client(trust_env=False) as http,
            sdk(api_key=key, base_url=url, max_retries=0, http_client=http) as client,
        ):
            return client.models.list()

    classification = classify(failure(listed, server))
    assert (classification.kind, classification.retryable) == (ErrorKind.CONFIG, False)
    assert "header" in classification.detail.lower()


def test_botocores_errors_are_read() -> None:
    response: Any = {
        "Error": {"Code": "FluxException", "Message": "The flux is inverted."},
        "ResponseMetadata": {
            "HTTPStatusCode": 418,
            "HTTPHeaders": {"x-amzn-requestid": "r-1", "content-type": "text/plain"},
        },
    }
    error = botocore.exceptions.ClientError(response, "Converse")
    classification = classify(error)
    assert (classification.status_code, classification.request_id) == (418, "r-1")
    assert classification.error_code == "FluxException"
    assert classification.detail == "The flux is inverted."
    assert response_facts(error) == {"status": 418, "content_type": "text/plain"}


@pytest.mark.parametrize("module", [httpx, httpx2])
def test_a_body_that_nobody_read_stays_unread(module: Any, server: str) -> None:
    with (
        module.Client(trust_env=False) as client,
        client.stream("GET", f"{server}/odd") as response,
        suppress(module.HTTPStatusError),
    ):
        try:
            response.raise_for_status()
        except module.HTTPStatusError as error:
            answer = response_of(error)
            assert (answer.status, answer.body) == (418, "")
            assert not response.is_stream_consumed
            raise


def test_a_body_that_requests_has_not_read_stays_unread(server: str) -> None:
    with (
        requests.Session() as session,
        session.get(f"{server}/odd", stream=True, timeout=5) as response,
    ):
        with pytest.raises(requests.HTTPError) as caught:
            response.raise_for_status()
        answer = response_of(caught.value)
        assert (answer.status, answer.body) == (418, "")
        assert response.raw.tell() == 0
