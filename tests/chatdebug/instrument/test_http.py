"""``record_http``: the attempts of a client that stays what it is."""

import asyncio
from typing import Any

import httpx
import httpx2
import pytest

from chatdebug import record_http, unrecord_http
from chatdebug.recorder import RecordingTransport
from chatdebug.transport.attempts import collect_attempts
from tests.chatdebug.errors.server import failing_server

LIBRARIES = [httpx, httpx2]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_synchronous_client_is_recorded_once(library: Any) -> None:
    with failing_server() as url, library.Client() as client:
        transport = client._transport
        assert record_http(record_http(client)) is client
        assert client._transport is transport
        with collect_attempts() as sink:
            answer = client.post(f"{url}/odd", json={"said": "words"})
        assert client.post(f"{url}/odd").status_code == 418
    (attempt,) = sink.as_json()
    assert answer.json()["error"]["code"] == "flux_inverted"
    assert (attempt["status"], attempt["response_status"]) == ("http_error", 418)
    assert "words" in attempt["request_body"]
    assert "flux" in attempt["response_body"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_asynchronous_client_is_recorded_and_so_are_its_streams(
    library: Any,
) -> None:
    async def body(url: str) -> Any:
        async with record_http(library.AsyncClient()) as client:
            with collect_attempts() as sink:
                async with client.stream("GET", f"{url}/odd") as response:
                    read = b"".join([part async for part in response.aiter_bytes()])
            return sink.as_json(), read

    with failing_server() as url:
        (attempt,), read = asyncio.run(body(url))
    assert attempt["response_body_length"] == len(read) > 0


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_breaks_is_noted_and_raised(library: Any) -> None:
    with failing_server() as url, record_http(library.Client()) as client:
        with collect_attempts() as sink, pytest.raises(library.RemoteProtocolError):
            client.get(f"{url}/cut")
        with collect_attempts() as refused, pytest.raises(library.ConnectError):
            client.get("http://127.0.0.1:1/")
    assert sink.as_json()[0]["status"] == "failed"
    assert refused.as_json()[0]["status"] == "failed"


@pytest.mark.parametrize("library", LIBRARIES)
def test_mounts_hooks_and_proxies_stay(library: Any) -> None:
    seen: list[str] = []
    with failing_server() as url:
        client = record_http(
            library.Client(
                mounts={"all://mounted.test": library.HTTPTransport(proxy=url)},
                event_hooks={"request": [lambda request: seen.append(request.method)]},
            )
        )
        # A proxy answers for a host that there is not.
        with client, collect_attempts() as sink:
            client.get("http://mounted.test/odd")
            client.get(f"{url}/odd")
    first, second = sink.as_json()
    assert first["url"].startswith("http://mounted.test")
    assert second["url"].startswith(url)
    assert seen == ["GET", "GET"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_transport_in_memory_is_recorded_too(library: Any) -> None:
    answer = library.MockTransport(lambda request: library.Response(200, text="words"))
    client = record_http(library.Client(transport=answer))
    with client, collect_attempts() as sink:
        assert client.get("http://any.test/").text == "words"
    assert sink.as_json()[0]["response_body"] == "words"


def test_a_recording_transport_is_not_recorded_twice() -> None:
    async def body(url: str) -> int:
        client = record_http(httpx2.AsyncClient(transport=RecordingTransport()))
        async with client:
            with collect_attempts() as sink:
                await client.get(f"{url}/odd")
        return len(sink.as_json())

    with failing_server() as url:
        assert asyncio.run(body(url)) == 1


def test_it_can_be_taken_back() -> None:
    with failing_server() as url, httpx.Client() as client:
        before = vars(client._transport).copy()
        unrecord_http(record_http(client))
        assert vars(client._transport) == before
        with collect_attempts() as sink:
            client.get(f"{url}/odd")
    assert sink.as_json() == []


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match="dict is no client"):
        record_http({})
