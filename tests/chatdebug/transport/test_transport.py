"""What passes through a recording transport is left alone."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from chatdebug.transport.attempts import (
    AttemptSink,
    collect_attempts,
    current_sink,
)
from chatdebug.transport.transport import RecordingTransport, SyncRecordingTransport
from tests.chatdebug.transport.answers import JSON, SECRET, SSE, URL, Answer


def test_without_a_sink_everything_passes_untouched():
    answer = Answer(b"{}", headers=JSON)
    request = httpx2.Request("POST", URL, content=b"sent")

    response = asyncio.run(RecordingTransport(answer).handle_async_request(request))

    assert response.stream is answer.stream
    assert current_sink.get() is None


def test_bytes_on_the_wire_are_not_altered():
    sent = f'{{"api_key": "{SECRET}"}}'.encode()
    received = [f'{{"password": "{SECRET}",'.encode(), b'"n": 1}']
    answer = Answer(*received, headers=JSON)

    async def body() -> bytes:
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts():
            async with client:
                response = await client.post(URL, content=sent)
                return response.content

    assert asyncio.run(body()) == b"".join(received)
    assert answer.sent == [sent]


@pytest.mark.parametrize("broken", ["begin", "respond", "receive", "callback"])
def test_a_failing_recorder_is_logged_and_never_seen(monkeypatch, caplog, broken):
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("broken recorder")

    sink = AttemptSink(on_change=fail if broken == "callback" else None)
    if broken == "begin":
        monkeypatch.setattr("chatdebug.transport.roundtrips.Exchange", fail)
    if broken == "respond":
        monkeypatch.setattr("chatdebug.transport.attempts.perf_counter", fail)
    if broken == "receive":
        monkeypatch.setattr("chatdebug.transport.attempts.Attempt._keep", fail)

    async def body() -> bytes:
        client = httpx2.AsyncClient(
            transport=RecordingTransport(Answer(b"{}", headers=JSON))
        )
        with collect_attempts(sink):
            async with client:
                return (await client.get(URL)).content

    with caplog.at_level(logging.ERROR, logger="chatdebug.recorder"):
        assert asyncio.run(body()) == b"{}"
    assert "broken recorder" in caplog.text


def test_a_response_that_a_transport_made_itself_is_recorded():
    mock = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"a": 1}))

    async def body() -> AttemptSink:
        client = httpx2.AsyncClient(transport=RecordingTransport(mock))
        with collect_attempts() as sink:
            async with client:
                assert (await client.get(URL)).json() == {"a": 1}
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["status"] == "completed"
    assert json.loads(attempt["response_body"]) == {"a": 1}


def test_transports_are_entered_and_closed_with_their_wrapper():
    class Counting(Answer):
        events: list[str] = []

        async def __aenter__(self) -> "Counting":
            self.events.append("aenter")
            return self

        async def __aexit__(self, *args: object) -> None:
            self.events.append("aexit")

        async def aclose(self) -> None:
            self.events.append("aclose")

        def __enter__(self) -> "Counting":
            self.events.append("enter")
            return self

        def __exit__(self, *args: object) -> None:
            self.events.append("exit")

        def close(self) -> None:
            self.events.append("close")

    async def body() -> None:
        async with RecordingTransport(Counting()) as wrapper:
            await wrapper.aclose()

    asyncio.run(body())
    with SyncRecordingTransport(Counting()) as wrapper:
        wrapper.close()

    assert Counting.events == ["aenter", "aclose", "aexit", "enter", "close", "exit"]


def test_without_a_transport_the_default_one_is_wrapped():
    async def body() -> None:
        async with RecordingTransport() as wrapper:
            assert isinstance(wrapper.wrapped, httpx2.AsyncHTTPTransport)

    asyncio.run(body())
    with SyncRecordingTransport() as wrapper:
        assert isinstance(wrapper.wrapped, httpx2.HTTPTransport)


def sync_record(
    answer: Answer, read: Callable[[httpx2.Response], Any]
) -> dict[str, Any]:
    client = httpx2.Client(transport=SyncRecordingTransport(answer))
    with (
        collect_attempts() as sink,
        contextlib.suppress(httpx2.TransportError),
        client,
        client.stream("POST", URL, json={"a": 1}) as response,
    ):
        read(response)
    (attempt,) = sink.as_json()
    return attempt


@pytest.mark.parametrize(
    ("answer", "read", "status", "error"),
    [
        pytest.param(
            Answer(b"{}", headers=JSON), httpx2.Response.read, "completed", "", id="ok"
        ),
        pytest.param(
            Answer(error=httpx2.ConnectError("no")),
            httpx2.Response.read,
            "failed",
            "ConnectError: no",
            id="transport-error",
        ),
        pytest.param(
            Answer(b"data", httpx2.ReadError("cut"), headers=SSE),
            httpx2.Response.read,
            "failed",
            "ReadError: cut",
            id="read-error",
        ),
        pytest.param(
            Answer(b"{", b"}", headers=JSON),
            lambda response: next(response.iter_raw()),
            "closed_by_client",
            "the client stopped reading after 1 bytes, before its end",
            id="closed-early",
        ),
        pytest.param(
            Answer(b"{}", headers=JSON, close=httpx2.CloseError("late")),
            httpx2.Response.read,
            "failed",
            "CloseError: late",
            id="close-error",
        ),
    ],
)
def test_the_synchronous_twin_records_the_same(answer, read, status, error):
    attempt = sync_record(answer, read)

    assert (attempt["status"], attempt["error"]) == (status, error)
    assert json.loads(attempt["request_body"]) == {"a": 1}


def test_the_synchronous_twin_passes_untouched_without_a_sink():
    answer = Answer(b"{}", headers=JSON)
    request = httpx2.Request("POST", URL, content=b"sent")

    response = SyncRecordingTransport(answer).handle_request(request)

    assert response.stream is answer.stream


def test_a_client_of_httpx_is_told_what_there_is_for_it():
    with (
        httpx.Client(transport=SyncRecordingTransport()) as client,  # type: ignore[arg-type]
        pytest.raises(TypeError, match="record_http"),
    ):
        client.get(URL)


def test_an_asynchronous_client_of_httpx_is_told_it_too():
    async def body() -> None:
        transport: Any = RecordingTransport()
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(URL)

    with pytest.raises(TypeError, match="record_http"):
        asyncio.run(body())


def test_around_a_transport_of_httpx_it_serves_its_client():
    answer: Any = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    transport: Any = SyncRecordingTransport(answer)
    with httpx.Client(transport=transport) as client, collect_attempts() as sink:
        assert client.get(URL).json() == {}
    assert len(sink.as_json()) == 1
