"""Databases that fail around the error: which faults there are depends on the database."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from chatd.enums import Role
from chatd.models import Chat, Turn
from chatd.turns.bus import get_bus
from chatdebug.models import ChatRun
from chatdebug.writer import close_writer, writer
from chatdebug.writer.database import import_captures
from tests.chatd.turns.site import answer, new_chat, run_on_site, send
from tests.chatd.turns.test_engine import EXPECTED
from tests.faults.matrix import matrix

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]

type Fault = Callable[[Chat], Awaitable[str]]

LOCKED_SECONDS = 11.0  # longer than SQLite waits for a lock (chatd.databases)


async def end_of(turn: Turn) -> None:
    async with asyncio.timeout(60):
        async for _ in get_bus().subscribe(turn.pk):
            pass


async def first_words(turn: Turn) -> None:
    viewer = get_bus().subscribe(turn.pk)
    async for event in viewer:
        if event.data:
            break
    await viewer.aclose()


async def wait_for_capture(chat: Chat) -> None:
    """Wait until the writer has brought the capture to the database."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(is_recorded, chat):
            pass


def is_recorded(chat: Chat) -> bool:
    alias = connections["chatdebug"]
    try:
        return ChatRun.objects.using("chatdebug").filter(chat_id=str(chat.pk)).exists()
    finally:
        alias.close()


async def locked_by_another_writer(chat: Chat) -> str:
    """Hold SQLite's write lock from the first words until long after the error."""
    turn = await send(chat)
    await first_words(turn)
    name = str(connections["default"].settings_dict["NAME"])
    with closing(sqlite3.connect(name, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(LOCKED_SECONDS)
        spool = writer().spool
        assert spool is not None
        assert spool.count(), "the evidence is durable while the database is not"
        other.execute("ROLLBACK")
    await end_of(turn)
    return f"locked by another writer for {LOCKED_SECONDS:.0f} s"


async def connections_killed(chat: Chat) -> str:
    """Let the server end every connection of the process before the turn."""
    await asyncio.to_thread(kill_connections)
    try:
        turn = await send(chat)
    except OperationalError:  # it was under way; whoever sent it tries again
        turn = await send(chat)
    await end_of(turn)
    return "connections killed by the server before the turn"


async def connections_killed_in_mid_turn(chat: Chat) -> str:
    turn = await send(chat)
    await first_words(turn)
    await asyncio.to_thread(kill_connections)
    await end_of(turn)
    return "connections killed by the server in mid-turn"


def kill_connections() -> None:
    settings: dict[str, Any] = connections["default"].settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            [settings["NAME"]],
        )


async def pool_exhausted(chat: Chat) -> str:
    """Take every connection of the request pool while the error happens."""
    turn = await send(chat)
    await first_words(turn)
    pool: Any = connections["default"].pool  # type: ignore[attr-defined]
    with ExitStack() as held:
        taken = await asyncio.to_thread(take_all, pool)
        held.callback(lambda: [pool.putconn(one) for one in taken])
        await wait_for_capture(chat)
    await end_of(turn)
    return "request pool exhausted"


def take_all(pool: Any) -> list[Any]:
    return [pool.getconn(timeout=10) for _ in range(pool.max_size)]


FAULTS: dict[str, list[tuple[Fault, str]]] = {
    "sqlite": [(locked_by_another_writer, "fault-badjson")],
    "postgresql": [
        (connections_killed, "fault-400"),
        (connections_killed_in_mid_turn, "fault-badjson"),
        (pool_exhausted, "fault-badjson"),
    ],
}


@pytest.mark.parametrize(("fault", "model"), FAULTS[connection.vendor])
def test_a_database_that_fails_around_the_error_loses_nothing(
    fault: Fault, model: str
) -> None:
    chat = new_chat(model)
    names: list[str] = []
    connections.close_all()  # this thread's own ones belong to no fault

    async def body() -> None:
        names.append(await fault(chat))

    run_on_site(body)
    close_writer(timeout=20)
    connections.close_all()
    turn = chat.turns.get()
    assert turn.status == "error"
    part = turn.messages.filter(role=Role.ASSISTANT).exists()
    runs = ChatRun.objects.of_chat(str(chat.pk))
    steps = EXPECTED[model].steps
    assert [run.steps.count() for run in runs] == [steps]
    matrix.add(
        names[0],
        user="error (generic)" + ", the part is kept" * part,
        stored=f"1 run (error), {steps} failed calls",
    )


READ_ONLY = {
    "sqlite": {"init_command": "PRAGMA query_only=1;"},
    "postgresql": {"options": "-c default_transaction_read_only=on"},
}


def test_a_recorder_whose_database_is_read_only_keeps_its_spool() -> None:
    """The request's connections work on: only the recorder's are refused."""
    chat = new_chat("fault-400")
    alias = connections.settings["chatdebug"]

    async def body() -> None:
        await answer(chat)

    connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        options = {**alias["OPTIONS"], **READ_ONLY[connection.vendor]}
        patch.setitem(alias, "OPTIONS", options)
        run_on_site(body)
        spool = writer().spool
        assert spool is not None
        assert spool.count()
        assert not ChatRun.objects.exists()
    assert chat.turns.get().status == "error"
    import_captures(spool, using="default")  # as the next start of the site does
    assert spool.count() == 0
    assert ChatRun.objects.get().steps.count() == 1
    matrix.add(
        "the recorder's database is read-only",
        user="error (generic)",
        stored="spool, then 1 run (error), 1 failed calls",
    )
