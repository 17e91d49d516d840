"""Open streams: a viewer costs a few objects, no thread and no database connection.

Django keeps a thread for as long as it answers a request. A stream lasts for minutes, so
its view only hands over what is to be followed, and this module, around Django's own ASGI
application, sends it after Django is done with the request.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections
from django.http import HttpRequest

from chatd.daemons import DaemonThreads
from chatd.turns.bus import EventName, get_bus

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""Proxies close a connection on which nothing is said for longer. As often it is asked
whether the viewer is still signed in."""
ANSWER_SECONDS = 1.0
"""So long a stream waits for that answer. Where the database is away each question takes as
long as a connection is waited for, and they come one after the other: what has happened is
told meanwhile, and that somebody is still here."""
LIFE_SECONDS = 300.0
"""Then the browser connects anew, and gets what it missed meanwhile."""
RETRY_MILLISECONDS = 1_000
RETRY_AFTER_SECONDS = 5
COMMENT = b": still here\n\n"
HANDOVER = "chatd.stream"

type Message = dict[str, Any]
type Application = Callable[..., Any]

_open_streams: Counter[int] = Counter()
# One thread: a thousand viewers' questions come one after the other, and delay no turn.
_asking = DaemonThreads(1, name="chatd-viewers")


@dataclass(frozen=True, slots=True)
class Stream:
    """A turn to be followed. ``may_go_on`` asks the database, in a thread."""

    turn_id: UUID
    owner_id: int
    after: str
    may_go_on: Callable[[], bool]


def hand_over(request: HttpRequest, stream: Stream) -> None:
    """Let this stream follow the head of the response to this request.

    Raises RuntimeError where ``with_streams`` is not around the application, under WSGI
    for example.
    """
    scope: Message = getattr(request, "scope", {})
    if HANDOVER not in scope:
        raise RuntimeError("Streams need the ASGI application chatd.asgi:application.")
    scope[HANDOVER] = stream


def with_streams(application: Application) -> Application:
    """Return an ASGI application that sends what Django's views hand over."""

    async def wrapped(scope: Message, receive: Application, send: Application) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        scope = {**scope, HANDOVER: None}
        head: Message | None = None

        async def send_or_keep(message: Message) -> None:
            nonlocal head
            if scope[HANDOVER] is None:
                await send(message)
            elif message["type"] == "http.response.start":
                head = message

        await application(scope, receive, send_or_keep)
        if head is not None:
            await _stream(scope[HANDOVER], head, receive, send)

    return wrapped


async def _stream(
    stream: Stream, head: Message, receive: Application, send: Application
) -> None:
    """Send a stream, unless the person has too many open, until it or the viewer ends."""
    if _open_streams[stream.owner_id] >= settings.MAX_STREAMS_PER_PERSON:
        retry = (b"retry-after", str(RETRY_AFTER_SECONDS).encode())
        await send(_headed(head, 429, retry))
        await send({"type": "http.response.body", "body": b"Too many open streams."})
        return
    _open_streams[stream.owner_id] += 1
    try:
        await send(_headed(head, 200))
        following = asyncio.ensure_future(_follow(stream, send))
        leaving = asyncio.ensure_future(_leave(receive))
        try:
            await asyncio.wait(
                {following, leaving}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            following.cancel()
            leaving.cancel()
            await asyncio.wait({following, leaving})
        if not following.cancelled():
            following.result()
    finally:
        _open_streams[stream.owner_id] -= 1
        if not _open_streams[stream.owner_id]:
            del _open_streams[stream.owner_id]


async def _follow(stream: Stream, send: Application) -> None:
    """Send a turn's events as they come, and a comment when none does."""
    await _send_body(send, f"retry: {RETRY_MILLISECONDS}\n\n".encode())
    loop = asyncio.get_running_loop()
    now = loop.time()
    end, next_beat = now + LIFE_SECONDS, now + HEARTBEAT_SECONDS
    after = stream.after
    asking: asyncio.Task[bool] | None = None
    try:
        while now < end:
            if now >= next_beat:
                asking = asking or asyncio.create_task(_may_go_on(stream))
                await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
                if asking.done():
                    if not asking.result():
                        break
                    asking = None
                next_beat = loop.time() + HEARTBEAT_SECONDS
            wait = max(0, min(end, next_beat) - loop.time())
            events = await get_bus().read(stream.turn_id, after=after, wait=wait)
            await _send_body(send, b"".join(event.wire for event in events) or COMMENT)
            if events:
                after = events[-1].id
                if events[-1].name is EventName.END:
                    break
            now = loop.time()
    finally:
        if asking:
            asking.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _leave(receive: Application) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _may_go_on(stream: Stream) -> bool:
    """Ask; a database that does not answer at the moment ends no stream."""

    def ask() -> bool:
        try:
            return stream.may_go_on()
        except Error:
            logger.warning("It could not be asked whether a stream may go on")
            return True
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_asking, ask)


def _headed(head: Message, status: int, *more: tuple[bytes, bytes]) -> Message:
    """Return Django's head of the response, for a body whose length is not known yet."""
    kept = [pair for pair in head["headers"] if pair[0].lower() != b"content-length"]
    return {**head, "status": status, "headers": [*kept, *more]}


async def _send_body(send: Application, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
