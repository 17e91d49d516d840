"""The runner of a process that runs no turns."""

from uuid import UUID

from django.core.checks import CheckMessage


class NullRunner:
    """Leaves turns to a runner of another process.

    That one finds queued turns and stop requests in the database, so there is nothing to
    be told. Its viewers need a bus that reaches from there to here.
    """

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return nothing: it works with everything."""
        return []

    async def start(self) -> None:
        """Run nothing."""

    async def close(self) -> None:
        """End nothing."""

    def enqueue(self, turn_id: UUID) -> None:
        """Leave it to the runner that will find it."""

    def stop(self, turn_id: UUID) -> None:
        """Leave it to the runner that has it."""
