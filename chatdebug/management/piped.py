"""Commands that end in words: output that nobody takes, and a database out of reach.

A program that stops reading, such as ``head``, is no fault, and nothing is said of it.
"""

import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import Error

from chatdebug.management.databases import sentence_of

NOBODY_READS = 128 + 13
"""What shells say of a program that SIGPIPE ended."""

INTERRUPTED = 128 + signal.SIGINT
"""What shells say of a program that Ctrl-C ended."""

EARLY_ENDS = (BrokenPipeError, CommandError, KeyboardInterrupt, SystemExit)
"""What ends a command in the middle of what it does, and is no fault of its code."""


class PipedCommand(BaseCommand):
    """A command that ends silently when nobody reads on, as other programs do.

    Where its output cannot be written, or its database cannot be used, it says so in a
    sentence, and ends with 1. So it does where somebody interrupts it, with 130.
    """

    def __init__(self, stdout: Any = None, *args: Any, **options: Any) -> None:
        super().__init__(stdout, *args, **options)
        self.stdout = _Output(stdout or sys.stdout)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program.

        Exits with ``NOBODY_READS`` where its output has no reader, and with
        ``INTERRUPTED`` by Ctrl-C.
        """
        try:
            try:
                super().run_from_argv(argv)
            finally:
                # Else Python does at its end, and complains.
                self._flush()
        except BrokenPipeError:
            unread = [each for each in (sys.stdout, sys.stderr) if _is_unread(each)]
            if not unread:  # it was another pipe
                raise
            _give_up(*unread)
            sys.exit(NOBODY_READS)
        except KeyboardInterrupt:
            if "--traceback" in argv:
                raise
            sys.stderr.write("Interrupted.\n")
            sys.exit(INTERRUPTED)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it. What it has half read is let go before its connection is closed.

        Raises CommandError where its database cannot be used.
        """
        try:
            return self._execute(*args, **options)
        except EARLY_ENDS as error:
            traceback.clear_frames(error.__traceback__)
            raise

    def _execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Error as error:
            said = sentence_of(error)
            if said is None:
                raise
            raise CommandError(said) from error

    def _flush(self) -> None:
        """Write what is held of the output. Exits with 1 if that cannot be."""
        was_told = sys.exception() is not None
        try:
            with _unwritable_in_words():
                sys.stdout.flush()
        except CommandError as error:
            _give_up(sys.stdout)
            if not was_told:
                self.stderr.write(f"{type(error).__name__}: {error}")
                sys.exit(error.returncode)


class _Output(OutputWrapper):
    """Where a command writes to. Raises CommandError where that is not taken."""

    def write(self, *args: Any, **options: Any) -> None:  # type: ignore[override]
        with _unwritable_in_words():
            super().write(*args, **options)

    def flush(self) -> None:
        with _unwritable_in_words():
            super().flush()


@contextmanager
def _unwritable_in_words() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"The output cannot be written: {error.strerror}") from error


def _give_up(*streams: IO[str]) -> None:
    """Let what streams still hold go nowhere, also when Python flushes it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())


def _is_unread(stream: IO[str]) -> bool:
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
