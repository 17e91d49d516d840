"""The stream of a turn, through Django's ASGI handler, to a viewer that may leave."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import LazySettings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from chatd import viewers
from chatd.asgi import web_application
from chatd.enums import TurnStatus
from chatd.models import Chat, Turn
from chatd.turns.bus import Event, EventName, get_bus
from chatd.turns.threads import in_thread
from chatd.views import streams
from tests.factories import ChatFactory, TurnFactory, UserFactory
from tests.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)


def session_of(user: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key
    return session.session_key


class Viewer:
    """Somebody who looks at a turn's stream."""

    def __init__(self, turn: Turn, session: str, after: str = "") -> None:
        headers = [
            (b"host", b"localhost"),
            (b"cookie", f"sessionid={session}".encode()),
        ]
        if after:
            headers.append((b"last-event-id", after.encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/chats/{turn.chat_id}/turns/{turn.pk}/stream/",
            "query_string": b"",
            "headers": headers,
        }
        self._wire = ApplicationCommunicator(web_application, scope)
        self.status = 0
        self.is_over = False
        self.headers: dict[str, str] = {}

    async def attach(self) -> None:
        """Ask for the stream, and wait for its head."""
        await self._wire.send_input({"type": "http.request", "body": b""})
        head = await self._wire.receive_output(10)
        self.status = head["status"]
        self.headers = {
            name.decode().lower(): value.decode() for name, value in head["headers"]
        }

    async def read(self) -> str:
        """Return what comes next; empty at the end."""
        output = await self._wire.receive_output(10)
        self.is_over = not output.get("more_body", False)
        return str(output.get("body", b"").decode())

    async def read_until(self, mark: str) -> str:
        """Return all that comes until a mark has come."""
        text = ""
        while mark not in text:
            text += await self.read()
        return text

    async def leave(self) -> None:
        """Close the connection."""
        await self._wire.send_input({"type": "http.disconnect"})
        await self._wire.wait(10)


@asynccontextmanager
async def attached(turn: Turn, session: str, after: str = "") -> AsyncIterator[Viewer]:
    viewer = Viewer(turn, session, after)
    await viewer.attach()
    yield viewer
    await viewer.leave()


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def turn(chat: Chat) -> Turn:
    running: Turn = TurnFactory(chat=chat, status=TurnStatus.IN_PROGRESS)
    return running


@pytest.fixture
def session(chat: Chat) -> str:
    return session_of(chat.owner)


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def inside() -> None:
        try:
            await body()
        finally:
            await in_thread(connections.close_all)

    get_bus.cache_clear()
    asyncio.run(inside())


def test_a_viewer_gets_what_was_said_then_the_rest_then_the_end(
    turn: Turn, session: str
) -> None:
    async def body() -> None:
        bus = get_bus()
        bus.open(turn.pk, epoch=1)
        bus.publish_delta(turn.pk, "Hello ")
        async with attached(turn, session) as viewer:
            assert viewer.status == 200
            assert viewer.headers["content-type"] == "text/event-stream"
            assert viewer.headers["x-accel-buffering"] == "no"
            seen = await viewer.read_until("Hello ")
            assert "event: snapshot\ndata: Hello " in seen
            bus.publish_delta(turn.pk, "you <b>&\nthere")
            seen = await viewer.read_until("there")
            assert "event: delta\ndata: you &lt;b&gt;&amp;\ndata: there\n\n" in seen
            bus.close(turn.pk)
            assert "event: end" in await viewer.read_until("end")

    run(body)


def test_a_viewer_who_comes_back_gets_only_what_was_missed(
    turn: Turn, session: str
) -> None:
    async def body() -> None:
        bus = get_bus()
        bus.open(turn.pk, epoch=4)
        for word in ("one ", "two ", "three "):
            bus.publish_delta(turn.pk, word)
        async with attached(turn, session, after="4-1") as viewer:
            seen = await viewer.read_until("three")
            assert "one" not in seen
            assert "id: 4-2\nevent: delta\ndata: two " in seen

    run(body)


def test_a_turn_that_is_over_ends_its_stream_at_once(chat: Chat, session: str) -> None:
    over = TurnFactory(chat=chat)

    async def body() -> None:
        async with attached(over, session) as viewer:
            assert "event: end" in await viewer.read_until("end")

    run(body)


def test_another_person_and_nobody_get_no_stream(turn: Turn) -> None:
    stranger = session_of(UserFactory())

    async def body() -> None:
        for session in (stranger, "nobody"):
            async with attached(turn, session) as viewer:
                assert viewer.status == 404

    run(body)


def test_a_silent_turn_is_kept_alive_by_comments(
    turn: Turn, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "HEARTBEAT_SECONDS", 0.01)

    async def body() -> None:
        get_bus().open(turn.pk, epoch=1)
        async with attached(turn, session) as viewer:
            assert ": still here" in await viewer.read_until("still here")
            get_bus().publish_delta(turn.pk, "at last")
            assert "at last" in await viewer.read_until("at last")

    run(body)


def test_a_database_that_does_not_answer_keeps_nothing_from_viewers(
    turn: Turn, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they may go on is asked one after the other, of whoever answers late."""
    monkeypatch.setattr(viewers, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(viewers, "ANSWER_SECONDS", 0.01)
    answers, asked = threading.Event(), threading.Event()
    may_go_on = True

    def answer(*_: object) -> bool:
        asked.set()
        assert answers.wait(10)
        return may_go_on

    monkeypatch.setattr(streams, "may_go_on", answer)

    async def body() -> None:
        nonlocal may_go_on
        bus = get_bus()
        bus.open(turn.pk, epoch=1)
        async with attached(turn, session) as one, attached(turn, session) as other:
            assert await in_thread(asked.wait, 10)
            for viewer in (one, other):
                await viewer.read_until(": still here\n\n: still here")
            bus.publish_delta(turn.pk, "Hello ")
            for viewer in (one, other):
                await viewer.read_until("Hello ")
            may_go_on = False
            answers.set()
            for viewer in (one, other):
                while not viewer.is_over:
                    await viewer.read()

    run(body)


def test_a_streams_life_is_capped(
    turn: Turn, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "LIFE_SECONDS", 0.05)

    async def body() -> None:
        get_bus().open(turn.pk, epoch=1)
        async with attached(turn, session) as viewer:
            text = await viewer.read_until("snapshot")
            while not viewer.is_over:
                text += await viewer.read()
            assert "event: end" not in text

    run(body)


def test_a_viewer_who_leaves_ends_nothing_but_the_stream(
    turn: Turn, session: str
) -> None:
    async def body() -> None:
        bus = get_bus()
        bus.open(turn.pk, epoch=1)
        async with attached(turn, session) as leaving:
            await leaving.read_until("snapshot")
        bus.publish_delta(turn.pk, "still going")
        async with attached(turn, session) as staying:
            assert "still going" in await staying.read_until("going")
        assert (await in_thread(Turn.objects.get, pk=turn.pk)).is_active

    run(body)


def test_a_stream_ends_when_its_viewer_signs_out(
    turn: Turn, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "HEARTBEAT_SECONDS", 0.05)

    async def body() -> None:
        get_bus().open(turn.pk, epoch=1)
        async with attached(turn, session) as viewer:
            await viewer.read_until("still here")
            await in_thread(SessionStore(session).flush)
            text = ""
            while not viewer.is_over:
                get_bus().publish_delta(turn.pk, "word ")  # however busy it is
                text += await viewer.read()
            assert "event: end" not in text

    run(body)


@pytest.mark.parametrize("change", ["password", "chat"])
def test_a_stream_ends_when_its_viewer_may_not_see_it_any_more(
    turn: Turn, session: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "HEARTBEAT_SECONDS", 0.05)

    def forbid() -> None:
        if change == "chat":
            turn.chat.delete()
        else:
            turn.chat.owner.set_password("another")
            turn.chat.owner.save()

    async def body() -> None:
        get_bus().open(turn.pk, epoch=1)
        async with attached(turn, session) as viewer:
            await viewer.read_until("still here")
            await in_thread(forbid)
            while not viewer.is_over:
                await viewer.read()

    run(body)


def test_a_person_has_so_many_streams_and_others_have_theirs(
    turn: Turn, session: str, settings: LazySettings
) -> None:
    settings.MAX_STREAMS_PER_PERSON = 2
    other = TurnFactory(status=TurnStatus.IN_PROGRESS)
    others_session = session_of(other.chat.owner)

    async def body() -> None:
        get_bus().open(turn.pk, epoch=1)
        async with attached(turn, session) as first, attached(turn, session):
            async with attached(turn, session) as third:
                assert third.status == 429
                assert int(third.headers["retry-after"]) > 0
                assert "Content-Security-Policy".lower() in third.headers
            async with attached(other, others_session) as stranger:
                assert stranger.status == 200
            get_bus().publish_delta(turn.pk, "goes on")
            await first.read_until("goes on")
        async with attached(turn, session) as later:
            assert later.status == 200

    run(body)


def test_what_a_turn_says_is_made_ready_once_for_all_viewers() -> None:
    event = Event("1-1", EventName.DELTA, "a <b>")
    assert event.wire is event.wire


VIEWERS = 200
SPARE = 15  # threads and files that the server and the test need for themselves


def test_viewers_hold_no_thread_and_no_database_connection(
    turn: Turn, session: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_STREAMS_PER_PERSON = VIEWERS
    monkeypatch.setattr(viewers, "HEARTBEAT_SECONDS", 0.5)
    address = f"/chats/{turn.chat_id}/turns/{turn.pk}/stream/"
    head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={session}\r\n\r\n"

    async def body() -> None:
        async with serving(web_application) as port:
            get_bus().open(turn.pk, epoch=1)
            before = threading.active_count(), open_files()
            watching = []
            for _ in range(VIEWERS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head.encode())
                await reader.readuntil(b"event: snapshot")
                watching.append((reader, writer))
            get_bus().publish_delta(turn.pk, "to all of you")
            for reader, _ in watching:
                await reader.readuntil(b"to all of you")
                await reader.readuntil(b"still here")
            assert threading.active_count() <= before[0] + SPARE
            # Both ends of each connection are in this process.
            assert open_files() <= before[1] + 2 * VIEWERS + SPARE
            for _, writer in watching:
                writer.close()

    run(body)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
