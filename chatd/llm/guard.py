"""Looks where a name leads before anything is sent there."""

import asyncio
import socket

import httpx2

from chatd.llm.addresses import AddressRefused, refused_among
from chatdebug.recorder import RecordingTransport

REMEMBERED_SECONDS = 60.0
"""As long as resolvers keep a short-lived name; a call a second asks once a minute."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests on, but for names that lead to a private or special address.

    What a base URL itself says is checked where it is entered and where a turn begins. The
    name is resolved once more when the connection is made, so one that changes in between
    is not caught; that would take a resolver of our own below TLS. A name that cannot be
    resolved here is sent on: a proxy may know it.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport
        self._good_until: dict[str, float] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises AddressRefused where it must not go."""
        host = request.url.host
        loop = asyncio.get_running_loop()
        if self._good_until.get(host, 0.0) < loop.time():
            try:
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                found = []
            if bad := refused_among(host, {str(entry[4][0]) for entry in found}):
                raise AddressRefused(
                    f"{host} leads to {bad}, a private or special address. MODEL_HOSTS "
                    "allows it."
                )
            self._good_until[host] = loop.time() + REMEMBERED_SECONDS
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def recorded_and_guarded(
    transport: httpx2.AsyncBaseTransport,
) -> httpx2.AsyncBaseTransport:
    """Return a transport that records what it sends, and sends nothing to where it must not."""
    return RecordingTransport(GuardedTransport(transport))
