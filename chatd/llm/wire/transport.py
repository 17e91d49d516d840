"""The transport below the SDKs: follows redirects, bounds bodies, mends streams."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx2

from chatd.llm.wire.protocol import WireProtocol
from chatd.llm.wire.stream import AnswerStream
from chatd.llm.wire.watch import Watch, current_watch

MAX_REDIRECTS = 5
MAX_BODY_BYTES = 256 * 1024
"""Of a response that is no stream, such as an error; classification reads less."""
ASKS_FOR_STREAM = re.compile(rb'"stream"\s*:\s*true')
"""In a request's JSON. What a user writes has its quotes escaped."""
KEPT_METHOD = (307, 308)
"""Redirects that are to be followed with the same method and body."""


class AnswerTransport(httpx2.AsyncBaseTransport):
    """Sends a model call and returns a response that its SDK can rely on.

    The watch of the call is looked up when its request starts.
    """

    def __init__(
        self, wrapped: httpx2.AsyncBaseTransport, protocol: WireProtocol
    ) -> None:
        self.wrapped = wrapped
        self._protocol = protocol

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and what it is redirected to."""
        watch = current_watch()
        # Compression would hide from the bounds how much there is, and saves nothing.
        request.headers["accept-encoding"] = "identity"
        try:
            response = await self._send(request)
        except asyncio.CancelledError:
            reason = watch.why_cancelled()
            if reason is not None:
                raise reason from None
            raise
        source = response.stream
        if response.is_stream_consumed or not isinstance(
            source, httpx2.AsyncByteStream
        ):
            return response
        if response.is_success and _asks_for_stream(request):
            response.stream = AnswerStream(
                response, source, protocol=self._protocol, watch=watch
            )
            for name in ("content-encoding", "content-length"):
                response.headers.pop(name, None)
        else:
            response.stream = _BoundedStream(source, watch)
        return response

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self.wrapped.aclose()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        for _ in range(MAX_REDIRECTS):
            response = await self.wrapped.handle_async_request(request)
            target = _target_of(request, response)
            if target is None:
                return response
            await response.aclose()
            request = httpx2.Request(
                request.method,
                target,
                headers=request.headers,
                content=request.content,
                extensions=request.extensions,
            )
        return await self.wrapped.handle_async_request(request)


class _BoundedStream(httpx2.AsyncByteStream):
    """The start of a body. What an error's body holds beyond it nobody reads."""

    def __init__(self, source: httpx2.AsyncByteStream, watch: Watch) -> None:
        self._source = source
        self._watch = watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_BODY_BYTES
        try:
            async for chunk in self._source:
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return
        except asyncio.CancelledError:
            reason = self._watch.why_cancelled()
            if reason is not None:
                raise reason from None
            raise

    async def aclose(self) -> None:
        await self._source.aclose()


def _asks_for_stream(request: httpx2.Request) -> bool:
    try:
        return bool(ASKS_FOR_STREAM.search(request.content))
    except httpx2.RequestNotRead:
        return False


def _target_of(request: httpx2.Request, response: httpx2.Response) -> httpx2.URL | None:
    """Return where a request is to be sent again, or None.

    Only within its own host, and not from https to http: the key goes with the request.
    Other redirects ask for a page to be shown, which is no answer of a model.
    """
    place = response.headers.get("location")
    if response.status_code not in KEPT_METHOD or not place:
        return None
    try:
        target = request.url.join(place)
    except httpx2.InvalidURL:
        return None
    came = request.url
    is_same = (target.scheme, target.host, target.port) == (
        came.scheme,
        came.host,
        came.port,
    )
    is_upgrade = (
        came.scheme == "http"
        and target.scheme == "https"
        and target.host == came.host
        and came.port is None
        and target.port is None
    )
    return target if is_same or is_upgrade else None
