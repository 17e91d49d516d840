"""A whole deployment under load, while everything breaks in turn: ``make cluster-test``.

Two web processes behind nginx, two workers, PostgreSQL behind pgbouncer, a provider that
counts. It takes minutes, so it has no name that pytest looks for.
"""

import asyncio
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from statistics import quantiles

import pytest

from tests.cluster import Cluster
from tests.deployment.load import Load
from tests.deployment.outcome import (
    STOP_SECONDS,
    Interval,
    check_outcomes,
    stop_seconds,
)
from tests.deployment.people import people
from tests.process import WorkerProcess
from tests.waiting import until

pytestmark = pytest.mark.timeout(1200)

CHATS = 920  # of which a tenth has two turns
PEOPLE = 8
STOPS = 200
END_SECONDS = 120
"""For what a worker still runs when it is told to end."""
LEASE_SECONDS = 120
"""After so many the turns of a killed worker have ended: a minute, and a sweep."""
RUNNING = "SELECT id::text FROM chatd_turn WHERE status = 'in_progress'"
LEFT = "SELECT 1 FROM chatd_turn WHERE status IN ('queued', 'in_progress')"
CUT_LISTENING = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE query ~ '^LISTEN' OR application_name = 'chatd bus, LISTEN'
"""


class Disturbance:
    """What breaks, one after the other, each time when so much of the load is over."""

    def __init__(self, cluster: Cluster, load: Load) -> None:
        self.troubles: list[Interval] = []
        self._cluster = cluster
        self._load = load
        self._begun_before_the_kill: set[str] = set()
        self._workers = [cluster.start_worker() for _ in range(2)]
        self._begun = time.monotonic()

    async def run(self) -> None:
        steps = (
            self._kill_a_worker,
            self._end_a_worker,
            self._kill_a_site,
            self._end_a_site,
            self._cut_listening,
            self._add_wrong_clocks,
            self._restart_the_database,
            self._crash_the_database,
            self._roll,
        )
        for number, step in enumerate(steps, 1):
            await self._load.reach(number / (len(steps) + 1))
            await asyncio.to_thread(step)

    def end(self) -> None:
        """End what was started; what it prints says why it did not end well."""
        for worker in self._workers:
            assert worker.end(signal.SIGTERM, seconds=END_SECONDS) == 0, worker.output

    def _say(self, text: str) -> None:
        seconds = time.monotonic() - self._begun
        now, running = datetime.now(UTC), len(self._running())
        sys.stdout.write(
            f"{now:%H:%M:%S}, {seconds:5.1f} s, {running} turns run: {text}\n"
        )
        sys.stdout.flush()

    def _running(self) -> set[str]:
        return {row[0] for row in self._cluster.execute(RUNNING)}

    def _trouble(self, since: datetime) -> None:
        self.troubles.append((since, datetime.now(UTC)))

    def _kill_a_worker(self) -> None:
        self._say("a worker is killed")
        self._begun_before_the_kill = self._running()
        assert self._begun_before_the_kill
        self._workers[0].end(signal.SIGKILL)
        self._trouble(datetime.now(UTC))
        self._workers[0].start()

    def _end_a_worker(self) -> None:
        self._say("a worker is told to end")
        assert self._workers[1].end(signal.SIGTERM, seconds=END_SECONDS) == 0
        self._workers[1].start()

    def _kill_a_site(self) -> None:
        self._say("a web process is killed")
        self._cluster.sites[0].end(signal.SIGKILL)
        self._cluster.sites[0].start()

    def _end_a_site(self) -> None:
        self._say("a web process is told to end")
        self._cluster.sites[1].end(signal.SIGTERM)
        self._cluster.sites[1].start()

    def _restart_the_database(self) -> None:
        self._say("PostgreSQL is restarted")
        since = datetime.now(UTC)
        self._cluster.database.stop("fast")
        self._cluster.database.start()
        self._trouble(since)

    def _crash_the_database(self) -> None:
        # What was seen of a killed worker's turns would be gone with the crash.
        until(
            lambda: not self._begun_before_the_kill & self._running(),
            seconds=LEASE_SECONDS,
        )
        self._say("all that the killed worker had begun is over; PostgreSQL crashes")
        since = datetime.now(UTC)
        self._cluster.database.stop("immediate")
        self._cluster.database.start()
        self._trouble(since)

    def _cut_listening(self) -> None:
        ((cut,),) = self._cluster.execute(CUT_LISTENING)
        self._say(f"{cut} connections that listen are cut")
        assert cut >= 2 * len(self._workers)

    def _add_wrong_clocks(self) -> None:
        for minutes in ("-10", "10"):
            command = ["-m", "tests.wrong_clock", minutes]
            self._workers.append(self._cluster.start_worker(command))
            self._say(f"a worker is there whose clock is {minutes} minutes off")

    def _roll(self) -> None:
        """Restart everything, so that there is always one of each."""
        old, self._workers = self._workers, []
        for worker in old[:2]:
            self._workers.append(self._cluster.start_worker())
            self._end(worker)
        for worker in old[2:]:
            self._end(worker)
        for site in self._cluster.sites:
            site.end(signal.SIGTERM)
            site.start()
        self._say("all were restarted")

    def _end(self, worker: WorkerProcess) -> None:
        self._say("one of the old workers is told to end")
        assert worker.end(signal.SIGTERM, seconds=END_SECONDS) == 0, worker.output


def test_stop_reaches_a_turn_on_any_host_within_a_second(cluster: Cluster) -> None:
    """By whichever web process it is pressed. Under load its seconds are printed alone."""

    async def body() -> list[float]:
        (person,) = people(cluster, 1)
        async with person:
            load = Load([person], STOPS, "stop", at_once=5, stops_alone=True)
            await load.run()
        return stop_seconds(cluster, load.asked)

    workers = [cluster.start_worker() for _ in range(2)]
    seconds = asyncio.run(body())
    for worker in workers:
        assert worker.end(signal.SIGTERM) == 0
    cluster.execute("DELETE FROM chatd_chatmessage; DELETE FROM chatd_turn")
    assert quantiles(seconds, n=100, method="inclusive")[98] < STOP_SECONDS


def test_no_turn_is_lost_or_asked_twice_whatever_breaks(cluster: Cluster) -> None:
    async def body() -> None:
        async with AsyncExitStack() as stack:
            crowd = people(cluster, PEOPLE)
            for person in crowd:
                await stack.enter_async_context(person)
            load = Load(crowd, CHATS, "turn")
            disturbance = Disturbance(cluster, load)
            async with asyncio.TaskGroup() as group:
                group.create_task(load.run())
                group.create_task(disturbance.run())
            until(lambda: not cluster.execute(LEFT))
            disturbance.end()
            check_outcomes(cluster, load.asked)
            stop_seconds(cluster, load.asked, disturbance.troubles)

    asyncio.run(body())
