"""The stream of a turn to a viewer, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from html import escape
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import Http404, HttpRequest, StreamingHttpResponse

from chatd.models import Turn
from chatd.turns.bus import Event, EventName, get_bus

HEARTBEAT_SECONDS = 15.0
"""Proxies close a connection on which nothing is said for longer."""
LIFE_SECONDS = 300.0
"""Then the browser connects anew, and gets what it missed meanwhile."""
RETRY_MILLISECONDS = 1_000
END = Event("", EventName.END)


async def turn_stream(
    request: HttpRequest, chat_id: UUID, turn_id: UUID
) -> StreamingHttpResponse:
    """Stream a turn to its owner, from where the viewer left off.

    No database connection is held while the stream is open. A viewer that leaves changes
    nothing.
    """
    user = await request.auser()
    own = Turn.objects.filter(pk=turn_id, chat_id=chat_id, chat__owner_id=user.pk)
    turn = await own.afirst() if user.is_authenticated else None
    await sync_to_async(close_old_connections)()
    if turn is None:
        raise Http404
    after = request.headers.get("Last-Event-ID", "")
    events = _follow(turn.pk, after) if turn.is_active else _ended()
    return StreamingHttpResponse(
        events,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _ended() -> AsyncGenerator[bytes, None]:
    yield encode(END)


async def _follow(turn_id: UUID, after: str) -> AsyncGenerator[bytes, None]:
    """Yield a turn's events as they come, and a comment when none does."""
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LIFE_SECONDS
    subscription = get_bus().subscribe(turn_id, after=after)
    pending: asyncio.Task[Event] | None = None
    try:
        while (left := deadline - loop.time()) > 0:
            pending = pending or asyncio.ensure_future(anext(subscription))
            done, _ = await asyncio.wait(
                {pending}, timeout=min(left, HEARTBEAT_SECONDS)
            )
            if not done:
                yield b": still here\n\n"
                continue
            try:
                event = pending.result()
            except StopAsyncIteration:
                return
            pending = None
            yield encode(event)
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
        await subscription.aclose()


def encode(event: Event) -> bytes:
    """Return an event as it travels; its text is escaped for the page it is put into."""
    lines = [f"event: {event.name}"]
    if event.id:
        lines.insert(0, f"id: {event.id}")
    data = escape(event.data).replace("\r\n", "\n").replace("\r", "\n")
    lines += [f"data: {line}" for line in data.split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")
