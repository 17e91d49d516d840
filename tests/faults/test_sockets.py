"""Connections that break at the moment of the error, over real sockets.

A server of its own, clients that reset their connection instead of closing it. Once for
the chat, whose turns no request owns, and once for a project that streams inside the
request, where the break cancels the recording itself.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from chatd.asgi import web_application
from chatd.turns.bus import get_bus
from chatdebug.models import ChatRun
from chatdebug.recorder import record_run, recorder_lifespan
from chatdebug.writer import close_writer
from tests.chatd.turns.site import new_chat, run_on_site, send
from tests.chatd.views.test_streams import session_of
from tests.chatdebug.recorder.demo import demo_model, stream
from tests.faults.matrix import matrix
from tests.serving import serving

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero: close() sends RST
WAIT = 10  # seconds


async def request_until(
    port: int, address: str, mark: bytes, cookie: str = ""
) -> bytes:
    """GET an address, read until a mark comes, and reset the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n"
    writer.write(head.encode())
    try:
        async with asyncio.timeout(WAIT):
            return await reader.readuntil(mark)
    finally:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()


def captures(run_status: str) -> int:
    close_writer(timeout=WAIT)
    return ChatRun.objects.filter(status=run_status, steps__status="error").count()


@pytest.mark.parametrize("mark", [b"text/event-stream", b"event: end"])
def test_a_viewer_whose_connection_breaks_changes_nothing(mark: bytes) -> None:
    chat = new_chat("fault-400")
    cookie = f"sessionid={session_of(chat.owner)}"

    async def body() -> None:
        async with serving(web_application) as port:
            turn = await send(chat)
            address = f"/chats/{chat.pk}/turns/{turn.pk}/stream/"
            await request_until(port, address, mark, cookie)
            async for _ in get_bus().subscribe(turn.pk):
                pass

    run_on_site(body)
    assert chat.turns.get().status == "error"
    assert captures("error") == 1
    matrix.add(
        f"viewer's socket reset at {mark.decode()!r}",
        user="error (generic)",
        stored="1 run (error), 1 failed calls",
    )


async def in_request(request: HttpRequest, model: str) -> StreamingHttpResponse:
    """Answer inside the request, as another project might."""

    async def events() -> AsyncGenerator[bytes, None]:
        async with demo_model(model) as recorded, record_run(chat_id="third") as run:
            yield b"begin\n"
            try:
                await stream(recorded)
            except Exception:
                yield b"it failed\n"
                await asyncio.sleep(WAIT)  # the client leaves now
                raise
            run.complete()
            yield b"it went well\n"

    return StreamingHttpResponse(events(), content_type="text/plain")


urlpatterns = [path("answer/<str:model>/", in_request)]


@pytest.mark.parametrize(
    ("model", "mark", "stored"),
    [
        ("fault-400", b"it failed", 1),
        ("fault-hang", b"begin", 0),
        ("demo", b"it went well", 0),
    ],
)
def test_a_request_that_breaks_at_the_error_keeps_the_capture(
    settings: LazySettings, model: str, mark: bytes, stored: int
) -> None:
    settings.ROOT_URLCONF = __name__

    async def body() -> None:
        async with recorder_lifespan(), serving(web_application) as port:
            await request_until(port, f"/answer/{model}/", mark)

    asyncio.run(body())
    # What ended the run was its client; what it holds is the failed call.
    assert captures("interrupted") == stored
    assert ChatRun.objects.count() == stored
    matrix.add(
        f"third project's request reset after {mark.decode()!r} of {model}",
        user="a broken connection",
        stored="1 run (interrupted), 1 failed calls" if stored else "nothing",
    )
