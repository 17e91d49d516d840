"""From the table of chunks to the viewers of this process."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from chatd.turns.bus.channel import Channel
from chatd.turns.bus.chunks import OVER, SINCE
from chatd.turns.bus.connection import (
    ANSWER_SECONDS,
    AWAY,
    Connection,
    Link,
    Parameters,
    Waits,
    connect,
)
from chatd.turns.bus.events import Event, EventName, Position, parse_event_id
from chatd.turns.bus.hints import CHANNEL, hinted

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.005
"""Between two looks: many processes that give hints cost no more than 200 looks a second."""
POLL_SECONDS = 1.0
"""A hint that was lost costs a viewer no more than this."""
PROBE_SECONDS = 10.0
"""As often the connection that hints come by is asked whether it is still there."""
UNSAID_SECONDS = 5.0
"""A turn that has been over for so long, and said nothing since, has lost its end."""
UNREAD_SECONDS = 30.0
"""What nobody has read for so long is forgotten; a viewer who is back gets it anew."""
UNKNOWN: Position = (0, -1)
"""Before all that a turn can say."""

type Row = tuple[UUID, int, int, str, str]


class Followed:
    """A turn that has viewers here: what is known of it."""

    def __init__(self, turn_id: UUID, now: float) -> None:
        self.turn_id = turn_id
        self.channel = Channel()
        self.known = UNKNOWN
        self.looked_at = 0  # the number of the look that brought what is known
        self.over_since: float | None = None
        self._readers = 0
        self._last_read = now

    @contextmanager
    def reading(self, now: Callable[[], float]) -> Iterator[None]:
        """Keep it inside the block, and for a while after."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            self._last_read = now()

    def is_unread(self, now: float) -> bool:
        """Whether all its viewers have gone, a while ago."""
        return not self._readers and now - self._last_read > UNREAD_SECONDS

    def take(self, rows: Iterator[Row]) -> None:
        """Take what was said since what is known, in order."""
        for _, epoch, sequence, name, data in rows:
            if (epoch, sequence) <= self.known:
                continue
            if epoch != self.known[0]:
                self.channel.begin((epoch, sequence - 1))
            self.channel.say(EventName(name), data, sequence=sequence)
            self.known = epoch, sequence
            self.over_since = None

    def look_over(self, now: float, *, is_over: bool) -> None:
        """End it if its turn is over and has said nothing for a while."""
        if not is_over:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = now
        elif now - self.over_since >= UNSAID_SECONDS:
            self.channel.say(EventName.END)


class Follower:
    """Follows the turns that have viewers here, all of them with one query at a time.

    A hint by NOTIFY says when to look; all are looked at every second besides, so that no
    viewer depends on one.
    """

    def __init__(self, link: Link, listen: Callable[[], Parameters]) -> None:
        self._link = link
        self._listen_parameters = listen
        self._followed: dict[UUID, Followed] = {}
        self._due: set[UUID] = set()
        self._wanted = asyncio.Event()
        self._looks = 0
        self._looked = asyncio.Event()
        self._has_viewers = asyncio.Event()
        self._now = asyncio.get_running_loop().time

    async def read(self, turn_id: UUID, after: str, wait: float | None) -> list[Event]:
        """Return what a viewer missed, or what comes next within so many seconds."""
        position = parse_event_id(after)
        followed = self._follow(turn_id)
        channel = followed.channel
        with followed.reading(self._now), suppress(TimeoutError):
            async with asyncio.timeout(wait):
                is_ahead = position is not None and position > channel.position
                if not followed.looked_at or is_ahead:
                    # The viewer may have been with a process that has seen more.
                    await self._look(followed)
                if position == channel.position and not channel.is_over:
                    await channel.wait(None)
                return channel.news(position)
        return []

    async def run(self) -> None:
        """Look at turns when there may be more of them, until this is cancelled."""
        waits = Waits()
        next_poll = self._now()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_poll):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                if self._now() >= next_poll:
                    await self._poll()
                    next_poll = self._now() + POLL_SECONDS
                await self._catch_up()
            except AWAY as error:
                logger.warning("Viewers wait for the database: %s", error)
            except Exception:
                logger.exception("What turns say could not be read")
            else:
                waits.reset()
                await asyncio.sleep(LOOK_SECONDS)
                continue
            self._wanted.set()
            await waits.wait()

    async def listen(self) -> None:
        """Take hints by one connection, as soon as there are viewers, until cancelled."""
        waits = Waits()
        while True:
            await self._has_viewers.wait()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = await connect(self._listen_parameters())
                try:
                    await self._take_hints(connection, waits)
                finally:
                    await connection.close()
            except AWAY as error:
                logger.warning("Hints are late until LISTEN works again: %s", error)
            except Exception:
                logger.exception("Hints are late until LISTEN works again")
            await waits.wait()

    async def _take_hints(self, connection: Connection, waits: Waits) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            await _tell_of_a_pooler(connection)
        waits.reset()
        self._hint(None)  # what was said while nobody listened
        while True:
            async for notice in connection.notifies(timeout=PROBE_SECONDS):
                self._hint(hinted(notice.payload))
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.execute("SELECT 1")

    def _hint(self, turn_ids: set[UUID] | None) -> None:
        followed = self._followed.keys()
        self._due |= followed if turn_ids is None else turn_ids & followed
        if self._due:
            self._wanted.set()

    def _follow(self, turn_id: UUID) -> Followed:
        followed = self._followed.get(turn_id)
        if followed is None:
            followed = self._followed[turn_id] = Followed(turn_id, self._now())
            self._has_viewers.set()
        return followed

    async def _look(self, followed: Followed) -> None:
        """Wait until a look that begins from now on has brought what there is."""
        wanted = self._looks + 1
        self._due.add(followed.turn_id)
        self._wanted.set()
        while followed.looked_at < wanted:
            await self._looked.wait()

    async def _catch_up(self) -> None:
        """Look at the turns that are due."""
        due = {
            turn_id: self._followed[turn_id]
            for turn_id in self._due
            if turn_id in self._followed
        }
        if not due:
            return
        self._due.clear()
        self._looks += 1
        look = self._looks
        known = [(turn_id, *one.known) for turn_id, one in due.items()]
        try:
            rows = await self._link.rows(
                SINCE, [list(one) for one in zip(*known, strict=True)]
            )
        except BaseException:
            self._due |= due.keys()
            raise
        for turn_id, said in groupby(rows, key=itemgetter(0)):
            due[turn_id].take(said)
        for one in due.values():
            one.looked_at = look
        self._looked.set()
        self._looked = asyncio.Event()

    async def _poll(self) -> None:
        """Make all turns due that are not over, and find those that lost their end."""
        now = self._now()
        for one in list(self._followed.values()):
            if one.is_unread(now):
                del self._followed[one.turn_id]
        going_on = [one for one in self._followed.values() if not one.channel.is_over]
        if not going_on:
            return
        self._due |= {one.turn_id for one in going_on}
        rows = await self._link.rows(OVER, [[one.turn_id for one in going_on]])
        over = {row[0] for row in rows}
        for one in going_on:
            one.look_over(now, is_over=one.turn_id in over)


async def _tell_of_a_pooler(connection: Connection) -> None:
    """Say that hints may get lost: the process that answers is not the one connected to."""
    cursor = await connection.execute(b"SELECT pg_backend_pid()")
    if await cursor.fetchone() != (connection.info.backend_pid,):
        logger.warning(
            "LISTEN goes through a pooler: hints are late unless it pools by session. "
            "Name the server itself in CHATD_LISTEN_URL"
        )
