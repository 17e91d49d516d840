"""``RecordingTransport``: an HTTP transport that notes what passes through it.

It needs no pydantic-ai. On a plain client of openai, anthropic or httpx2::

    import httpx2
    from openai import AsyncOpenAI

    from chatdebug.transport import RecordingTransport, collect_attempts

    async def ask(base_url):
        http_client = httpx2.AsyncClient(
            transport=RecordingTransport(httpx2.AsyncHTTPTransport())
        )
        async with AsyncOpenAI(
            base_url=base_url, api_key="unused", http_client=http_client
        ) as client:
            with collect_attempts() as sink:
                answer = await client.chat.completions.create(
                    model="demo", messages=[{"role": "user", "content": "Hello"}]
                )
        return answer.choices[0].message.content, sink.as_json()

Inside ``record_run`` at the full level a step collects by itself. Without anyone who
collects, requests pass untouched.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import Self

import httpx2

from chatdebug.transport.attempts import Attempt, listening_sink
from chatdebug.transport.body import Body
from chatdebug.transport.exchange import Exchange

logger = logging.getLogger("chatdebug.recorder")


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Passes requests on to another transport and records them as attempts.

    The sink is looked up when a request starts, because SDKs read the response later and
    in other tasks. Bytes are never altered, and recording never raises.

    A client that is given a transport ignores ``limits``, ``verify`` and proxies: say
    them to the wrapped transport. Without one, httpx2's default transport is wrapped.
    """

    def __init__(self, wrapped: httpx2.AsyncBaseTransport | None = None) -> None:
        self.wrapped = wrapped or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; what the wrapped transport returns or raises is passed on."""
        attempt = _begin(request)
        if attempt is None:
            return await self.wrapped.handle_async_request(request)
        try:
            response = await self.wrapped.handle_async_request(request)
        except BaseException as error:
            attempt.fail(error)
            raise
        stream = response.stream
        if _take_head(attempt, response) and isinstance(stream, httpx2.AsyncByteStream):
            response.stream = _AsyncTee(stream, attempt)
        return response

    async def __aenter__(self) -> Self:
        await self.wrapped.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.wrapped.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self.wrapped.aclose()


class SyncRecordingTransport(httpx2.BaseTransport):
    """The same for synchronous clients."""

    def __init__(self, wrapped: httpx2.BaseTransport | None = None) -> None:
        self.wrapped = wrapped or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; what the wrapped transport returns or raises is passed on."""
        attempt = _begin(request)
        if attempt is None:
            return self.wrapped.handle_request(request)
        try:
            response = self.wrapped.handle_request(request)
        except BaseException as error:
            attempt.fail(error)
            raise
        stream = response.stream
        if _take_head(attempt, response) and isinstance(stream, httpx2.SyncByteStream):
            response.stream = _SyncTee(stream, attempt)
        return response

    def __enter__(self) -> Self:
        self.wrapped.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.wrapped.__exit__(exc_type, exc_value, traceback)

    def close(self) -> None:
        """Close the wrapped transport."""
        self.wrapped.close()


class _AsyncTee(httpx2.AsyncByteStream):
    """A response's stream that notes what the client reads, when it reads it."""

    __slots__ = ("_attempt", "_stream")

    def __init__(self, stream: httpx2.AsyncByteStream, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt

    async def __aiter__(self) -> AsyncIterator[bytes]:
        receive = self._attempt.receive
        stream = self._stream.__aiter__()
        try:
            async for chunk in stream:
                receive(chunk)
                yield chunk
        except GeneratorExit:
            raise  # the reader stopped; closing tells whether that was too early
        except BaseException as error:
            self._attempt.fail(error)
            raise
        else:
            # Not only when it is closed: some SDKs read to the end and never do.
            self._attempt.complete()
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except BaseException as error:
            self._attempt.fail(error)
            raise
        self._attempt.close()


class _SyncTee(httpx2.SyncByteStream):
    """The same for a synchronous client."""

    __slots__ = ("_attempt", "_stream")

    def __init__(self, stream: httpx2.SyncByteStream, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        receive = self._attempt.receive
        stream = iter(self._stream)
        try:
            for chunk in stream:
                receive(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._attempt.fail(error)
            raise
        else:
            self._attempt.complete()
        finally:
            if isinstance(stream, Generator):
                stream.close()

    def close(self) -> None:
        try:
            self._stream.close()
        except BaseException as error:
            self._attempt.fail(error)
            raise
        self._attempt.close()


def _begin(request: httpx2.Request) -> Attempt | None:
    """Return a new attempt, or None if nobody collects or it cannot be recorded."""
    sink = listening_sink()
    if sink is None:
        return None
    try:
        try:
            sent = Body(request.content)
        except httpx2.RequestNotRead:
            sent = None  # a stream, which can be read only once
        return sink.begin(
            Exchange(
                method=request.method,
                url=str(request.url),
                # A copy: an authentication may change them before it tries again.
                request_headers=list(request.headers.raw),
                sent=sent,
            )
        )
    except Exception:
        logger.exception("The recorder could not begin an attempt")
        return None


def _take_head(attempt: Attempt, response: httpx2.Response) -> bool:
    """Note a response's head; return whether its body is still to come.

    A transport that made the response itself, such as a mock or a cache, has read it
    already: nobody will iterate over its stream.
    """
    try:
        attempt.respond(response.status_code, response.headers.raw)
        if response.is_stream_consumed:
            attempt.receive(response.content)
            attempt.complete()
    except Exception:
        logger.exception("The recorder could not note a response")
        return False
    return not response.is_stream_consumed
