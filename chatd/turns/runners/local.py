"""The embedded runner: turns are tasks of the site's own event loop."""

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

from django.db import DatabaseError

from chatd.models import Turn
from chatd.services.turns import release_abandoned_turns, renew_leases
from chatd.turns.bus import get_bus
from chatd.turns.engine import run_turn
from chatd.turns.runners import set_runner
from chatd.turns.threads import in_thread

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
"""How often leases are renewed, and rows looked at that another process wrote."""
MAX_TURNS = 200
"""Turns at a time; others wait in the database. About what one core can stream."""


class LocalRunner:
    """Supervises the turns of one event loop, from ``start`` to ``close``."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._supervisor: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to run turns, with those that wait in the database."""
        self._loop = asyncio.get_running_loop()
        self._supervisor = self._loop.create_task(self._supervise())
        set_runner(self)

    async def close(self) -> None:
        """Interrupt the turns and wait until their outcomes are stored."""
        set_runner(None)
        self._loop = None
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def enqueue(self, turn_id: UUID) -> None:
        """Run a turn soon."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, turn_id)

    def stop(self, turn_id: UUID) -> None:
        """End a turn, if it runs here."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, turn_id)

    def _begin(self, turn_id: UUID) -> None:
        if (
            self._loop is None
            or turn_id in self._tasks
            or len(self._tasks) >= MAX_TURNS
        ):
            return
        task = self._loop.create_task(run_turn(turn_id), name=f"turn {turn_id}")
        self._tasks[turn_id] = task
        task.add_done_callback(lambda task: self._ended(turn_id, task))

    def _cancel(self, turn_id: UUID) -> None:
        if (task := self._tasks.get(turn_id)) is not None:
            task.cancel()
        else:
            self._begin(turn_id)  # finds that it is over, and tells its viewers

    def _ended(self, turn_id: UUID, task: asyncio.Task[None]) -> None:
        del self._tasks[turn_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Turn %s broke off in the runner", turn_id, exc_info=error)

    async def _supervise(self) -> None:
        while True:
            try:
                await self._sweep()
            except DatabaseError:
                logger.warning("The runner's sweep failed", exc_info=True)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _sweep(self) -> None:
        """Renew leases, end what was stopped elsewhere, start what waits."""
        if self._tasks:
            for turn_id in await in_thread(renew_leases, turn_ids=list(self._tasks)):
                self._cancel(turn_id)
        for turn_id in await in_thread(release_abandoned_turns):
            get_bus().close(turn_id)
        for turn_id in await in_thread(_queued_turns):
            self._begin(turn_id)


def _queued_turns() -> list[UUID]:
    return list(Turn.objects.queued().values_list("pk", flat=True)[:MAX_TURNS])
