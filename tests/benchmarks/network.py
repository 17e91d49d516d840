"""A provider in memory, under the HTTP client: all of the client but its connections."""

from collections.abc import AsyncIterator

import httpcore2
import httpx2

PART = b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'
HEAD = [
    (b"content-type", b"text/event-stream"),
    (b"server", b"bench"),
    (b"x-request-id", b"req_0123456789"),
]
PHASES = ("send_request_headers", "send_request_body", "receive_response_headers")
"""Of which httpcore tells whoever wants to know, on a connection that is open already."""


class Parts:
    """A response's body."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in range(self._count):
            # A new object for each, as from a socket: who holds it makes it cost more.
            yield b"%s%d" % (PART, number)


class Pool(httpcore2.AsyncConnectionPool):
    """Answers at once, in so many pieces."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self._parts = parts

    async def handle_async_request(
        self, request: httpcore2.Request
    ) -> httpcore2.Response:
        """Return a response that is read later."""
        for phase in PHASES:
            trace = request.extensions.get("trace")
            for moment in ("started", "complete"):
                if trace is not None:
                    await trace(f"http11.{phase}.{moment}", {})
        return httpcore2.Response(200, headers=HEAD, content=Parts(self._parts))


def transport(parts: int) -> httpx2.AsyncHTTPTransport:
    """Return httpx2's own transport over such a pool."""
    found = httpx2.AsyncHTTPTransport()
    found._pool = Pool(parts)
    return found
