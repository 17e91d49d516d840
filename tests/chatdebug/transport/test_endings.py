"""How a round trip ended, and who ended it."""

import asyncio
import gzip

import httpx2
import pytest

from chatdebug.transport.attempts import AttemptSink, collect_attempts
from chatdebug.transport.body import DECODED_BYTES, END_BYTES
from chatdebug.transport.transport import RecordingTransport
from tests.chatdebug.transport.answers import (
    JSON,
    NDJSON,
    SECRET,
    SSE,
    URL,
    Answer,
    NeverEnding,
    read_all,
    read_nothing,
    read_one,
    record,
    record_failing,
)


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
        pytest.param(
            Answer(
                b'data: {"choices": [], "type": ["object", "null"]}\n\n', headers=SSE
            ),
            read_all,
            "POST",
            "cut_short",
            id="sse-end-with-a-type-that-is-a-list",
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


LONG_STREAM = (
    b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n' * 40_000
    + b"data: [DONE]\n\n"
)
LONG_DOCUMENT = b'{"data": [' + b"0, " * 500_000 + b"0]}"


@pytest.mark.parametrize(
    ("content", "headers", "read"),
    [
        pytest.param(LONG_STREAM, SSE, read_all, id="stream-read"),
        pytest.param(LONG_STREAM, SSE, read_one, id="stream-closed-after-its-end"),
        pytest.param(LONG_DOCUMENT, JSON, read_one, id="document"),
    ],
)
def test_a_response_too_long_to_be_decompressed_is_not_taken_for_one_cut_short(
    content, headers, read
):
    compressed = gzip.compress(content)
    assert len(content) > DECODED_BYTES
    assert len(compressed) < END_BYTES

    attempt = record(
        Answer(compressed, b"", headers=headers | {"content-encoding": "gzip"}),
        read=read,
    )

    assert (attempt["status"], attempt["error"]) == ("completed", "")
    assert f"[of {len(compressed):,} bytes encoded as gzip]" in attempt["response_body"]


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
