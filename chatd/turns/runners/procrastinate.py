"""The runner of any number of hosts: jobs of Procrastinate wake workers, and no more.

A job is no turn. It says that there may be something to run, and finds a worker that has
a place free. All else is the rows' of the turns: who may claim one, whose it is (a lease,
renewed until the turn is over), whether it is to be stopped, and how it ended.

The rule by which no turn waits while it could run:

* A worker that a job has woken claims whichever turn is next, of all that are ready and
  within ``TURN_LIMITS``; seldom the job's own, for jobs know no owners. When that turn is
  over it claims the next one, until none is left. So there is one who looks for each
  message that is sent and for each turn that ends, and nothing else makes a turn ready.
* A worker that is to end looks for no turn any more. It passes on, as a job, what the end
  of its turns made ready.
* What is lost of that, with a process or with the table of jobs, the sweep finds in the
  rows: it places a job for a turn that could run and has none. Each process sweeps.

A job that comes twice, late, or for a turn that is over finds nothing to claim. A turn that
had begun is never begun again: when its lease is over it ends as interrupted. Therefore
nothing here asks Procrastinate which jobs are stalled (a worker that is about to end
looks dead to it), or lets it run one again.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.utils.module_loading import import_string
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued

from chatd.turns.lifecycle import LEASE
from chatd.turns.placement import next_turns
from chatd.turns.sweep import end_abandoned_turns
from chatd.turns.threads import in_thread

logger = logging.getLogger(__name__)

QUEUE = "chatd"
JOB = "chatd.turn"
STOPS = "chatd_stops"
"""The channel on which workers hear which turn is to be stopped."""
SWEEP_SECONDS = 5.0
PLACED_AT_ONCE = 100
"""Jobs of one sweep; the next one places more."""
DEAD_SECONDS = 120
"""A worker that Procrastinate has not heard of for so long runs none of its jobs."""


class ProcrastinateRunner:
    """Tells workers of turns: see the module. ``chatd_worker`` is what runs them."""

    def __init__(self) -> None:
        self._app = App(connector=DjangoConnector())
        self._sweeping: asyncio.Task[None] | None = None

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Refuse what reaches no other process."""
        messages: list[CheckMessage] = []
        if connection.vendor != "postgresql":
            messages.append(
                Error(
                    "RUNNER needs PostgreSQL: Procrastinate keeps its jobs there.",
                    hint="Set DATABASE_URL to a PostgreSQL database.",
                    id="chatd.E006",
                )
            )
        if not apps.is_installed("procrastinate.contrib.django"):
            messages.append(
                Error(
                    "RUNNER needs the app procrastinate.contrib.django, whose tables hold "
                    "the jobs.",
                    hint="Add it to INSTALLED_APPS, and migrate.",
                    id="chatd.E007",
                )
            )
        if not _reaches_other_processes(settings.BUS):
            messages.append(
                Error(
                    "Turns run in workers, and the bus reaches no other process: nobody "
                    "could watch them.",
                    hint="Set BUS to one that does, or RUNNER to the local runner.",
                    id="chatd.E008",
                )
            )
        return messages

    async def start(self) -> None:
        """Sweep, as long as this process lives. Turns run in workers."""
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """End the sweep."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping

    def enqueue(self, turn_id: UUID) -> None:
        """Wake a worker, unless a job for this turn waits to do so.

        Never raises: the message is stored, and the sweep finds its turn.
        """
        job = self._app.configure_task(JOB, queue=QUEUE, queueing_lock=str(turn_id))
        try:
            job.defer(turn_id=str(turn_id))
        except AlreadyEnqueued:
            pass
        except Exception:
            logger.exception("No worker could be told of turn %s", turn_id)

    def stop(self, turn_id: UUID) -> None:
        """Tell the worker that runs the turn, whichever that is.

        It asks the rows too, twice a second, so that nothing is lost with a notification.
        A job tells the viewers of a turn that was stopped before it began. Never raises.
        """
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [STOPS, str(turn_id)])
        except Exception:
            logger.exception("No worker could be told to stop turn %s", turn_id)
        self.enqueue(turn_id)

    def place_ready_turns(self) -> None:
        """Place jobs for turns that could run, where fewer jobs than turns wait.

        Raises what the database raises.
        """
        ready = [str(turn.id) for turn in next_turns(limit=PLACED_AT_ONCE)]
        if not ready:
            return
        waiting = _waiting_jobs(most=PLACED_AT_ONCE)
        without = [turn_id for turn_id in ready if turn_id not in waiting]
        for turn_id in without[: max(0, len(ready) - len(waiting))]:
            self.enqueue(UUID(turn_id))

    async def _sweep(self) -> None:
        """Find what was lost with a process or a job."""
        loop = asyncio.get_running_loop()
        next_ending = loop.time()
        while True:
            try:
                if loop.time() >= next_ending:
                    await end_abandoned_turns()
                await in_thread(self.place_ready_turns)
                await in_thread(_delete_dead_jobs)
            except Exception:
                logger.exception("The sweep failed")
                # While the database was away nobody could renew a lease.
                next_ending = loop.time() + LEASE.total_seconds()
            await asyncio.sleep(SWEEP_SECONDS)


def _reaches_other_processes(path: str) -> bool:
    """Return whether a bus does; of a path that names none, another check tells."""
    try:
        bus: Any = import_string(path)
    except (ImportError, AttributeError):
        return True
    return bool(getattr(bus, "reaches_other_processes", True))


def _waiting_jobs(*, most: int) -> set[str]:
    """Return the turns of up to so many jobs that no worker has taken yet."""
    from procrastinate.contrib.django.models import (  # noqa: PLC0415 - an app's models
        ProcrastinateJob,
    )

    waiting = ProcrastinateJob.objects.filter(queue_name=QUEUE, status="todo")
    return set(waiting.values_list("queueing_lock", flat=True)[:most])


def _delete_dead_jobs() -> None:
    """Delete the jobs that a killed worker has left; what they were for is in the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM procrastinate_jobs job
            WHERE job.status = 'doing' AND job.queue_name = %s AND NOT EXISTS (
                SELECT FROM procrastinate_workers worker
                WHERE worker.id = job.worker_id
                AND worker.last_heartbeat > now() - make_interval(secs => %s)
            )
            """,
            [QUEUE, DEAD_SECONDS],
        )
