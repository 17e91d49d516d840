"""Ends runs whose process is gone; the site does the same periodically."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from chatdebug.conf import recorder_settings
from chatdebug.management.piped import PipedCommand
from chatdebug.services.stale import mark_stale_runs


class Command(PipedCommand):
    """Mark runs without a heartbeat as interrupted."""

    help = "Marks unfinished runs that gave no sign of life for a while as interrupted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the time after which a run counts as lost."""
        parser.add_argument(
            "--after",
            type=float,
            default=recorder_settings().STALE_SECONDS,
            metavar="SECONDS",
            help="how long a run may be silent (default: %(default)s)",
        )

    def handle(self, *args: Any, after: float, **options: Any) -> None:
        """Mark them and say how many there were."""
        marked = mark_stale_runs(after=timedelta(seconds=after))
        self.stdout.write(f"{marked} runs marked as interrupted.")
