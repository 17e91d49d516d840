"""A connection of the bus's own to PostgreSQL, from the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.conninfo import conninfo_to_dict

from chatd.databases import PROBES

ANSWER_SECONDS = 5.0
"""A server that takes longer is taken for gone: else a network that swallows everything
would hold viewers up for minutes."""
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError)
"""What a server raises that is gone, starting, or out of reach."""
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Seconds between the tries to reach a server that is away, each twice the one before."""

SPEAKING, LISTENING = "chatd bus", "chatd bus, LISTEN"
"""How the server's administrator finds these connections."""

type Parameters = dict[str, Any]
type Connection = psycopg.AsyncConnection[tuple[Any, ...]]


def database_parameters() -> Parameters:
    """Return how Django connects to the database, without what only Django understands."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    parameters = dict(connection.get_connection_params())
    del parameters["context"], parameters["cursor_factory"]
    # A pooler may give each statement to another server, which would not know it.
    return parameters | {"prepare_threshold": None, "application_name": SPEAKING}


def listen_parameters() -> Parameters:
    """Return how to reach the database without a pooler between."""
    name = {"application_name": LISTENING}
    if settings.LISTEN_URL:
        return direct_parameters() | name
    return database_parameters() | name


def direct_parameters() -> Parameters:
    """Return how to reach the server that ``CHATD_LISTEN_URL`` names."""
    return PROBES | conninfo_to_dict(settings.LISTEN_URL)


async def connect(parameters: Parameters) -> Connection:
    """Return a new connection on which each statement is a transaction of its own."""
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


class Waits:
    """How long to wait before another try, and longer after each one that failed."""

    def __init__(self) -> None:
        self._next = FIRST_WAIT

    def reset(self) -> None:
        """Begin anew: a try went well."""
        self._next = FIRST_WAIT

    async def wait(self) -> None:
        """Wait before the next try."""
        await asyncio.sleep(self._next)
        self._next = min(2 * self._next, LONGEST_WAIT)


class Link:
    """A connection that is made when it is needed, and made anew after an error.

    It runs one statement at a time. Nobody else may wait for the same one.
    """

    def __init__(self, parameters: Callable[[], Parameters]) -> None:
        self._parameters = parameters
        self._connection: Connection | None = None

    async def rows(
        self,
        statement: str,
        values: Sequence[Any] = (),
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows if it has any.

        Raises what ``AWAY`` names if there is no answer within so many seconds. Whether
        the statement has been done is not known then.
        """
        try:
            async with asyncio.timeout(seconds):
                if self._connection is None:
                    self._connection = await connect(self._parameters())
                cursor = await self._connection.execute(statement.encode(), values)
                return await cursor.fetchall() if cursor.description else []
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, if there is one; the next statement makes another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*AWAY):
                await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
