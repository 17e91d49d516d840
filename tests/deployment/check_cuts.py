"""A database that is away for a minute, and a host that is cut off: ``make cluster-test``.

Each takes minutes, so they have no name that pytest looks for.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from chatd.demo_provider.answers import LONG_ANSWER
from tests.cluster import Cluster
from tests.deployment.hosts import Host, two_hosts
from tests.deployment.people import Person, View, people
from tests.process import WorkerProcess
from tests.provider import CountingProvider
from tests.proxy import Proxy
from tests.waiting import until

pytestmark = pytest.mark.timeout(900)

AWAY_SECONDS = 60
SLOWLY = 0.15
"""Seconds between the words of an answer that takes longer than the database is away."""
TURNS = 8
LOST_SECONDS = 180
"""After so many the turns of a host that is cut off have ended: a minute, and a sweep."""
STORED = """
SELECT turn.id::text, turn.status, turn.epoch, turn.finished_at,
    coalesce(string_agg(message.text, '') FILTER (WHERE message.role = 'assistant'), '')
FROM chatd_turn AS turn JOIN chatd_chatmessage AS message ON message.turn_id = turn.id
WHERE message.turn_id::text = ANY(%s) GROUP BY turn.id ORDER BY turn.id
"""


class Watched:
    """A turn that somebody watches."""

    def __init__(self, turn: str, text: str, view: View) -> None:
        self.id = turn.split("/")[-2]
        self.turn = turn
        self.text = text
        self.view = view


async def begin(
    group: asyncio.TaskGroup, person: Person, model: str, text: str
) -> Watched:
    """Send a message, watch its turn, and wait until some of the answer is seen."""
    chat = await person.new_chat(model)
    turn, said = await person.send(chat, text)
    view = View()
    group.create_task(person.watch(turn, view))
    while not view.text and not view.has_ended:
        await view.changed.wait()
    return Watched(turn, said, view)


def stored(cluster: Cluster, turns: Sequence[Watched]) -> list[tuple[object, ...]]:
    """Return all that matters of turns, with their answers."""
    return cluster.execute(STORED, [one.id for one in turns])


def test_a_minute_without_the_database_costs_no_turn_and_no_part(
    cluster: Cluster,
) -> None:
    async def body(slow: CountingProvider) -> None:
        async with AsyncExitStack() as stack:
            (person,) = people(cluster, 1)
            await stack.enter_async_context(person)
            async with asyncio.TaskGroup() as group:
                turns = [
                    await begin(group, person, f"{name}-demo-long", f"{name} {number}")
                    for name in ("slow", "counted")  # these end meanwhile
                    for number in range(TURNS)
                ]
                await asyncio.to_thread(cluster.database.stop, "fast")
                await asyncio.sleep(AWAY_SECONDS)  # it is what is tried
                await asyncio.to_thread(cluster.database.start)
        for row in stored(cluster, turns):
            assert row[1:3] == ("completed", 1), row
            assert row[4] == LONG_ANSWER
        for one in turns:
            assert (slow.asked + cluster.provider.asked)[one.text] == 1
            assert LONG_ANSWER.startswith(one.view.text)
        whole = [one for one in turns if one.view.text == LONG_ANSWER]
        sys.stdout.write(
            f"\n{len(turns)} turns while the database was away for {AWAY_SECONDS} s: "
            f"all completed, {len(whole)} of their viewers saw all of it\n"
        )
        assert len(whole) == len(turns)

    workers = [cluster.start_worker() for _ in range(2)]
    with CountingProvider(word_delay=SLOWLY) as slow:
        cluster.add_models("slow", slow.url)
        asyncio.run(body(slow))
    for worker in workers:
        assert worker.end(signal.SIGTERM) == 0, worker.output


def test_a_host_that_is_cut_off_loses_its_turns_once(cluster: Cluster) -> None:
    """It goes on with them, comes back when they have been given up, and writes nothing."""

    async def body(here: Host, there: Host) -> None:
        (person,) = people(cluster, 1)
        async with person, asyncio.TaskGroup() as group:
            lost = start(here)
            turns = [
                await begin(group, person, f"reached-{model}", f"cut {model} {number}")
                for model in ("fault-stall", "demo-long")
                for number in range(TURNS // 2)
            ]
            other = await asyncio.to_thread(start, there)
            with here.cut():
                await asyncio.to_thread(
                    until, lambda: all_over(turns), seconds=LOST_SECONDS
                )
                before = stored(cluster, turns)
                if here.notices:
                    # Who waits for an answer of the database is told that none comes.
                    told = "were not looked after"
                    await asyncio.to_thread(until, lambda: told in lost.output)
                meanwhile = await begin(group, person, "reached-demo", "meanwhile")
            await asyncio.to_thread(other.end, signal.SIGTERM)
            back = await begin(group, person, "reached-demo", "it is back")
        assert lost.end(signal.SIGTERM) == 0, lost.output
        assert stored(cluster, turns) == before
        for row in before:
            assert row[1:3] == ("interrupted", 1), row
            assert row[4]
        seen = {one.id: one.view.text for one in turns}
        assert {row[0]: row[4] for row in before} == seen
        assert [row[1] for row in stored(cluster, [meanwhile, back])] == 2 * [
            "completed"
        ]
        for one in (*turns, meanwhile, back):
            assert provider.asked[one.text] == 1
        sys.stdout.write(f"\n{len(turns)} turns of a host that was cut off: all once\n")

    def start(host: Host) -> WorkerProcess:
        address, port = host.database
        url = f"postgresql://postgres@{address}:{port}/postgres"
        direct = {"DATABASE_URL": url, "CHATD_LISTEN_URL": ""}
        return cluster.start_worker(None, host.launcher, **direct)

    def all_over(turns: Sequence[Watched]) -> bool:
        return all(row[1] != "in_progress" for row in stored(cluster, turns))

    with (
        CountingProvider(word_delay=SLOWLY) as provider,
        two_hosts(cluster.database.address) as (here, there, machine),
        Proxy(provider.address, host=machine) as proxy,
    ):
        port = provider.address[1]
        reached = provider.url.replace(f"127.0.0.1:{port}", f"{machine}:{proxy.port}")
        cluster.add_models("reached", reached)
        asyncio.run(body(here, there))
