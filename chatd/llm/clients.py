"""The HTTP client that all model calls of an event loop share."""

import asyncio
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies, proxy_bypass

import httpx2

from chatd.llm.addresses import is_loopback, literal_address
from chatd.llm.wire.protocol import WireProtocol
from chatd.llm.wire.transport import AnswerTransport

# Between two reads, not for the whole answer; the same as in the SDKs' own clients.
READ_SECONDS = 600.0
WRITE_SECONDS = 60.0
CONNECT_SECONDS = 5.0
# Waiting for a free connection is waiting for other turns: longer than a connect.
POOL_SECONDS = 30.0
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)

type Wrap = Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport]
type _Key = tuple[asyncio.AbstractEventLoop, type[WireProtocol], Wrap | None]

_clients: dict[_Key, httpx2.AsyncClient] = {}


def shared_http_client(
    *, wire: type[WireProtocol], wrap: Wrap | None = None
) -> httpx2.AsyncClient:
    """Return the running loop's client.

    ``wire`` reads the streams that answer its requests. ``wrap`` is called once with the
    transport and returns what to use in its place, for example ``RecordingTransport``.
    The client is one per loop (and choice of arguments), because connections belong to
    the loop that opened them, and shared, because they are reused. Never close it
    yourself: whoever owns the loop awaits
    ``close_http_clients`` before it ends. Raises RuntimeError outside a loop.
    """
    for key in [key for key in _clients if key[0].is_closed()]:
        del _clients[key]
    key = (asyncio.get_running_loop(), wire, wrap)
    if key not in _clients:
        transport = ProxyingTransport()
        _clients[key] = httpx2.AsyncClient(
            timeout=httpx2.Timeout(
                connect=CONNECT_SECONDS,
                read=READ_SECONDS,
                write=WRITE_SECONDS,
                pool=POOL_SECONDS,
            ),
            transport=AnswerTransport(wrap(transport) if wrap else transport, wire()),
            cookies=no_cookies(),
        )
    return _clients[key]


def no_cookies() -> CookieJar:
    """Return a jar that takes nothing.

    The client is everybody's: a provider's cookie would go from one user's turn to the
    next one's.
    """
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


async def close_http_clients() -> None:
    """Close the running loop's clients with all their connections."""
    loop = asyncio.get_running_loop()
    for key in [key for key in _clients if key[0] is loop]:
        await _clients.pop(key).aclose()


class ProxyingTransport(httpx2.AsyncBaseTransport):
    """Sends requests directly, or through the proxy that the environment names.

    httpx2 reads HTTPS_PROXY, ALL_PROXY, NO_PROXY and the like only for a client whose
    transport it makes itself, and ours may be wrapped. Loopback is never proxied: no proxy
    could reach the demo provider or a model on this machine.
    """

    def __init__(self) -> None:
        proxies = getproxies()
        self._direct = httpx2.AsyncHTTPTransport(limits=LIMITS)
        self._proxied = {
            scheme: httpx2.AsyncHTTPTransport(limits=LIMITS, proxy=url)
            for scheme in ("http", "https")
            if (url := proxies.get(scheme) or proxies.get("all"))
        }

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request on its way."""
        transport = self._proxied.get(request.url.scheme, self._direct)
        if transport is not self._direct:
            host = request.url.host
            if is_loopback(host, literal_address(host)) or proxy_bypass(host):
                transport = self._direct
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections, direct and proxied."""
        for transport in (self._direct, *self._proxied.values()):
            await transport.aclose()
