"""Turns and viewers in processes apart, on a PostgreSQL server that is not spared."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import psycopg
import pytest

from tests.chatd.turns.bus.apart import Apart
from tests.chatd.turns.bus.stage import POSTGRES
from tests.pgbouncer import pgbouncer
from tests.postgres import PostgresServer
from tests.process import ROOT
from tests.waiting import until

PATIENCE = 60.0  # seconds
LISTENING = (
    "SELECT {} FROM pg_stat_activity WHERE application_name = 'chatd bus, LISTEN'"
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server with our tables, for the tests of this file."""
    with PostgresServer() as server:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=os.environ | on(server.url),
            check=True,
        )
        yield server


def on(url: str, **settings: str) -> dict[str, str]:
    """The environment of a process on this database."""
    of_tests = {"DJANGO_SETTINGS_MODULE": "tests.settings", "BUS": POSTGRES}
    return of_tests | {"DATABASE_URL": url} | settings


def pooled(server: PostgresServer, port: int) -> dict[str, str]:
    """The environment of a process behind a pooler, but for LISTEN."""
    address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    return on(address, CHATD_LISTEN_URL=server.url)


class Viewer:
    """Whoever watches a turn, with one process or another."""

    def __init__(self, turn: str) -> None:
        self._turn = turn
        self.events: list[tuple[str, str, str]] = []

    async def see(self, process: Apart) -> None:
        """See what comes next, if anything does within a second."""
        after = self.events[-1][0] if self.events else ""
        news = await process.ask("see", self._turn, after, 1.0)
        self.events += [(number, name, data) for number, name, data in news]

    async def see_all(self, process: Apart, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.text != text:
                await self.see(process)

    async def see_the_end(self, process: Apart) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.events or self.events[-1][1] != "end":
                await self.see(process)

    @property
    def text(self) -> str:
        """What their page shows."""
        shown = ""
        for _, name, data in self.events:
            shown = data if name == "snapshot" else shown
            shown += data if name == "delta" else ""
        return shown


class Talk:
    """A turn in one process, and a viewer of it in another."""

    def __init__(self, speaker: Apart, web: Apart, turn: str) -> None:
        self.speaker, self.web, self._turn = speaker, web, turn
        self.viewer = Viewer(turn)
        self.said = ""

    async def say(self, *words: str) -> None:
        for word in words:
            self.said += word
            await self.speaker.ask("say", self._turn, word)

    async def is_seen(self) -> None:
        await self.viewer.see_all(self.web, self.said)

    async def ends(self) -> None:
        """End the turn: the viewer, and one who comes now, have seen all of it."""
        await self.speaker.ask("end", self._turn)
        await self.speaker.ask("close", self._turn)
        await self.viewer.see_the_end(self.web)
        late = Viewer(self._turn)
        await late.see_the_end(self.web)
        assert self.viewer.text == late.text == self.said
        ids = [number for number, _, _ in self.viewer.events]
        assert len(set(ids)) == len(ids)

    async def is_ended_elsewhere(self) -> None:
        await self.web.ask("end", self._turn)
        await self.web.ask("close", self._turn)
        await self.viewer.see_the_end(self.web)
        assert self.viewer.text == self.said


@asynccontextmanager
async def talk(**settings: str) -> AsyncIterator[Talk]:
    speaker, web = Apart(**settings), Apart(**settings)
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(one) for one in (speaker, web))
        await asyncio.gather(*starting)
        turn = await speaker.ask("new_turn")
        await speaker.ask("open", turn)
        yield Talk(speaker, web, turn)


def query(server: PostgresServer, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, autocommit=True) as own:
        return own.execute(statement.encode()).fetchall()


async def one_listens(server: PostgresServer) -> None:
    """Wait until one process listens: what it shows before, it has looked up."""
    count = LISTENING.format("count(*)")
    await asyncio.to_thread(until, lambda: query(server, count) == [(1,)])


def numbers(first: int, last: int) -> list[str]:
    return [f"{number} " for number in range(first, last)]


def test_a_listening_connection_is_cut_while_a_turn_speaks(
    server: PostgresServer,
) -> None:
    async def body() -> None:
        async with talk(**on(server.url)) as turn:
            await turn.say(*numbers(0, 10))
            await turn.is_seen()
            await one_listens(server)
            cut = LISTENING.format("pg_terminate_backend(pid)")
            assert await asyncio.to_thread(query, server, cut) == [(True,)]
            await turn.say(*numbers(10, 20))
            await turn.is_seen()
            await turn.say(*numbers(20, 30))
            await turn.ends()

    asyncio.run(body())


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_the_server_is_away_for_a_while(
    server: PostgresServer, how: Literal["fast", "immediate"]
) -> None:
    """After ``immediate``, which is a crash, the table of chunks is empty."""

    async def body() -> None:
        async with talk(**on(server.url)) as turn:
            await turn.say(*numbers(0, 10))
            await turn.is_seen()
            await asyncio.to_thread(server.stop, how)
            await turn.say(*numbers(10, 20))
            await turn.viewer.see(turn.web)  # there is nothing to be seen
            assert turn.viewer.text == "".join(numbers(0, 10))
            await turn.say(*numbers(20, 30))
            await asyncio.to_thread(server.start)
            await turn.is_seen()
            await turn.say(*numbers(30, 40))
            await turn.ends()

    asyncio.run(body())


def test_the_process_of_a_turn_is_killed(server: PostgresServer) -> None:
    async def body() -> None:
        async with talk(**on(server.url)) as turn:
            await turn.say(*numbers(0, 10))
            await turn.is_seen()
            turn.speaker.kill()
            await turn.is_ended_elsewhere()

    asyncio.run(body())


@pytest.mark.pgbouncer
def test_a_pooler_by_transaction_stands_between(server: PostgresServer) -> None:
    async def body(settings: dict[str, str]) -> None:
        async with talk(**settings) as turn:
            for first in range(0, 50, 10):
                await turn.say(*numbers(first, first + 10))
                await turn.is_seen()
            await one_listens(server)
            await turn.ends()

    with pgbouncer(server.address[1]) as port:
        asyncio.run(body(pooled(server, port)))


@pytest.mark.pgbouncer
def test_a_server_behind_a_pooler_crashes_and_nobodys_connection_breaks(
    server: PostgresServer,
) -> None:
    """The pooler keeps them, so that only the empty table tells of it."""

    async def body(settings: dict[str, str]) -> None:
        async with talk(**settings) as turn:
            await turn.say(*numbers(0, 10))
            await turn.is_seen()
            await asyncio.to_thread(server.stop, "immediate")
            await asyncio.to_thread(server.start)
            await turn.say(*numbers(10, 20))
            await turn.is_seen()
            await turn.ends()

    with pgbouncer(server.address[1]) as port:
        asyncio.run(body(pooled(server, port)))
