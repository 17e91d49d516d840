"""A process in which a turn is running, on the database of a test.

Run as ``python -m tests.chatdebug.failing_process``: its writer works, it begins a run with
a call, and says that it is ready. Each line of its input is a command:

``kind``  says what the error is taken for that the call is about to fail with
``fail``  lets the call fail with it, and says whether the run is stored
"""

import sys
from contextlib import suppress

import django


class ProviderError(Exception):
    """An error that no built-in rule knows."""


def say(word: object) -> None:
    """Answer with a line."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    """Follow the commands until the call has failed."""
    django.setup()
    from chatdebug.errors import classify
    from chatdebug.recorder import record_run
    from chatdebug.writer import close_writer, writer

    error = ProviderError("The ballast of segment 3 does not match.")
    writer().start()
    with suppress(ProviderError), record_run(chat_id="c") as run, run.step():
        say("ready")
        for command in sys.stdin:
            if command.strip() == "fail":
                raise error
            say(classify(error).kind.value)
    say("stored" if run.stored_id else "known")
    close_writer(timeout=60)


if __name__ == "__main__":
    main()
