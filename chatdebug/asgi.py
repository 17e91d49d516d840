"""``with_recorder``: ties the recorder to the life of an ASGI server.

Imports the recorder with the server's start: ``asgi.py`` imports this before Django's
settings are known.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Message, Receive, Send], Awaitable[None]]


def with_recorder(application: Application) -> Application:
    """Return the application with the recorder started before it, and flushed after it.

    For any ASGI application: one that has a lifespan of its own keeps it, and one that
    knows none, such as Django's, gets one. It imports what an earlier process has left in
    the spool at start, and loses nothing at a SIGTERM::

        # asgi.py
        import chatdebug
        from django.core.asgi import get_asgi_application

        application = chatdebug.with_recorder(get_asgi_application())

    What the application's own lifespan raises is raised.
    """

    async def recorded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _Lifespan(application, receive, send).live(scope)
        else:
            await application(scope, receive, send)

    return recorded


class _Lifespan:
    """One lifespan: the application's, or ours in its place."""

    def __init__(self, application: Application, receive: Receive, send: Send) -> None:
        self._application = application
        self._receive = receive
        self._send = send
        self._recorder = AsyncExitStack()
        self._has_received = self._has_answered = False

    async def live(self, scope: Message) -> None:
        from chatdebug.recorder import recorder_lifespan  # noqa: PLC0415

        async with self._recorder:
            await self._recorder.enter_async_context(recorder_lifespan())
            try:
                await self._application(scope, self._hear, self._say)
            except Exception:
                # The protocol's way to say that it knows none, as Django does.
                if self._has_answered:
                    raise
            if not self._has_answered:
                await self._live_without_it()

    async def _hear(self) -> Message:
        self._has_received = True
        return await self._receive()

    async def _say(self, message: Message) -> None:
        self._has_answered = True
        if message["type"].startswith("lifespan.shutdown."):
            # The process may end as soon as this is said.
            await self._recorder.aclose()
        await self._send(message)

    async def _live_without_it(self) -> None:
        if not self._has_received:
            await self._receive()  # lifespan.startup
        await self._send({"type": "lifespan.startup.complete"})
        await self._receive()  # lifespan.shutdown
        await self._recorder.aclose()
        await self._send({"type": "lifespan.shutdown.complete"})
