"""The seam between whoever starts or stops a turn and whoever runs it."""

from typing import Protocol
from uuid import UUID


class Runner(Protocol):
    """Runs turns. Both methods may be called from any thread, and return at once."""

    def enqueue(self, turn_id: UUID) -> None:
        """A queued turn was committed: run it soon."""

    def stop(self, turn_id: UUID) -> None:
        """A turn is to be stopped: end it now if it runs here."""


class ElsewhereRunner:
    """For a process that runs no turns itself: the rows say all that is needed.

    A runner of another process finds queued turns and stop requests in the database.
    """

    def enqueue(self, turn_id: UUID) -> None:
        """Leave it to the runner that will find it."""

    def stop(self, turn_id: UUID) -> None:
        """Leave it to the runner that has it."""


_runner: Runner = ElsewhereRunner()


def get_runner() -> Runner:
    """Return the runner of this process."""
    return _runner


def set_runner(runner: Runner | None) -> None:
    """Make this the runner of the process; None: turns are run elsewhere."""
    global _runner
    _runner = runner or ElsewhereRunner()
