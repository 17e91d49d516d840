"""What ``RecordingTransport`` notes, and what it must leave alone."""

import asyncio
import contextlib
import gzip
import inspect
import json
import logging
import re
import textwrap
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from chatdebug.payloads.limits import BODY_BYTES
from chatdebug.transport import transport as transport_module
from chatdebug.transport.attempts import (
    ATTEMPTS_KEPT,
    AttemptSink,
    collect_attempts,
    current_sink,
)
from chatdebug.transport.body import END_BYTES
from chatdebug.transport.exchange import Exchange
from chatdebug.transport.transport import RecordingTransport, SyncRecordingTransport

SECRET = "sk-ant-api03-" + "aB3dE5fG7hJ9" * 4
URL = "https://provider.test/v1/messages"
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}
NDJSON = {"content-type": "application/x-ndjson"}


class Chunks(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """A response's body that yields, raises and closes as told."""

    def __init__(self, *chunks: bytes | BaseException, close: Any = None) -> None:
        self.chunks = chunks
        self.close_error = close
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed += 1
        if self.close_error is not None:
            raise self.close_error

    async def aclose(self) -> None:
        self.close()


class Answer(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """A transport that answers every request with the same response, or raises."""

    def __init__(
        self,
        *chunks: bytes | BaseException,
        status: int = 200,
        headers: dict[str, str] | None = None,
        error: BaseException | None = None,
        close: BaseException | None = None,
    ) -> None:
        self.stream = Chunks(*chunks, close=close)
        self.status = status
        self.headers = headers or {}
        self.error = error
        self.sent: list[bytes] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        self.sent.append(b"".join(request.stream))
        if self.error is not None:
            raise self.error
        return httpx2.Response(self.status, headers=self.headers, stream=self.stream)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        self.sent.append(b"".join([chunk async for chunk in request.stream]))
        if self.error is not None:
            raise self.error
        return httpx2.Response(self.status, headers=self.headers, stream=self.stream)


type Reading = Callable[[httpx2.Response, Chunks], Any]


async def read_all(response: httpx2.Response) -> bytes:
    return await response.aread()


async def read_one(response: httpx2.Response) -> bytes:
    iterator = response.aiter_raw()
    chunk = await anext(iterator)
    await iterator.aclose()
    return chunk


async def read_nothing(response: httpx2.Response) -> bytes:
    return b""


def record(
    answer: Answer, *, read: Any = read_all, method: str = "POST", **request: Any
) -> dict[str, Any]:
    """Send one request through the recorder; return its only attempt."""

    async def body() -> AttemptSink:
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts() as sink:
            async with client, client.stream(method, URL, **request) as response:
                await read(response)
        return sink

    (attempt,) = asyncio.run(body()).as_json()
    return attempt


def record_failing(answer: Answer, **kwargs: Any) -> dict[str, Any]:
    """The same for a request that must raise what the transport raised."""
    sinks: list[AttemptSink] = []

    async def body() -> None:
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts() as sink:
            sinks.append(sink)
            async with client, client.stream("POST", URL) as response:
                await response.aread()

    with pytest.raises(Exception) as raised:  # noqa: PT011 - each caller's own
        asyncio.run(body())
    expected = [answer.error, answer.stream.close_error, *answer.stream.chunks]
    assert raised.value in expected
    (attempt,) = sinks[0].as_json()
    return attempt


def test_a_round_trip_is_recorded_as_the_reference_says():
    answer = Answer(
        b'{"id": "1",', b' "usage": {"input_tokens": 3}}', headers=JSON | {"x-id": "r"}
    )

    attempt = record(answer, json={"model": "demo", "messages": []})

    started_at = attempt.pop("started_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", started_at)
    assert attempt.pop("finished_at") >= started_at
    assert attempt.pop("duration_ms") >= attempt.pop("time_to_first_byte_ms") >= 0
    assert attempt.pop("request_headers")["content-type"] == "application/json"
    assert attempt.pop("response_headers")["content-type"] == "application/json"
    assert json.loads(attempt.pop("request_body")) == {"model": "demo", "messages": []}
    assert json.loads(attempt.pop("response_body")) == {
        "id": "1",
        "usage": {"input_tokens": 3},
    }
    assert attempt == {
        "number": 1,
        "status": "completed",
        "method": "POST",
        "url": URL,
        "path": "/v1/messages",
        "request_body_length": 30,
        "response_status": 200,
        "response_body_length": 41,
        "error": "",
    }


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


def test_no_secret_is_recorded():
    answer = Answer(
        f'{{"password": "hunter2", "echo": "{SECRET}"}}'.encode(),
        headers=JSON | {"set-cookie": "session=hunter2"},
    )

    async def body() -> AttemptSink:
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts() as sink:
            async with client:
                await client.post(
                    f"https://me:hunter2@provider.test/v1?key={SECRET}&x=1",
                    headers={"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET},
                    json={"api_key": SECRET, "messages": [f"my key is {SECRET}"]},
                )
        return sink

    stored = json.dumps(asyncio.run(body()).as_json())

    assert SECRET not in stored
    assert "aB3dE5fG7hJ9" not in stored
    assert "hunter2" not in stored
    assert "my key is" in stored


def test_rate_limit_headers_stay_readable():
    limits = {"x-ratelimit-remaining-tokens": "12", "x-request-id": "req-1"}

    attempt = record(Answer(b"{}", headers=JSON | limits))

    assert limits.items() <= attempt["response_headers"].items()


@pytest.mark.parametrize("status", [400, 429, 529])
def test_an_http_error_with_its_whole_body_is_one(status):
    attempt = record(Answer(b'{"error": "no"}', status=status, headers=JSON))

    assert (attempt["status"], attempt["response_status"]) == ("http_error", status)
    assert attempt["error"] == ""


def test_a_transport_error_is_recorded_without_a_response():
    error = httpx2.ConnectError(f"cannot reach https://u:hunter2@host/?key={SECRET}")

    attempt = record_failing(Answer(error=error))

    assert attempt["status"] == "failed"
    assert attempt["response_status"] is None
    assert attempt["response_body_length"] == 0
    assert attempt["time_to_first_byte_ms"] is None
    assert attempt["error"].startswith("ConnectError: cannot reach https://")
    assert SECRET not in attempt["error"]
    assert "hunter2" not in attempt["error"]


def test_a_read_error_in_mid_stream_fails_the_attempt():
    answer = Answer(
        b"data: 1\n\n", httpx2.RemoteProtocolError("peer closed"), headers=SSE
    )

    attempt = record_failing(answer)

    assert attempt["status"] == "failed"
    assert attempt["error"] == "RemoteProtocolError: peer closed"
    assert attempt["response_body"] == "data: 1\n\n"


def test_an_error_in_closing_fails_an_attempt_that_was_completed():
    answer = Answer(b"data: [DONE]\n\n", headers=SSE, close=httpx2.CloseError("late"))
    changes: list[str] = []

    async def body() -> AttemptSink:
        sink = AttemptSink(
            on_change=lambda sink: changes.append(sink.as_json()[0]["status"])
        )
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts(sink):
            async with client:
                with pytest.raises(httpx2.CloseError):
                    await client.get(URL)
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["status"] == "failed"
    assert attempt["error"] == "CloseError: late"
    assert changes == ["completed", "failed"]


class NeverEnding(httpx2.AsyncByteStream):
    """Yields once and then waits until it is cancelled."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        self.waiting.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("phase", ["connecting", "reading"])
def test_a_cancelled_request_is_recorded_as_cancelled(phase):
    async def body() -> AttemptSink:
        stream = NeverEnding()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if phase == "connecting":
                stream.waiting.set()
                await asyncio.Event().wait()
            return httpx2.Response(200, headers=SSE, stream=stream)

        client = httpx2.AsyncClient(
            transport=RecordingTransport(httpx2.MockTransport(answer))
        )
        async with client:
            with collect_attempts() as sink:
                task = asyncio.create_task(client.get(URL))
            await stream.waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert (attempt["status"], attempt["error"]) == ("cancelled", "cancelled")
    assert attempt["response_status"] == (None if phase == "connecting" else 200)


@pytest.mark.parametrize(
    ("answer", "read", "method", "status"),
    [
        pytest.param(Answer(), read_nothing, "HEAD", "completed", id="head"),
        pytest.param(Answer(status=204), read_nothing, "POST", "completed", id="204"),
        pytest.param(Answer(status=304), read_nothing, "GET", "completed", id="304"),
        pytest.param(
            Answer(b"12", b"3", headers=JSON | {"content-length": "2"}),
            read_one,
            "POST",
            "completed",
            id="length-satisfied",
        ),
        pytest.param(
            Answer(b"12", b"3", headers=JSON | {"content-length": "3"}),
            read_one,
            "POST",
            "closed_by_client",
            id="length-missed",
        ),
        pytest.param(
            Answer(b"12", headers=JSON | {"content-length": "3"}),
            read_all,
            "POST",
            "cut_short",
            id="end-before-length",
        ),
        pytest.param(
            Answer(b'{"a": 1}', b"\n", headers=JSON),
            read_one,
            "POST",
            "completed",
            id="one-json-document",
        ),
        pytest.param(
            Answer(b'{"a": 1}', b"\n"),
            read_one,
            "POST",
            "completed",
            id="missing-type",
        ),
        pytest.param(
            Answer(b'{"a": 1}\n', b"", headers={"content-type": "application/x+json"}),
            read_one,
            "POST",
            "completed",
            id="json-suffix",
        ),
        pytest.param(
            Answer(b'{"a": 1} {"b"', b": 1}", headers=JSON),
            read_one,
            "POST",
            "closed_by_client",
            id="second-document",
        ),
        pytest.param(
            Answer(b'{"a": ', b"1}", headers=JSON),
            read_one,
            "POST",
            "closed_by_client",
            id="half-a-document",
        ),
        pytest.param(
            Answer(
                b'{"a": 1}\n', b"", headers={"content-type": "application/x-ndjson"}
            ),
            read_one,
            "POST",
            "closed_by_client",
            id="ndjson-closed-early",
        ),
        pytest.param(
            Answer(b'{"' + b"a" * 4 * END_BYTES, b'": 1}', headers=JSON),
            read_one,
            "POST",
            "completed",
            id="cut-recording-of-unknown-length",
        ),
        pytest.param(
            Answer(b"<html>", b"</html>", headers={"content-type": "text/html"}),
            read_one,
            "POST",
            "closed_by_client",
            id="html-closed-early",
        ),
        pytest.param(
            Answer(b"{}", headers=JSON),
            read_nothing,
            "POST",
            "closed_by_client",
            id="unread",
        ),
        pytest.param(
            Answer(headers=SSE), read_all, "POST", "cut_short", id="sse-empty"
        ),
        pytest.param(
            Answer(b"data: 1\n\n", headers=SSE),
            read_all,
            "POST",
            "completed",
            id="sse-end",
        ),
        pytest.param(
            Answer(b"data: 1\n\n", b"data: 2\n\n", headers=SSE),
            read_one,
            "POST",
            "closed_by_client",
            id="sse-closed-early",
        ),
        pytest.param(
            Answer(b"data: 1\n\ndata: [DONE]\n\n", b"", headers=SSE),
            read_one,
            "POST",
            "completed",
            id="sse-closed-after-done",
        ),
        pytest.param(
            Answer(b"event: message_stop\ndata: {}\n\n", b"", headers=SSE),
            read_one,
            "POST",
            "completed",
            id="sse-closed-after-message-stop",
        ),
        pytest.param(
            Answer(
                b'data: {"text": "say data: [DONE]"}\n\n', b"data: 2\n\n", headers=SSE
            ),
            read_one,
            "POST",
            "closed_by_client",
            id="sse-text-that-quotes-the-end",
        ),
        pytest.param(
            Answer(b"x\n" * END_BYTES * 3 + b"data: [DONE]\n\n", b"", headers=SSE),
            read_one,
            "POST",
            "completed",
            id="sse-long-closed-after-done",
        ),
        pytest.param(
            Answer(
                b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', headers=SSE
            ),
            read_all,
            "POST",
            "cut_short",
            id="sse-end-without-last-event",
        ),
        pytest.param(
            Answer(b'{"message": {"content": "a"}, "done": false}\n', headers=NDJSON),
            read_all,
            "POST",
            "cut_short",
            id="ndjson-end-without-last-line",
        ),
        pytest.param(
            Answer(b'{"done": false}\n{"done": true}\n', b"", headers=NDJSON),
            read_one,
            "POST",
            "completed",
            id="ndjson-closed-after-last-line",
        ),
        pytest.param(
            Answer(
                b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n',
                b"",
                headers=SSE,
            ),
            read_one,
            "POST",
            "completed",
            id="sse-closed-after-its-finish-reason",
        ),
        pytest.param(
            Answer(
                b'data: {"id": "g", "choices": [], "error": {"code": 502}}\n\n',
                b"",
                headers=SSE,
            ),
            read_one,
            "POST",
            "completed",
            id="sse-closed-after-an-error-that-is-not-its-first-key",
        ),
        pytest.param(
            Answer(
                b'data: {"choices": [{"delta": {"content": "\\"error\\": 1"}}], '
                b'"error": null}\n\n',
                b"data: 2",
                headers=SSE,
            ),
            read_one,
            "POST",
            "closed_by_client",
            id="sse-closed-after-text-that-speaks-of-an-error",
        ),
        pytest.param(
            Answer(
                b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: {"cho\n\n',
                b"data: [DONE]\n\n",
                headers=SSE,
            ),
            read_one,
            "POST",
            "closed_by_client",
            id="sse-given-up-on-a-garbled-line",
        ),
    ],
)
def test_closing_decides_whether_the_response_was_complete(
    answer, read, method, status
):
    attempt = record(answer, read=read, method=method)

    assert attempt["status"] == status
    notes = {
        "completed": "",
        "cut_short": "the response ended after",
        "closed_by_client": "the client stopped reading after",
    }
    assert bool(attempt["error"]) == (status != "completed")
    assert attempt["error"].startswith(notes[status])
    assert answer.stream.closed == 1


def test_closing_a_stalled_response_reads_nothing_more():
    async def body() -> AttemptSink:
        stalled = httpx2.MockTransport(
            lambda request: httpx2.Response(200, headers=JSON, stream=NeverEnding())
        )
        client = httpx2.AsyncClient(transport=RecordingTransport(stalled))
        with collect_attempts() as sink:
            async with (
                asyncio.timeout(10),
                client,
                client.stream("POST", URL) as response,
            ):
                await read_one(response)
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["status"] == "closed_by_client"
    assert attempt["error"].startswith("the client stopped reading after 9 bytes")


def test_an_event_stream_is_recorded_at_its_end_though_never_closed():
    answer = Answer(b"data: 1\n\n", b"data: [DONE]\n\n", headers=SSE)

    async def body() -> AttemptSink:
        with collect_attempts() as sink:
            response = await RecordingTransport(answer).handle_async_request(
                httpx2.Request("POST", URL, content=b"{}")
            )
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            chunks = [chunk async for chunk in response.stream]
            assert chunks == [b"data: 1\n\n", b"data: [DONE]\n\n"]
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["status"] == "completed"
    assert attempt["response_body"] == "data: 1\n\ndata: [DONE]\n\n"
    assert answer.stream.closed == 0


def test_a_response_read_by_another_task_belongs_to_the_sink_of_its_request():
    async def body() -> list[AttemptSink]:
        client = httpx2.AsyncClient(
            transport=RecordingTransport(Answer(b"data: 1\n\n", headers=SSE))
        )
        async with client:
            with collect_attempts() as first:
                request = client.build_request("POST", URL)
                response = await client.send(request, stream=True)
            with collect_attempts() as second:
                await asyncio.create_task(response.aread())
        return [first, second]

    first, second = asyncio.run(body())

    assert len(first.as_json()) == 1
    assert second.as_json() == []


def test_a_body_that_can_be_read_only_once_is_left_alone():
    answer = Answer(b"{}", headers=JSON)

    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    attempt = record(answer, content=parts())

    assert attempt["request_body"] is None
    assert attempt["request_body_length"] is None
    assert answer.sent == [b"one two"]


@pytest.mark.parametrize("size", [60_000, 150_000, 5_000_000])
def test_a_long_body_keeps_head_and_tail_with_its_true_length(size):
    words = b"lorem ipsum dolor " * (size // 18 + 1)
    content = b'{"first": "' + words[:size] + b'", "last": "end"}'
    answer = Answer(
        *(content[start : start + 7_001] for start in range(0, len(content), 7_001)),
        headers=JSON,
    )

    attempt = record(answer, content=content, headers=JSON)

    for side in ("request", "response"):
        text = attempt[f"{side}_body"]
        assert attempt[f"{side}_body_length"] == len(content)
        assert len(text.encode()) <= BODY_BYTES
        assert text.startswith('{"first"')
        assert re.search(r'"last": ?"end"\s*}$', text)
        assert re.search(r"\[[\d,]+ bytes left out of [\d,]+\]", text)
    assert f"left out of {len(content):,}]" in text or size < 2 * END_BYTES


@pytest.mark.parametrize("offset", range(-40, 41, 8))
def test_no_half_of_a_secret_survives_the_cut_of_a_body(offset):
    filler = b"lorem ipsum " * 30_000
    edge = END_BYTES + offset
    key = b" " + SECRET.encode() + b" "
    content = filler[:edge] + key + filler + key + filler[-edge:]

    attempt = record(Answer(content, headers={"content-type": "text/plain"}))

    assert "aB3dE5fG7hJ9" not in attempt["response_body"]


def test_files_in_bodies_are_not_stored():
    image = "iVBORw0KGgo" * 500
    sent = {
        "openai": f"data:image/png;base64,{image}",
        "anthropic": {"media_type": "image/png", "data": image},
    }

    attempt = record(
        Answer(b"\x89PNG", headers={"content-type": "image/png"}), json=sent
    )

    assert "iVBOR" not in attempt["request_body"]
    assert "[image/png of 5,522 characters]" in attempt["request_body"]
    assert "[base64 of 5,500 characters]" in attempt["request_body"]
    assert attempt["response_body"] == "[4 bytes of image/png]"


def test_an_upload_is_noted_by_its_size():
    attempt = record(
        Answer(b"{}", headers=JSON),
        content=b"file contents",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )

    assert attempt["request_body"] == "[13 bytes of multipart/form-data]"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param(
            "deflate",
            lambda data: zlib.compress(data)[2:-4],
            id="deflate-without-header",
        ),
    ],
)
def test_a_compressed_response_is_recorded_as_text(encoding, compress):
    compressed = compress(b'{"text": "hello"}')
    answer = Answer(compressed, headers=JSON | {"content-encoding": encoding})

    attempt = record(answer)

    assert json.loads(attempt["response_body"]) == {"text": "hello"}
    assert attempt["response_body_length"] == len(compressed)


def test_a_small_body_that_decompresses_to_a_huge_one_is_bounded():
    bomb = gzip.compress(b"word " * 20_000_000)
    answer = Answer(
        bomb, headers={"content-type": "text/plain", "content-encoding": "gzip"}
    )

    attempt = record(answer, read=read_one)

    assert attempt["response_body"].startswith("word word")
    assert len(attempt["response_body"]) < BODY_BYTES + 200


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        pytest.param("br", b"\x0b\x02", "[2 bytes encoded as br]", id="unknown"),
        pytest.param("gzip", b"not gzip", "not gzip", id="a-lie"),
    ],
)
def test_an_encoding_that_cannot_be_undone_is_noted(encoding, content, expected):
    async def read_raw(response: httpx2.Response) -> None:
        async for _ in response.aiter_raw():
            pass

    headers = {"content-type": "text/plain", "content-encoding": encoding}

    attempt = record(Answer(content, headers=headers), read=read_raw)

    assert attempt["response_body"] == expected


def test_attempts_are_numbered_when_they_start():
    async def body() -> AttemptSink:
        first_may_answer = asyncio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/first":
                await first_may_answer.wait()
            else:
                first_may_answer.set()
            return httpx2.Response(200, json={})

        client = httpx2.AsyncClient(
            base_url="https://provider.test",
            transport=RecordingTransport(httpx2.MockTransport(answer)),
        )
        with collect_attempts() as sink:
            async with client, asyncio.TaskGroup() as group:
                group.create_task(client.get("/first"))
                group.create_task(client.get("/second"))
        return sink

    attempts = asyncio.run(body()).as_json()

    assert [(attempt["number"], attempt["path"]) for attempt in attempts] == [
        (1, "/first"),
        (2, "/second"),
    ]


def test_a_sink_takes_attempts_from_many_threads():
    sink = AttemptSink()

    def work() -> None:
        exchange = Exchange(method="GET", url=URL, request_headers=(), sent=None)
        sink.begin(exchange).fail(ValueError("no"))

    threads = [threading.Thread(target=work) for _ in range(ATTEMPTS_KEPT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = [attempt["number"] for attempt in sink.as_json()]
    assert numbers == list(range(1, ATTEMPTS_KEPT + 1))


def test_of_too_many_attempts_the_newest_are_kept():
    sink = AttemptSink()
    exchange = Exchange(method="GET", url=URL, request_headers=(), sent=None)
    for _ in range(ATTEMPTS_KEPT + 5):
        sink.begin(exchange).fail(ValueError("no"))

    numbers = [attempt["number"] for attempt in sink.as_json()]

    assert (numbers[0], numbers[-1]) == (6, ATTEMPTS_KEPT + 5)


def test_reading_and_closing_at_once_does_not_deadlock():
    def body() -> None:
        for _ in range(200):
            sink = AttemptSink(on_change=AttemptSink.as_json)
            attempt = sink.begin(
                Exchange(method="GET", url=URL, request_headers=(), sent=None)
            )
            attempt.respond(200, ())
            closing = threading.Thread(target=attempt.close)
            closing.start()
            attempt.complete()
            closing.join()
            (kept,) = sink.as_json()
            assert kept["number"] == 1

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()


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
        monkeypatch.setattr("chatdebug.transport.body.Body.add", fail)

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


def test_an_error_that_cannot_be_printed_is_recorded_by_its_name():
    class Unprintable(httpx2.TransportError):
        def __str__(self) -> str:
            raise RuntimeError("hostile")

    assert record_failing(Answer(error=Unprintable("")))["error"] == "Unprintable"


def test_the_request_is_recorded_as_it_was_sent_though_changed_later():
    request = httpx2.Request("POST", URL, headers=JSON, content=b"{}")
    answer = Answer(b"{}", headers=JSON)

    async def body() -> AttemptSink:
        with collect_attempts() as sink:
            response = await RecordingTransport(answer).handle_async_request(request)
            request.headers["content-type"] = "text/plain"
            await response.aread()
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["request_headers"]["content-type"] == "application/json"


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


@asynccontextmanager
async def loopback_provider(*replies: bytes) -> AsyncIterator[str]:
    """Serve the replies, one connection each, from a socket of this machine."""
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(left.pop(0))
        await writer.drain()
        await reader.read()  # until the client closes
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def http_reply(body: bytes, content_type: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body


COMPLETION = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "demo",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Good day"},
            }
        ],
    }
).encode()


def documented_example() -> Callable[[str], Any]:
    """The function defined by the example in the module's documentation."""
    block = inspect.cleandoc(transport_module.__doc__ or "").split("::\n", 1)[1]
    lines = [line for line in block.splitlines() if not line or line[:1] == " "]
    namespace: dict[str, Any] = {}
    exec(textwrap.dedent("\n".join(lines)), namespace)
    ask: Callable[[str], Any] = namespace["ask"]
    return ask


def test_the_documented_example_works():
    async def body() -> tuple[str, list[dict[str, Any]]]:
        async with loopback_provider(http_reply(COMPLETION)) as base_url:
            result: tuple[str, list[dict[str, Any]]] = await documented_example()(
                base_url
            )
            return result

    answer, (attempt,) = asyncio.run(body())

    assert answer == "Good day"
    assert attempt["status"] == "completed"
    assert attempt["path"] == "/v1/chat/completions"
    assert "Good day" in attempt["response_body"]


def test_each_retry_inside_the_anthropic_sdk_is_an_attempt():
    from anthropic import AsyncAnthropic

    message = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "demo",
        "content": [{"type": "text", "text": "Good day"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    refused = (
        b"HTTP/1.1 529 Overloaded\r\nretry-after-ms: 1\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )
    accepted = http_reply(json.dumps(message).encode())

    async def body() -> AttemptSink:
        async with loopback_provider(refused, accepted) as base_url:
            http_client = httpx2.AsyncClient(transport=RecordingTransport())
            client = AsyncAnthropic(
                base_url=base_url.removesuffix("/v1"),
                api_key=SECRET,
                http_client=http_client,
                max_retries=1,
            )
            async with client:
                with collect_attempts() as sink:
                    await client.messages.create(
                        model="demo",
                        max_tokens=10,
                        messages=[{"role": "user", "content": "Hello"}],
                    )
            return sink

    attempts = asyncio.run(body()).as_json()

    assert [
        (attempt["number"], attempt["response_status"], attempt["status"])
        for attempt in attempts
    ] == [(1, 529, "http_error"), (2, 200, "completed")]
    assert SECRET not in json.dumps(attempts)


CHUNK = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "demo",
        "choices": [{"index": 0, "delta": {"content": "Good"}}],
    }
)
STREAMED = f"data: {CHUNK}\n\ndata: [DONE]\n\n"
CHUNKED_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    "transfer-encoding: chunked\r\n\r\n"
)
CHUNKED = f"{CHUNKED_HEAD}{len(STREAMED):x}\r\n{STREAMED}\r\n".encode()


def test_a_stream_of_the_openai_sdk_is_a_completed_attempt():
    from openai import AsyncOpenAI

    async def body() -> AttemptSink:
        async with loopback_provider(CHUNKED + b"0\r\n\r\n") as base_url:
            http_client = httpx2.AsyncClient(transport=RecordingTransport())
            client = AsyncOpenAI(
                base_url=base_url, api_key="unused", http_client=http_client
            )
            async with client:
                with collect_attempts() as sink:
                    stream = await client.chat.completions.create(
                        model="demo",
                        stream=True,
                        messages=[{"role": "user", "content": "Hello"}],
                    )
                    async for _ in stream:
                        pass
            return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert (attempt["status"], attempt["error"]) == ("completed", "")
    assert attempt["response_body"].endswith("data: [DONE]\n\n")


def test_the_synchronous_openai_sdk_may_stop_reading_after_the_last_event():
    from openai import OpenAI

    def ask(base_url: str) -> None:
        http_client = httpx2.Client(transport=SyncRecordingTransport())
        with OpenAI(
            base_url=base_url, api_key="unused", http_client=http_client
        ) as client:
            stream = client.chat.completions.create(
                model="demo",
                stream=True,
                messages=[{"role": "user", "content": "Hello"}],
            )
            assert [chunk.model for chunk in stream] == ["demo"]

    async def body() -> AttemptSink:
        async with loopback_provider(CHUNKED) as base_url:  # its end never comes
            with collect_attempts() as sink:
                await asyncio.to_thread(ask, base_url)
            return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert (attempt["status"], attempt["error"]) == ("completed", "")
