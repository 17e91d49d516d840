"""Says how the recorder is: what waits, what was written, what was lost."""

from datetime import datetime
from typing import Any

from django.conf import settings

from chatdebug.conf import recorder_settings
from chatdebug.formats import printable
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ChatRun, WriterState
from chatdebug.writer.spool import Spool

LOSSES = (
    *("dropped", "deferred", "refused", "mended", "orphaned", "suppressed"),
    *("journal_failures", "unsafe", "evicted"),
)
ACTIVITY = ("written", "journaled", "imported", "failures")


class Command(PipedCommand):
    """Print the state of the spool, of the runs in progress, and of each writer."""

    help = "Shows the recorder's state: spool, queue, written, dropped, suppressed, errors."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        config = recorder_settings()
        folder = config.SPOOL_DIR
        waiting = Spool(folder).count() if folder else 0
        where = str(folder) if folder else "switched off"
        self.stdout.write(f"spool: {waiting} captures wait ({where})")
        self.stdout.write(f"runs in progress: {ChatRun.objects.unfinished().count()}")
        writers = list(WriterState.objects.all())
        if not writers:
            self.stdout.write("writers: none has been seen in the last days")
        for writer in writers:
            self.describe(writer)

    def describe(self, writer: WriterState) -> None:
        """Print one writer's state."""
        self.stdout.write("")
        self.stdout.write(
            f"{printable(str(writer))}, started {clock(writer.started_at)}, "
            f"seen {clock(writer.seen_at)}"
        )
        self.stdout.write(f"  queued: {writer.queued}, spooled: {writer.spooled}")
        for names in (ACTIVITY, LOSSES):
            numbers = (f"{name}: {writer.counters.get(name, 0)}" for name in names)
            self.stdout.write("  " + ", ".join(numbers))
        if writer.last_error and writer.last_error_at:
            when = clock(writer.last_error_at)
            self.stdout.write(f"  last error: {printable(writer.last_error)} at {when}")


def clock(moment: datetime) -> str:
    """Return a moment with its time zone: the project's own, if it stores none."""
    zone = moment.tzname() or settings.TIME_ZONE
    return f"{moment:%Y-%m-%d %H:%M:%S} {zone}"
