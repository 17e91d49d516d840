"""``RecordingTransport``: an HTTP transport that notes what passes through it.

It needs no pydantic-ai. On a plain client of openai, anthropic or httpx2::

    import httpx2
    from openai import AsyncOpenAI

    from chatdebug.transport.attempts import collect_attempts
    from chatdebug.transport.transport import RecordingTransport

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

from types import TracebackType
from typing import Self

import httpx2

from chatdebug.transport.roundtrips import send, send_async


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Passes requests on to another transport and records them as attempts.

    The sink is looked up when a request starts, because SDKs read the response later and
    in other tasks. Bytes are never altered, and recording never raises.

    A client that is given a transport ignores ``limits``, ``verify`` and proxies: say
    them to the wrapped transport, or hand the client to ``chatdebug.record_http``. Without
    a wrapped transport, httpx2's default one is.
    """

    records_attempts = True

    def __init__(self, wrapped: httpx2.AsyncBaseTransport | None = None) -> None:
        self.wrapped = wrapped or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; what the wrapped transport returns or raises is passed on.

        Raises TypeError for a request of httpx where the wrapped transport is httpx2's.
        """
        _refuse_strangers(request, self.wrapped)
        response: httpx2.Response = await send_async(
            self.wrapped.handle_async_request, request
        )
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

    records_attempts = True

    def __init__(self, wrapped: httpx2.BaseTransport | None = None) -> None:
        self.wrapped = wrapped or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; what the wrapped transport returns or raises is passed on.

        Raises TypeError for a request of httpx where the wrapped transport is httpx2's.
        """
        _refuse_strangers(request, self.wrapped)
        response: httpx2.Response = send(self.wrapped.handle_request, request)
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


def _refuse_strangers(request: object, wrapped: object) -> None:
    """Say what to do with a client of httpx, whose own refusal has no words."""
    if not isinstance(request, httpx2.Request) and isinstance(
        wrapped, httpx2.BaseTransport | httpx2.AsyncBaseTransport
    ):
        raise TypeError(
            "This transport is for clients of httpx2. For one of httpx there is "
            "chatdebug.record_http(client)."
        )
