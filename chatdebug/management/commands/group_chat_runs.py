"""Groups the failures that were stored before there were groups."""

from typing import Any

from chatdebug.conf import recorder_settings
from chatdebug.management.piped import PipedCommand
from chatdebug.writer.stored_runs import group_stored_runs


class Command(PipedCommand):
    """Add stored runs that nobody counted to the groups of their failures."""

    help = (
        "Adds the runs that were stored before failures were grouped to their groups. "
        "May be run again: none counts twice."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Add them and say how many there were."""
        counted, groups = group_stored_runs(using=recorder_settings().DATABASE)
        self.stdout.write(f"{counted:,} failures added to {groups:,} groups.")
