"""Runs turns, beside any number of such workers and of web processes."""

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatd.lifespan import site_lifespan
from chatd.turns.runner import get_runner

if TYPE_CHECKING:
    from chatd.turns.runners.procrastinate import ProcrastinateRunner


class Command(BaseCommand):
    """Run turns until SIGTERM or Ctrl-C."""

    help = (
        "Runs turns, until SIGTERM or Ctrl-C: then no new ones, and those that run have "
        "WORKER_GRACE seconds. A second signal interrupts them at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run turns; returns after a signal.

        Raises CommandError where turns need no worker, SystemCheckError for settings that
        cannot work.
        """
        # Its module needs Procrastinate, which nobody needs who has no workers.
        from chatd.turns.runners.procrastinate import ProcrastinateRunner

        runner = get_runner()
        if not isinstance(runner, ProcrastinateRunner):
            raise CommandError(
                f"RUNNER is {settings.RUNNER}, which runs turns without workers."
            )
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
