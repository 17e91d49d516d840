"""Commands whose output may go to a program that stops reading, such as ``head``."""

import os
import select
import sys
import traceback
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

NOBODY_READS = 128 + 13
"""What shells say of a program that SIGPIPE ended."""

EARLY_ENDS = (BrokenPipeError, CommandError, KeyboardInterrupt, SystemExit)
"""What ends a command in the middle of what it does, and is no fault of its code."""


class PipedCommand(BaseCommand):
    """A command that ends silently when nobody reads on, as other programs do."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program. Exits with ``NOBODY_READS`` where its output has no reader."""
        try:
            try:
                super().run_from_argv(argv)
            finally:
                # Else Python does at its end, and complains.
                sys.stdout.flush()
        except BrokenPipeError:
            unread = [each for each in (sys.stdout, sys.stderr) if _is_unread(each)]
            if not unread:  # it was another pipe
                raise
            # What is still held goes nowhere, also when Python flushes it again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in unread:
                os.dup2(nowhere, stream.fileno())
            sys.exit(NOBODY_READS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it. What it has half read is let go before its connection is closed."""
        try:
            return super().execute(*args, **options)
        except EARLY_ENDS as error:
            traceback.clear_frames(error.__traceback__)
            raise


def _is_unread(stream: IO[str]) -> bool:
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
