"""Brings captures that wait in the spool into the database."""

from math import inf
from typing import Any

from django.core.management.base import CommandError

from chatdebug.conf import recorder_settings
from chatdebug.management.piped import PipedCommand
from chatdebug.services.forget import delete_forgotten
from chatdebug.writer.database import import_captures
from chatdebug.writer.ownership import UNLOCKED_SECONDS, owner_of
from chatdebug.writer.spool import Spool


class Command(PipedCommand):
    """Import the spool; the site does the same at start and with each heartbeat."""

    help = "Imports captures that a dead database or process left in the spool."

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, say how many rows there were, and what still waits.

        Raises CommandError without a spool.
        """
        config = recorder_settings()
        if config.SPOOL_DIR is None:
            raise CommandError("CHATDEBUG['SPOOL_DIR'] is not set: there is no spool.")
        spool = Spool(config.SPOOL_DIR)
        try:
            rows = import_captures(spool, using=config.DATABASE)
        finally:
            spool.close()
        delete_forgotten(budget=inf, using=config.DATABASE)
        self.stdout.write(f"{rows} rows imported.")
        left = spool.files()
        if of_nobody := sum(not owner_of(path) for path in left):
            self.stdout.write(
                f"{of_nobody} files wait that name no process, which may still live: "
                f"they are taken when they are {UNLOCKED_SECONDS} seconds old."
            )
        if owned := len(left) - of_nobody:
            self.stdout.write(
                f"{owned} files wait of processes that still live: each brings its own to "
                "the database, and what it leaves can be taken when it has ended."
            )
