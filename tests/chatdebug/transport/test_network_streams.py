"""Streams of the network: what is held of them, and that they go on as without a recorder."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from chatdebug import record_http
from chatdebug.evidence.box import END_BYTES, RESPONSE_BYTES, HeldAttempts
from chatdebug.recorder import record_run
from chatdebug.transport.attempts import collect_attempts, current_sink
from tests.chatdebug.transport.answers import URL

pytestmark = pytest.mark.django_db(transaction=True)

LIBRARIES = [
    pytest.param(httpx, httpcore, id="httpx"),
    pytest.param(httpx2, httpcore2, id="httpx2"),
]


class Network:
    """Stands in for the connections of a client: answers with what it is given."""

    def __init__(self, core: Any, *pieces: bytes | Exception) -> None:
        self._core = core
        self._pieces = pieces
        self.closed = 0

    async def handle_async_request(self, request: Any) -> Any:
        return self._core.Response(200, content=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed += 1


def client_on(library: Any, network: Network) -> Any:
    transport = library.AsyncHTTPTransport()
    transport._pool = network
    return library.AsyncClient(transport=transport)


@pytest.mark.parametrize(("library", "core"), LIBRARIES)
def test_an_error_of_the_network_has_the_clients_words(library: Any, core: Any) -> None:
    network = Network(core, b"one", core.ReadError("the line is dead"))

    async def body() -> Any:
        client = record_http(client_on(library, network))
        with (
            collect_attempts() as sink,
            pytest.raises(library.ReadError, match="the line is dead") as raised,
        ):
            await client.get(URL)
        assert isinstance(raised.value.__cause__, core.ReadError)
        return sink.as_json()

    (attempt,) = asyncio.run(body())
    assert attempt["error"] == "ReadError: the line is dead"
    assert (attempt["status"], attempt["ended_by"]) == ("failed", "network")
    assert network.closed == 1


@pytest.mark.parametrize(("library", "core"), LIBRARIES)
def test_a_reader_that_stops_early_closes_the_network(library: Any, core: Any) -> None:
    network = Network(core, b"one", b"two")

    async def body() -> Any:
        client = record_http(client_on(library, network))
        with collect_attempts() as sink:
            async with client.stream("GET", URL) as response:
                await anext(response.aiter_raw())
        return sink.as_json()

    (attempt,) = asyncio.run(body())
    assert attempt["status"] == "closed_by_client"
    assert network.closed == 1


@pytest.mark.parametrize(("library", "core"), LIBRARIES)
def test_of_a_long_stream_the_box_holds_what_it_counts(library: Any, core: Any) -> None:
    pieces = [b"%07d\n" % number * 500 for number in range(200)]
    client = record_http(client_on(library, Network(core, *pieces)))

    async def body() -> None:
        with record_run(chat_id="c", level="errors") as run:
            held = HeldAttempts(run=run, on_change=lambda sink: None)
            scope = current_sink.enter(held)
            async with client.stream("GET", URL) as response:
                [attempt] = held._begun
                async for _ in response.aiter_raw():
                    assert attempt.received.held_bytes <= RESPONSE_BYTES
            assert attempt.received.start == b"".join(pieces)[:END_BYTES]
            assert attempt.received.end == b"".join(pieces)[-END_BYTES:]
            scope.end()
            held.let_go()
            assert attempt.received.held_bytes == 0
            run.complete()

    asyncio.run(body())


@pytest.mark.parametrize(("library", "core"), LIBRARIES)
def test_an_attempt_that_is_forgotten_holds_nothing_of_what_still_comes(
    library: Any, core: Any
) -> None:
    client = record_http(client_on(library, Network(core, *[b"piece"] * 20)))

    async def body() -> None:
        with record_run(chat_id="c", level="errors") as run:
            held = HeldAttempts(run=run, on_change=lambda sink: None)
            scope = current_sink.enter(held)
            async with client.stream("GET", URL) as response:
                [attempt] = held._begun
                pieces = response.aiter_raw()
                await anext(pieces)
                assert attempt.received.held_bytes == 5
                attempt.forget()
                async for _ in pieces:
                    assert attempt.received.held_bytes == 0
            assert attempt.received.length == 100
            scope.end()
            held.let_go()
            run.complete()

    asyncio.run(body())


def test_an_open_connection_is_asked_for_no_more_than_that() -> None:
    async def handle(request: httpx2.Request) -> httpx2.Response:
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        assert "trace" not in request.extensions
        return httpx2.Response(200)

    async def body() -> Any:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
        with collect_attempts() as sink:
            await record_http(client).get(URL)
        return sink.as_json()

    (attempt,) = asyncio.run(body())
    assert (attempt["connection"], attempt["status"]) == ("reused", "completed")
