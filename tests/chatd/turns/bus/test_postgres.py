"""What becomes of the PostgreSQL bus when hints, connections, rows and turns are lost."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.models import F

from chatd.enums import Role
from chatd.models import Chat, ChatMessage, Turn, TurnChunk
from chatd.turns.bus import EventName, chunks, following, publishing
from chatd.turns.bus.connection import Link, database_parameters
from chatd.turns.bus.postgres import PostgresBus
from chatd.turns.threads import in_thread
from tests.chatd.turns.bus.stage import (
    POSTGRES,
    Stage,
    collect,
    on_stage,
    read_until,
    words,
)
from tests.chatd.turns.site import new_chat, run_on_site, send, watch
from tests.pgbouncer import pgbouncer
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

LISTENING = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE application_name = 'chatd bus, LISTEN' AND datname = current_database()"
)
CUT_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'chatd bus%%' AND datname = current_database()"
)


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


async def happens(condition: Callable[[], Any]) -> None:
    """Wait until the database says so."""
    await in_thread(until, condition)


def of(turn: UUID) -> list[tuple[str, str]]:
    """What the table has of a turn."""
    said = TurnChunk.objects.filter(turn_id=turn).order_by("epoch", "sequence")
    return list(said.values_list("name", "data"))


def test_the_table_is_kept_out_of_the_servers_log() -> None:
    kind = "SELECT relpersistence FROM pg_class WHERE relname = 'chatd_turnchunk'"
    assert sql(kind) == [("u",)]


def test_hints_that_are_lost_cost_a_viewer_a_second_and_no_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "CHANNEL", "nobody_listens")

    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            text, seen = "", await read_until(bus, turn, "")
            for word in "one ", "two ", "three":
                speaker.publish_delta(turn, word)
                text += word
                async with asyncio.timeout(10 * following.POLL_SECONDS):
                    while words(seen) != text:
                        seen += await bus.read(turn, after=seen[-1].id)

    on_stage(POSTGRES, body)


def test_a_listening_connection_that_is_cut_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 3_600.0)  # nothing but hints

    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            seen = await read_until(bus, turn, "")
            await happens(lambda: sql(LISTENING))
            ((pid,),) = await in_thread(sql, LISTENING)
            await in_thread(sql, "SELECT pg_terminate_backend(%s)", pid)
            speaker.publish_delta(turn, "said while nobody heard it")
            await happens(lambda: sql(LISTENING) not in ([], [(pid,)]))
            speaker.publish_delta(turn, ", and after")
            speaker.close(turn)
            seen += await collect(bus.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "said while nobody heard it, and after"
            assert EventName.SNAPSHOT not in [event.name for event in seen[2:]]

    on_stage(POSTGRES, body)


@pytest.mark.pgbouncer
def test_a_pooler_that_hints_do_not_pass_makes_them_late_and_is_told_of(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    database = connection.settings_dict

    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            speaker.publish_delta(turn, "Hello")
            await read_until(bus, turn, "Hello")
            speaker.publish_delta(turn, " you")
            await read_until(bus, turn, "Hello you")
            await in_thread(until, lambda: "goes through a pooler" in caplog.text)

    with pgbouncer(int(database["PORT"])) as port:
        address = f"postgresql://postgres@127.0.0.1:{port}/{database['NAME']}"
        settings.LISTEN_URL = address
        on_stage(POSTGRES, body)
    assert "CHATD_LISTEN_URL" in caplog.text


def test_a_process_without_viewers_does_not_listen_and_one_with_many_does_once() -> (
    None
):
    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turns = [await stage.running_turn() for _ in range(5)]
            for turn in turns:
                speaker.open(turn, epoch=1)
            viewers = [
                asyncio.create_task(collect(bus.subscribe(turn))) for turn in turns * 4
            ]
            await happens(lambda: sql(LISTENING))
            assert len(await in_thread(sql, LISTENING)) == 1
            for turn in turns:
                speaker.close(turn)
            await asyncio.gather(*viewers)
            assert len(await in_thread(sql, LISTENING)) == 1

    on_stage(POSTGRES, body)


def test_connections_that_are_cut_lose_no_part() -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            viewer = asyncio.create_task(collect(bus.subscribe(turn)))
            text = ""
            for number in range(30):
                text += (word := f"{number} ")
                speaker.publish_delta(turn, word)
                if number % 10 == 5:
                    await read_until(bus, turn, text)
                    await in_thread(sql, CUT_ALL)
            speaker.close(turn)
            assert words(await viewer) == text
            assert words(await collect(bus.subscribe(turn))) == text

    on_stage(POSTGRES, body)


def test_a_table_that_a_crash_has_emptied_is_filled_again() -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            speaker.publish_delta(turn, "before ")
            seen = await read_until(bus, turn, "before ")
            speaker.publish_status(turn, "Waiting.")
            seen += await bus.read(turn, after=seen[-1].id)
            await in_thread(sql, "DELETE FROM chatd_turnchunk")
            speaker.publish_delta(turn, "and after")
            speaker.publish_status(turn, "")
            while words(seen) != "before and after":
                seen += await bus.read(turn, after=seen[-1].id)
            async with stage.process() as later:
                assert words(await later.read(turn)) == "before and after"
                shown = [event.data for event in await later.read(turn)]
                assert shown == ["before and after"]
            speaker.close(turn)
            seen += await collect(bus.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "before and after"

    on_stage(POSTGRES, body)


def test_a_turn_that_is_another_processes_writes_nothing() -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as lost, stage.process() as owner:
            turn = await stage.running_turn()
            lost.open(turn, epoch=1)
            lost.publish_delta(turn, "mine")
            await read_until(owner, turn, "mine")
            await stage.end(turn)
            owner.close(turn)
            await happens(lambda: of(turn)[-1] == ("end", ""))
            before = await in_thread(of, turn)
            lost.publish_delta(turn, ", still")
            lost.publish_reset(turn)
            lost.close(turn)
        assert await in_thread(of, turn) == before  # with all that lost had to say

    on_stage(POSTGRES, body)


def test_a_turn_of_a_chat_that_was_deleted_ends() -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            speaker.publish_delta(turn, "Hello")
            seen = await read_until(bus, turn, "Hello")
            await in_thread(lambda: Chat.objects.filter(turns=turn).delete())
            speaker.publish_delta(turn, ", you")
            speaker.close(turn)
            seen += await collect(bus.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "Hello"

    on_stage(POSTGRES, body)


def test_an_end_that_was_lost_with_its_process_is_told_by_the_turns_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(following, "UNSAID_SECONDS", 0.2)

    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            speaker.publish_delta(turn, "Hello")
            seen = await read_until(bus, turn, "Hello")
            await stage.end(turn)
            seen += await collect(bus.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "Hello"
            assert seen[-1].name is EventName.END

    on_stage(POSTGRES, body)


def test_past_the_bound_the_longest_answer_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "CHARACTERS_KEPT", 100)

    async def body(stage: Stage) -> None:
        async with stage.process() as speaker, stage.process() as bus:
            long, short = [await stage.running_turn() for _ in range(2)]
            for turn, text in (long, "x" * 90), (short, "y" * 20):
                speaker.open(turn, epoch=1)
                speaker.publish_delta(turn, text)
                await read_until(bus, turn, text)
            # Nobody misses anything while the table holds it.
            speaker.publish_delta(long, "z")
            await read_until(bus, long, "x" * 90 + "z")
            await in_thread(sql, "DELETE FROM chatd_turnchunk")
            for turn in long, short:
                speaker.publish_delta(turn, "!")
                await stage.end(turn)
                speaker.close(turn)
            async with stage.process() as later:
                assert words(await collect(later.subscribe(short))) == "y" * 20 + "!"
                assert words(await collect(later.subscribe(long))) == ""

    on_stage(POSTGRES, body)


def clean_up() -> None:
    async def once() -> None:
        async with Link(database_parameters) as link:
            await link.rows(chunks.CLEAN_UP)

    asyncio.run(once())


def grow_older(**age: float) -> None:
    TurnChunk.objects.update(created_at=F("created_at") - timedelta(**age))


def test_what_was_said_is_gone_a_minute_after_the_turn_and_its_end_later() -> None:
    turns: list[UUID] = []

    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turns.extend([await stage.running_turn() for _ in range(3)])
            for turn in turns:
                bus.open(turn, epoch=1)
                bus.publish_delta(turn, "text")
                await read_until(bus, turn, "text")
            for turn in turns[1:]:
                await stage.end(turn)
            bus.close(turns[1])  # and the last one's process dies before it does

    on_stage(POSTGRES, body)
    says = [("snapshot", "text")]
    clean_up()
    assert [of(turn) for turn in turns] == [says, [*says, ("end", "")], says]
    grow_older(minutes=2)
    clean_up()
    assert [of(turn) for turn in turns] == [says, [("end", "")], says]
    grow_older(minutes=20)
    clean_up()
    assert [of(turn) for turn in turns] == [says, [], []]


def test_one_process_cleans_up_at_a_time() -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            await stage.end(turn)
            bus.close(turn)

    on_stage(POSTGRES, body)
    grow_older(hours=1)
    parameters: Any = database_parameters()
    name = "hashtext('chatd_turnchunk')"
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute(f"SELECT pg_advisory_lock({name})")
        clean_up()
        assert TurnChunk.objects.exists()
        other.execute(f"SELECT pg_advisory_unlock({name})")
    clean_up()
    assert not TurnChunk.objects.exists()


def test_a_site_tells_its_viewers_over_it(settings: LazySettings, quick: None) -> None:
    settings.BUS = POSTGRES
    chat = new_chat("demo")

    async def body() -> None:
        turn = await send(chat)
        events = await watch(turn)
        answer = await ChatMessage.objects.aget(turn=turn, role=Role.ASSISTANT)
        assert answer.text
        assert words(events) == answer.text

    run_on_site(body)


def test_outside_of_its_lifespan_it_says_so() -> None:
    turn = Turn().pk
    with pytest.raises(RuntimeError, match="inside its lifespan"):
        PostgresBus().publish_delta(turn, "Hello")
    with pytest.raises(RuntimeError, match="inside its lifespan"):
        asyncio.run(PostgresBus().read(turn))
