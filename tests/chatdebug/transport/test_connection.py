"""What is known of a connection: whether it was opened, and how long that took."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import pytest

from chatd.demo_provider import DemoProvider
from chatdebug import record_http
from chatdebug.transport.attempts import collect_attempts
from chatdebug.transport.connection import Connection, ConnectionWatch
from tests.chatdebug.errors.server import failing_server

LIBRARIES = [httpx, httpx2]
NOBODY = "http://127.0.0.1:1/"
QUESTION = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


@contextmanager
def recorded(library: Any, **options: Any) -> Iterator[Any]:
    """A client that is recorded and never asks a proxy."""
    with record_http(library.Client(trust_env=False, **options)) as client:
        yield client


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_connection_is_opened_once_and_used_again(library: Any) -> None:
    with (
        failing_server() as url,
        recorded(library) as client,
        collect_attempts() as sink,
    ):
        client.get(f"{url}/odd")
        client.get(f"{url}/odd")
    first, second = sink.as_json()
    assert (first["connection"], second["connection"]) == ("opened", "reused")
    for attempt in (first, second):
        assert 0 <= attempt["connect_ms"] <= attempt["time_to_first_byte_ms"]


def test_the_demo_provider_is_connected_to_before_it_answers() -> None:
    async def body() -> list[dict[str, Any]]:
        client = httpx2.AsyncClient(timeout=60)  # a busy machine takes its time
        async with DemoProvider() as provider, client:
            record_http(client)
            with collect_attempts() as sink:
                url = f"{provider.openai_base_url}/chat/completions"
                await client.post(url, json=QUESTION)
        return sink.as_json()

    (attempt,) = asyncio.run(body())
    assert attempt["connection"] == "opened"
    moments = [
        attempt["connect_ms"],
        *(attempt[f"time_to_{name}_ms"] for name in ("first_byte", "first_part")),
        *(attempt["time_to_last_part_ms"], attempt["duration_ms"]),
    ]
    assert moments == sorted(moments)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_connection_that_could_not_be_opened_is_called_that(library: Any) -> None:
    with (
        recorded(library) as client,
        collect_attempts() as sink,
        pytest.raises(library.ConnectError),
    ):
        client.get(NOBODY)
    (attempt,) = sink.as_json()
    assert (attempt["connection"], attempt["connect_ms"]) == ("not_opened", None)
    assert attempt["ended_by"] == "network"


def test_the_way_through_a_proxy_ends_where_the_provider_is_written_to() -> None:
    watch = ConnectionWatch(0)
    for event in ("connect_tcp.started", "connect_tcp.complete"):
        watch.see(f"connection.{event}")
    watch.see("http11.send_request_headers.started")  # the proxy's own
    assert watch.connection is Connection.OPENED
    watch.see("proxy.start_tls.started")
    assert (watch.connection, watch.seconds) == (Connection.NOT_OPENED, None)
    watch.see("http11.send_request_headers.started")
    assert watch.connection is Connection.OPENED
    assert watch.seconds is not None


@pytest.mark.parametrize("event", ["", "odd", "a.b.c.d", "connection.close.started"])
def test_other_events_say_nothing(event: str) -> None:
    watch = ConnectionWatch(0)
    watch.see(event)
    assert (watch.connection, watch.seconds) == (None, None)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_host_that_traces_its_requests_is_told_the_same(library: Any) -> None:
    told: list[str] = []
    traced = {"trace": lambda event, info: told.append(event)}
    with failing_server() as url, recorded(library) as client:
        client.get(f"{url}/odd", extensions=traced)
        alone, told = told, []
        with collect_attempts() as sink:
            response = client.get(f"{url}/odd", extensions=traced)
    known = [event for event in alone if not event.startswith("connection.")]
    assert told == known
    assert response.request.extensions["trace"] is traced["trace"]
    assert sink.as_json()[0]["connection"] == "reused"


def test_an_asynchronous_host_is_told_the_same() -> None:
    told: list[str] = []

    async def trace(event: str, info: Any) -> None:
        told.append(event)

    async def body(url: str) -> list[dict[str, Any]]:
        async with record_http(
            httpx2.AsyncClient(trust_env=False, timeout=60)
        ) as client:
            with collect_attempts() as sink:
                await client.get(f"{url}/odd", extensions={"trace": trace})
            return sink.as_json()

    with failing_server() as url:
        (attempt,) = asyncio.run(body(url))
    assert attempt["connection"] == "opened"
    assert "connection.connect_tcp.complete" in told
    assert told[-1].endswith("response_closed.complete")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_redirect_is_an_attempt_of_its_own(library: Any) -> None:
    with (
        failing_server() as url,
        recorded(library, follow_redirects=True, max_redirects=1) as client,
        collect_attempts() as sink,
        pytest.raises(library.TooManyRedirects),
    ):
        client.get(f"{url}/loop")
    connections = [attempt["connection"] for attempt in sink.as_json()]
    assert connections == ["opened", "reused"]


def test_without_a_collector_a_request_passes_untouched() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    with recorded(httpx2, transport=httpx2.MockTransport(answer)) as client:
        client.get("http://any.test/")
        with collect_attempts() as sink:
            client.get("http://any.test/")
    assert ["trace" in request.extensions for request in seen] == [False, False]
    assert sink.as_json()[0]["connection"] is None


def test_a_request_that_cannot_be_traced_is_sent_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Fixed(httpx2.Request):
        """Whose extensions are nobody's to change."""

        def __setattr__(self, name: str, value: object) -> None:
            if name == "extensions" and hasattr(self, name):
                raise AttributeError(name)
            super().__setattr__(name, value)

    with failing_server() as url, recorded(httpx2) as client:
        request = Fixed("GET", f"{url}/odd", extensions={"timeout": {}})
        with collect_attempts() as sink, caplog.at_level(logging.CRITICAL):
            assert client.send(request).status_code == 418
    assert sink.as_json()[0]["connection"] is None


@pytest.mark.parametrize(
    ("error", "side"),
    [
        (httpx2.ReadTimeout("late"), "time_limit"),
        (httpx2.ConnectTimeout("late"), "time_limit"),
        (httpx2.RemoteProtocolError("hung up"), "provider"),
        (httpx2.ReadError("reset"), "network"),
        (ValueError("odd"), "network"),
    ],
)
def test_an_error_says_who_ended_the_attempt(error: Exception, side: str) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise error

    with (
        recorded(httpx2, transport=httpx2.MockTransport(fail)) as client,
        collect_attempts() as sink,
        pytest.raises(type(error)),
    ):
        client.get("http://any.test/")
    assert sink.as_json()[0]["ended_by"] == side
