"""The bus: what a turn says while it runs, to any number of viewers.

The setting ``BUS`` names the implementation; this package has some.
"""

from collections.abc import AsyncGenerator
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from chatd.turns.bus.events import Event, EventName

__all__ = ["Bus", "Event", "EventName", "get_bus"]


class Bus(Protocol):
    """The seam between the turn, which publishes, and its viewers.

    It is made without arguments, once in each process.
    """

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps it from working with the other settings, as system checks."""

    def open(self, turn_id: UUID, *, epoch: int) -> None:
        """Begin the answer of this epoch; what an earlier epoch said is void."""

    def publish_delta(self, turn_id: UUID, text: str) -> None:
        """Publish more of the answer."""

    def publish_reset(self, turn_id: UUID) -> None:
        """Take the answer back: another attempt begins."""

    def publish_status(self, turn_id: UUID, text: str) -> None:
        """Publish what the turn waits for, in a plain sentence; empty for nothing."""

    def close(self, turn_id: UUID) -> None:
        """End the turn's events; its outcome is committed."""

    async def read(
        self, turn_id: UUID, *, after: str = "", wait: float | None = None
    ) -> list[Event]:
        """Return what a viewer missed since the event ``after``, or what comes next.

        Without a valid ``after`` that begins with a snapshot. Empty if nothing was published
        for ``wait`` seconds. Whoever reads on gives the id of the last event they got.
        """

    def subscribe(
        self, turn_id: UUID, *, after: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Yield what ``read`` returns, one by one, and end after ``end``."""


@cache
def get_bus() -> Bus:
    """Return the bus of this process. Raises ImportError for a path that is none."""
    bus: Bus = import_string(settings.BUS)()
    return bus


@receiver(setting_changed)
def _forget_bus(*, setting: str, **kwargs: Any) -> None:
    if setting == "BUS":
        get_bus.cache_clear()
