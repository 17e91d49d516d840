"""Runs turns, beside any number of such workers and of web processes."""

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from chatd.lifespan import site_lifespan
from chatd.turns.runner import get_runner

if TYPE_CHECKING:
    from chatd.turns.runners.procrastinate import ProcrastinateRunner

logger = logging.getLogger(__name__)

APPS = {"chatd", "chatdebug", "procrastinate"}
"""Whose tables a worker cannot do without."""


class Command(BaseCommand):
    """Run turns until SIGTERM or Ctrl-C."""

    help = (
        "Runs turns, until SIGTERM or Ctrl-C: then no new ones, and those that run have "
        "WORKER_GRACE seconds. A second signal interrupts them at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run turns; returns after a signal.

        Raises CommandError where turns need no worker, and without migrations;
        SystemCheckError for settings that cannot work.
        """
        # Its module needs Procrastinate, which nobody needs who has no workers.
        from chatd.turns.runners.procrastinate import ProcrastinateRunner

        runner = get_runner()
        if not isinstance(runner, ProcrastinateRunner):
            raise CommandError(
                f"RUNNER is {settings.RUNNER}, which runs turns without workers."
            )
        refuse_missing_migrations()
        asyncio.run(self._work(runner))

    async def _work(self, runner: "ProcrastinateRunner") -> None:
        from chatd.turns.runners.worker import Worker

        worker = Worker(runner)
        loop = asyncio.get_running_loop()
        async with site_lifespan():
            for one in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(one, worker.end)
            self.stdout.write("Ready: turns are run.")
            self.stdout.flush()
            await worker.run()
        self.stdout.write("Stopped.")


def refuse_missing_migrations() -> None:
    """Raise CommandError where the database lacks migrations; one that is away may come."""
    try:
        executor = MigrationExecutor(connection)
        newest = [key for key in executor.loader.graph.leaf_nodes() if key[0] in APPS]
        missing = executor.migration_plan(newest)
    except Error as error:
        said = str(error).partition("\n")[0]
        logger.warning("The database does not answer, and is waited for: %s", said)
        return
    finally:
        connection.close()
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migrations: run manage.py migrate."
        )
