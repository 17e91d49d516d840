"""A process that fails the same way many times, on the database of a test.

Run as ``python -m tests.chatdebug.writer.recording_process NAME FAILURES``: it says that it
is ready, waits for a line, and records the failures as those of a chat of its name. It says
"failed" as soon as the last turn has ended, so that it can be killed before it has reported
it, and ends with its input.
"""

import sys
from contextlib import suppress

import django
from django.conf import settings
from django.test import override_settings

STORM_FIRST = 3


class ProviderError(Exception):
    """An error that no rule knows."""


def main(name: str, failures: int) -> None:
    """Record so many failures, all at the same place of the code."""
    django.setup()
    from chatdebug.recorder import record_run
    from chatdebug.writer import close_writer

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with override_settings(
        CHATDEBUG={**settings.CHATDEBUG, "STORM_FIRST": STORM_FIRST}
    ):
        for _ in range(failures):
            with suppress(ProviderError), record_run(chat_id=name) as run, run.step():
                raise ProviderError("The ballast of segment 3 does not match.")
        sys.stdout.write("failed\n")
        sys.stdout.flush()
        sys.stdin.read()
        close_writer(timeout=60)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
