"""Runs turns in a process of its own, woken by the jobs of the Procrastinate runner."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from procrastinate import App
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from chatd.databases import POOL_WAITS
from chatd.enums import TurnStatus
from chatd.models import Turn
from chatd.turns.bus import get_bus
from chatd.turns.bus.connection import direct_parameters
from chatd.turns.engine import TurnRun, persisted
from chatd.turns.lifecycle import renew_leases, turns_to_end
from chatd.turns.placement import claim_next_turn
from chatd.turns.runners.procrastinate import JOB, QUEUE, STOPS, ProcrastinateRunner
from chatd.turns.runners.warm_up import warm_up
from chatd.turns.threads import begun_task, end_within, in_thread, shielded

logger = logging.getLogger(__name__)

RENEW_SECONDS = 10.0
"""How often leases are renewed: several times before one is over."""
LOOK_SECONDS = 0.5
"""How often the rows are asked which turns are to be stopped, should no word have come."""
POLL_SECONDS = 2.0
"""How often Procrastinate looks for jobs of which no notification came."""
JOBS_END_SECONDS = 1.0
"""For jobs, which only wait for turns, to end; the turns go on."""
MAX_CONNECTIONS = 4
"""For jobs. One more is Procrastinate's for notifications, one is ours."""
AGAIN_SECONDS = 1.0
"""Before what ended for want of the database is begun again."""
CLOSE_SECONDS = 2.0
"""For the outcomes of turns that are interrupted, as in the local runner."""


class Worker:
    """As many turns at once as ``TURN_LIMITS["running_of_worker"]`` says.

    To be run once, inside of the site's lifespan.
    """

    def __init__(self, runner: ProcrastinateRunner) -> None:
        self._runner = runner
        self._most = settings.TURN_LIMITS["running_of_worker"]
        self._places: set[asyncio.Task[None]] = set()
        self._turns: dict[UUID, asyncio.Task[None]] = {}
        # One claims at a time in the deployment. Here all but one of them wait without a
        # thread: those that there are belong to the turns that run.
        self._claiming = asyncio.Lock()
        self._is_ending = asyncio.Event()
        self._is_hurried = asyncio.Event()

    async def run(self) -> None:
        """Run turns until ``end`` is called, and those to their ends.

        First no job is taken any more. Then the turns have ``WORKER_GRACE`` seconds, unless
        ``end`` is called again, and what is left of them is interrupted. Only then their
        leases are no longer renewed.
        """
        keeping = [
            asyncio.create_task(work)
            for work in (self._keep_turns(), _forever(self._hear_stops), warm_up())
        ]
        jobs = asyncio.create_task(self._take_jobs())
        try:
            await self._is_ending.wait()
            await _ended(jobs, CLOSE_SECONDS)
            logger.info(
                "Ending: no new turns; for those that run, WORKER_GRACE is %g s: %s",
                settings.WORKER_GRACE,
                len(self._turns),
            )
            await self._let_turns_end()
        finally:
            await self._interrupt_turns()
            for task in (jobs, *keeping):
                task.cancel()
            await asyncio.wait(keeping)

    def end(self) -> None:
        """Begin to end; called again, at once."""
        if self._is_ending.is_set():
            self._is_hurried.set()
        self._is_ending.set()

    # Jobs

    async def _take_jobs(self) -> None:
        """Let Procrastinate fetch jobs, as long as there are to be any.

        Its worker ends when its database does not answer once, so it is begun again. The
        turns know nothing of that. Its pool begins without a connection: it would wait for
        one longer than it tries to have one.
        """
        connector = PsycopgConnector(
            **_connection_arguments(),
            **POOL_WAITS,
            min_size=0,
            max_size=MAX_CONNECTIONS,
        )
        app = App(connector=connector)
        app.task(name=JOB, queue=QUEUE)(self._answer_job)

        async def serve() -> None:
            async with app.open_async():
                await app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._most,
                    delete_jobs="always",  # nothing is ever looked up in them
                    fetch_job_polling_interval=POLL_SECONDS,
                    shutdown_graceful_timeout=JOBS_END_SECONDS,
                    install_signal_handlers=False,
                )

        await _forever(serve)

    async def _answer_job(self, **arguments: Any) -> None:
        """Fill a place, and keep the job until it is free again.

        So Procrastinate brings no more jobs than there are places, and others go to workers
        that have some. That the job ends, however it does, changes nothing about turns.
        """
        await self._tell_if_over(arguments.get("turn_id"))
        is_ending = asyncio.create_task(self._is_ending.wait())
        try:
            while len(self._places) >= self._most and not self._is_ending.is_set():
                await _first_of(is_ending, *self._places)
            place = self._fill_place()
            await _first_of(is_ending, place)
        finally:
            is_ending.cancel()

    async def _tell_if_over(self, turn_id: Any) -> None:
        """Tell the viewers of a job's turn, where it was stopped before it began.

        No worker had that one, and so none has told them.
        """
        try:
            told = Turn.objects.exclude(status=TurnStatus.INTERRUPTED, started_at=None)
            if not await in_thread(told.filter(pk=UUID(turn_id)).exists):
                get_bus().close(UUID(turn_id))
        except Exception as error:  # noqa: BLE001 - the database's, or of no id
            logger.warning("It is not known what became of a job's turn: %r", error)

    # Places

    def _fill_place(self) -> "asyncio.Task[None]":
        place = asyncio.create_task(self._run_turns())
        self._places.add(place)
        place.add_done_callback(self._places.discard)
        return place

    async def _run_turns(self) -> None:
        """Run the next turn, and the next one, until there is none."""
        while not self._is_ending.is_set():
            if (turn := await self._claim()) is None:
                return
            await asyncio.wait({self._begin(turn)})
        try:
            await in_thread(self._runner.place_ready_turns)
        except Exception:
            logger.exception("What is ready now waits for the next sweep")

    async def _claim(self) -> Turn | None:
        """Claim the next turn. What the database does not give now, the sweep finds."""
        claim = partial(claim_next_turn, claim=uuid4())
        try:
            async with self._claiming:
                # Shielded: what was claimed must be run, and so be ended.
                return await shielded(persisted(claim))
        except Exception:
            logger.exception("The worker could not claim a turn")
            return None

    def _begin(self, turn: Turn) -> "asyncio.Task[None]":
        task = begun_task(TurnRun(turn).to_its_end(), name=f"turn {turn.id}")
        self._turns[turn.id] = task
        task.add_done_callback(lambda _: self._turns.pop(turn.id))
        if self._is_hurried.is_set():
            task.cancel()
        return task

    def _stop(self, turn_id: UUID) -> None:
        if (task := self._turns.get(turn_id)) is not None:
            task.cancel()

    # Leases, Stop and the end

    async def _keep_turns(self) -> None:
        """Renew the leases of the turns that run here, and end those that are to end."""
        loop = asyncio.get_running_loop()
        next_renewal = loop.time()
        while True:
            look = turns_to_end
            if loop.time() >= next_renewal:
                look, next_renewal = renew_leases, loop.time() + RENEW_SECONDS
            try:
                if running := list(self._turns):
                    for turn_id in await in_thread(look, turn_ids=running):
                        self._stop(turn_id)
            except Exception:
                logger.exception(
                    "The leases of the worker's turns were not looked after"
                )
                next_renewal = loop.time()
            await asyncio.sleep(LOOK_SECONDS)

    async def _hear_stops(self) -> None:
        """Stop turns as soon as somebody says so, on a connection for nothing else."""
        arguments = _connection_arguments()
        async with await psycopg.AsyncConnection.connect(
            arguments["conninfo"], **arguments["kwargs"], autocommit=True
        ) as connection:
            await connection.execute(f"LISTEN {STOPS}")
            async for notification in connection.notifies():
                with suppress(ValueError):  # not one of ours
                    self._stop(UUID(notification.payload))

    async def _let_turns_end(self) -> None:
        """Wait for the turns that run, as long as they may still."""
        hurry = asyncio.create_task(self._is_hurried.wait())
        try:
            async with asyncio.timeout(settings.WORKER_GRACE):
                while self._places and not hurry.done():
                    await _first_of(hurry, *self._places)
        except TimeoutError:
            logger.info("Turns that take longer are interrupted: %s", len(self._turns))
        finally:
            hurry.cancel()

    async def _interrupt_turns(self) -> None:
        """Interrupt what still runs, and wait until its outcome is stored."""
        self._is_hurried.set()
        given_up = 0
        while left := self._unfinished():
            given_up += await end_within(left, CLOSE_SECONDS)
        if given_up:
            logger.error("The outcomes of some turns could not be stored")

    def _unfinished(self) -> list["asyncio.Task[None]"]:
        """Return what runs; what has just ended is in the sets until the loop goes on."""
        tasks = (*self._turns.values(), *self._places)
        return [task for task in tasks if not task.done()]


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    """Do again what ends, with an error or without, after a moment."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the database's, or Procrastinate's of it
            # Procrastinate's own errors say only that there was one.
            logger.warning("Begun again in a moment: %r", error.__cause__ or error)
        await asyncio.sleep(AGAIN_SECONDS)


async def _first_of(*tasks: "asyncio.Task[Any]") -> None:
    """Return when the first of them is done; cancel none."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _ended(task: "asyncio.Task[None]", seconds: float) -> None:
    """Cancel a task, and wait so long for its end."""
    task.cancel()
    await asyncio.wait({task}, timeout=seconds)


def _connection_arguments() -> dict[str, Any]:
    """Return how to connect for LISTEN, which no pooler between transactions can carry."""
    if settings.LISTEN_URL:
        return {"conninfo": "", "kwargs": direct_parameters()}
    return {"conninfo": "", "kwargs": connector_params()}
