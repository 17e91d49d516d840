"""The bus: what a turn says while it runs, to any number of viewers.

The setting ``BUS`` names the implementation; this package has some.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any, ClassVar, Protocol
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

    It is made without arguments, once in each process, and used in one event loop.

    What every implementation guarantees, and ``tests/chatd/turns/bus/test_contract.py``
    asks of each:

    - A viewer gets all that a turn says, in order and no part of it twice, wherever they
      begin, however often they come back and to whichever process that serves the turn.
      What cannot be told piece by piece is told as a snapshot, which replaces the rest.
    - Publishing neither waits nor raises, however the transport is. A turn that cannot be
      told of goes on, and what its viewers missed reaches them later.
    - A turn speaks in one epoch at a time. What an earlier one says once a later one has
      been opened, and what comes after the end, reaches nobody.
    - ``end`` is the last event of a turn, comes once to each viewer, and comes also when
      the process that ran the turn has died: whoever ends its turn closes it here.
    - What is kept of turns is bounded in memory, and gone some time after them.
    """

    reaches_other_processes: ClassVar[bool] = True
    """Whether viewers may be with another process than the turn that they watch."""

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps it from working with the other settings, as system checks."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Work for as long as the block lasts: around all that publishes and reads.

        Where it ends, all that was published before is on its way.
        """

    def open(self, turn_id: UUID, *, epoch: int) -> None:
        """Begin the answer of this epoch; what an earlier epoch said is void."""

    def publish_delta(self, turn_id: UUID, text: str) -> None:
        """Publish more of the answer."""

    def publish_reset(self, turn_id: UUID) -> None:
        """Take the answer back: another attempt begins."""

    def publish_status(self, turn_id: UUID, text: str) -> None:
        """Publish what the turn waits for, in a plain sentence; empty for nothing."""

    def close(self, turn_id: UUID) -> None:
        """End the turn's events, wherever it ran; its outcome is committed."""

    async def read(
        self, turn_id: UUID, *, after: str = "", wait: float | None = None
    ) -> list[Event]:
        """Return what a viewer missed since the event ``after``, or what comes next.

        Without a valid ``after`` that begins with a snapshot. Empty if nothing was published
        for ``wait`` seconds. Whoever reads on gives the id of the last event they got.
        """

    async def subscribe(
        self, turn_id: UUID, *, after: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Yield what ``read`` returns, one by one, and end after ``end``.

        Whoever inherits from this class has it.
        """
        while True:
            for event in await self.read(turn_id, after=after):
                yield event
                if event.name is EventName.END:
                    return
                after = event.id
                # Without a real wait a gone viewer would never be noticed.
                await asyncio.sleep(0)


@cache
def get_bus() -> Bus:
    """Return the bus of this process. Raises ImportError for a path that is none."""
    bus: Bus = import_string(settings.BUS)()
    return bus


@receiver(setting_changed)
def _forget_bus(*, setting: str, **kwargs: Any) -> None:
    if setting == "BUS":
        get_bus.cache_clear()
