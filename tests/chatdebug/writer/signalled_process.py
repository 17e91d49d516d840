"""A process that gets a SIGTERM while its main thread blocks it, as Celery's pool does.

Run as ``python -m tests.chatdebug.writer.signalled_process``, on the database of a test: it
records a failure, blocks the signal, sends it to itself, says that it is still here, and
lets the signal come.
"""

import os
import signal
import sys
from contextlib import suppress

import django
from django.conf import settings


class ProviderError(Exception):
    """An error that no rule knows."""


def main() -> None:
    """Let the recorder's threads run, and be sent the signal beside them."""
    django.setup()
    # Psycopg's pool has threads of its own, by which signals come as by the host's.
    settings.DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
    from chatdebug.recorder import record_run
    from chatdebug.writer import writer

    with suppress(ProviderError), record_run(chat_id="c") as run, run.step():
        raise ProviderError("The ballast of segment 3 does not match.")
    assert run.id
    writer().written(run.id).result(timeout=60)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.kill(os.getpid(), signal.SIGTERM)
    sys.stdout.write("still here\n")
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


if __name__ == "__main__":
    main()
