"""The bus of any number of processes on any number of hosts: PostgreSQL.

What turns say goes through the table ``TurnChunk``. Each process that runs turns appends
to it by one connection; each one with viewers reads it by another, and listens by a third
for hints when to read. No viewer and no turn has a connection of its own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS
from psycopg.conninfo import conninfo_to_dict

from chatd.turns.bus import Bus
from chatd.turns.bus.chunks import CLEAN_UP
from chatd.turns.bus.connection import (
    AWAY,
    Link,
    database_parameters,
    listen_parameters,
)
from chatd.turns.bus.events import Event, EventName
from chatd.turns.bus.following import Follower
from chatd.turns.bus.publishing import Publisher

logger = logging.getLogger(__name__)

CLEAN_UP_SECONDS = 60.0


class PostgresBus(Bus):
    """Publishes and reads inside its lifespan; RuntimeError is raised outside of it."""

    def __init__(self) -> None:
        self._publisher: Publisher | None = None
        self._follower: Follower | None = None

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Refuse another database, and connections by which nothing can be heard."""
        return _check_database() or _check_listening()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Write and read the table, and keep it clean, while the block lasts."""
        writing, reading = Link(database_parameters), Link(database_parameters)
        async with writing, reading:
            self._publisher = Publisher(writing)
            self._follower = Follower(reading, listen_parameters)
            work = (
                self._publisher.run(),
                self._follower.run(),
                self._follower.listen(),
                _keep_clean(),
            )
            tasks = [asyncio.create_task(one) for one in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                await self._publisher.finish()
                self._publisher = self._follower = None

    def open(self, turn_id: UUID, *, epoch: int) -> None:
        """Begin the answer of this epoch."""
        self._publishing.open(turn_id, epoch)

    def publish_delta(self, turn_id: UUID, text: str) -> None:
        """Publish more of the answer."""
        self._publishing.say(turn_id, EventName.DELTA, text)

    def publish_reset(self, turn_id: UUID) -> None:
        """Take the answer back."""
        self._publishing.say(turn_id, EventName.SNAPSHOT)

    def publish_status(self, turn_id: UUID, text: str) -> None:
        """Publish what the turn waits for."""
        self._publishing.say(turn_id, EventName.STATUS, text)

    def close(self, turn_id: UUID) -> None:
        """End the turn's events, wherever it ran."""
        self._publishing.close(turn_id)

    async def read(
        self, turn_id: UUID, *, after: str = "", wait: float | None = None
    ) -> list[Event]:
        """Return what a viewer missed, or what comes next within so many seconds."""
        if self._follower is None:
            raise RuntimeError(OUTSIDE)
        return await self._follower.read(turn_id, after, wait)

    @property
    def _publishing(self) -> Publisher:
        if self._publisher is None:
            raise RuntimeError(OUTSIDE)
        return self._publisher


OUTSIDE = "The PostgreSQL bus works inside its lifespan() only."


async def _keep_clean() -> None:
    """Remove what was said by turns that are over, again and again."""
    while True:
        await asyncio.sleep(CLEAN_UP_SECONDS)
        try:
            async with Link(database_parameters) as link:
                await link.rows(CLEAN_UP, seconds=CLEAN_UP_SECONDS)
        except AWAY:
            logger.warning("The chunks of turns that are over wait for the database")
        except Exception:
            logger.exception("The chunks of turns that are over were not removed")


def _check_database() -> list[CheckMessage]:
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    if not str(database["ENGINE"]).endswith(("postgresql", "postgis")):
        return [
            Error(
                f"The PostgreSQL bus cannot work on {database['ENGINE']}.",
                hint="Name a PostgreSQL database in DATABASE_URL, or leave BUS out.",
                id="chatd.E011",
            )
        ]
    has_pool = bool(database.get("OPTIONS", {}).get("pool"))
    if database.get("CONN_MAX_AGE", 0) != 0 and not has_pool:
        return [
            Error(
                "CONN_MAX_AGE keeps a connection for each thread that ever answered.",
                hint="Set it to 0: the pool of DATABASE_POOL_SIZE keeps connections.",
                id="chatd.E012",
            )
        ]
    return []


def _check_listening() -> list[CheckMessage]:
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    if not settings.LISTEN_URL:
        if database.get("DISABLE_SERVER_SIDE_CURSORS"):
            return [
                Error(
                    "The database is behind a pooler, which LISTEN does not pass.",
                    hint="Name the server itself in CHATD_LISTEN_URL.",
                    id="chatd.E013",
                )
            ]
        return []
    try:
        conninfo_to_dict(settings.LISTEN_URL)
    except psycopg.ProgrammingError:
        return [
            Error(
                "CHATD_LISTEN_URL is not the address of a PostgreSQL database.",
                hint="Expected is postgresql://user:password@host:port/name.",
                id="chatd.E014",
            )
        ]
    return []
