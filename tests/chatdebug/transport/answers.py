"""Answers of a provider, and requests that are recorded with them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from chatdebug.transport import AttemptSink, RecordingTransport, collect_attempts

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


class NeverEnding(httpx2.AsyncByteStream):
    """Yields once and then waits until it is cancelled."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        self.waiting.set()
        await asyncio.Event().wait()


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
