"""The embedded runner: turns are tasks of the site's own event loop."""

import asyncio
import logging
import os
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Error

from chatd.turns.lifecycle import ready_turns, renew_leases
from chatd.turns.runners.warm_up import warm_up
from chatd.turns.sweep import end_abandoned_turns
from chatd.turns.threads import begun_task, end_within, in_thread

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
"""How often leases are renewed, and rows looked at that another process wrote."""
CLOSE_SECONDS = 2.0
"""With what server and recorder take to end, less than the 10 s after which the first
supervisors kill."""
NO_OWNER = 0
"""Of a task that only finds out whether a turn is over."""


class LocalRunner:
    """Supervises the turns of one event loop, from ``start`` to ``close``.

    At most so many run at once, of all people and of each one, as ``TURN_LIMITS`` says;
    the others wait in the database, and those whose owner has fewest come first. In a
    process that never starts it, a shell for example, it leaves turns to the site's.
    """

    def __init__(self) -> None:
        self._tasks: dict[UUID, asyncio.Task[bool]] = {}
        self._owners: dict[UUID, int] = {}
        self._background: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Refuse several processes: each would count the turns of its own.

        ``WEB_CONCURRENCY`` is what ASGI servers take the number of their workers from.
        """
        wanted = os.environ.get("WEB_CONCURRENCY", "").strip()
        if wanted in ("", "1"):
            return []
        return [
            Error(
                f"WEB_CONCURRENCY is {wanted}: the local runner keeps to its limits, and "
                "stops a turn at once, in one process only.",
                hint="Unset it, or set RUNNER to one that runs turns in workers.",
                id="chatd.E005",
            )
        ]

    async def start(self) -> None:
        """Begin to run turns, with those that wait in the database."""
        # A process that runs no turns, such as a command, should not pay for pydantic-ai.
        from chatd.turns.engine import run_turn  # noqa: PLC0415

        self._run_turn = run_turn
        self._loop = asyncio.get_running_loop()
        self._wanted = (
            asyncio.Event()
        )  # of this loop; the site may start again in another
        self._wanted.set()
        work = (self._supervise(), self._take_ready(), warm_up())
        self._background = [self._loop.create_task(one) for one in work]

    async def close(self) -> None:
        """Interrupt the turns and wait until their outcomes are stored.

        If the database takes none for ``CLOSE_SECONDS``, they are given up: those turns
        end as interrupted when their lease is over. Their evidence is in the journal.
        """
        self._loop = None
        tasks = [*self._background, *self._tasks.values()]
        if given_up := await end_within(tasks, CLOSE_SECONDS):
            logger.error("The outcomes of %s turns could not be stored", given_up)

    def enqueue(self, turn_id: UUID) -> None:
        """Run a turn soon."""
        if (loop := self._loop) is not None:
            loop.call_soon_threadsafe(self._wanted.set)

    def stop(self, turn_id: UUID) -> None:
        """End a turn, if it runs here."""
        if (loop := self._loop) is not None:
            loop.call_soon_threadsafe(self._cancel, turn_id)

    def _begin(self, turn_id: UUID, owner_id: int) -> None:
        if self._loop is None or turn_id in self._tasks:
            return
        task = begun_task(self._run_turn(turn_id), name=f"turn {turn_id}")
        self._tasks[turn_id] = task
        self._owners[turn_id] = owner_id
        task.add_done_callback(lambda _: self._ended(turn_id))

    def _cancel(self, turn_id: UUID) -> None:
        if (task := self._tasks.get(turn_id)) is not None:
            task.cancel()
        else:
            self._begin(
                turn_id, NO_OWNER
            )  # finds that it is over, and tells its viewers

    def _ended(self, turn_id: UUID) -> None:
        limits = settings.TURN_LIMITS
        of_owner = list(self._owners.values()).count(self._owners[turn_id])
        if (
            len(self._tasks) >= limits["running"]
            or of_owner >= limits["running_of_owner"]
        ):
            self._wanted.set()  # somebody may have waited for this one's end
        del self._tasks[turn_id], self._owners[turn_id]

    async def _take_ready(self) -> None:
        """Begin turns whenever one is wanted and there is room."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            limits = settings.TURN_LIMITS
            room = limits["running"] - len(self._tasks)
            if room <= 0:
                continue
            try:
                ready = await in_thread(
                    ready_turns,
                    running=dict(self._owners),
                    limit=room,
                    limit_of_owner=limits["running_of_owner"],
                )
            except Exception:
                logger.exception("The runner could not look for turns")
                continue  # the next sweep asks again
            for turn in ready:
                self._begin(turn.id, turn.owner_id)

    async def _supervise(self) -> None:
        """Renew leases, and end what was stopped or abandoned elsewhere."""
        while True:
            try:
                if self._tasks:
                    running = list(self._tasks)
                    for turn_id in await in_thread(renew_leases, turn_ids=running):
                        self._cancel(turn_id)
                await end_abandoned_turns()
            except Exception:
                logger.exception("The runner's sweep failed")
            self._wanted.set()
            await asyncio.sleep(SWEEP_SECONDS)
