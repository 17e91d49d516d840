"""A bus, turns that speak over it, and what their viewers see."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from chatd.enums import TurnStatus
from chatd.models import Turn
from chatd.turns.bus import Bus, Event, EventName
from chatd.turns.threads import in_thread
from tests.factories import TurnFactory

MEMORY = "chatd.turns.bus.memory.MemoryBus"
POSTGRES = "chatd.turns.bus.postgres.PostgresBus"
BUSES = {MEMORY, settings.BUS}
if connection.vendor == "postgresql":
    BUSES.add(POSTGRES)
OF_MANY_PROCESSES = {
    path for path in BUSES if import_string(path).reaches_other_processes
}

each_bus = pytest.mark.parametrize("path", sorted(BUSES))
each_bus_of_many_processes = pytest.mark.parametrize("path", sorted(OF_MANY_PROCESSES))

type Body = Callable[["Stage"], Awaitable[None]]


class Stage:
    """The buses of several processes, all in this one, with rows for what they carry."""

    def __init__(self, path: str) -> None:
        self._path = path

    @asynccontextmanager
    async def process(self) -> AsyncGenerator[Bus, None]:
        """Yield the bus of one more process, which ends with the block."""
        bus: Bus = import_string(self._path)()
        async with bus.lifespan():
            yield bus

    async def running_turn(self) -> UUID:
        """Return a turn as it is when its runner has just claimed it, in epoch 1."""
        turn = await in_thread(TurnFactory, status=TurnStatus.IN_PROGRESS, epoch=1)
        return turn.pk

    async def claim_again(self, turn_id: UUID, *, epoch: int) -> None:
        """Give a turn to another runner, who begins it anew."""
        await _update(turn_id, status=TurnStatus.IN_PROGRESS, epoch=epoch)

    async def end(self, turn_id: UUID) -> None:
        """Commit the outcome of a turn."""
        status, now = TurnStatus.COMPLETED, timezone.now()
        await _update(turn_id, status=status, finished_at=now)


def on_stage(path: str, body: Body) -> None:
    """Run a test's body with the buses of one implementation."""
    asyncio.run(_with_patience(body(Stage(path))))


async def collect(events: AsyncGenerator[Event, None]) -> list[Event]:
    return [event async for event in events]


def words(events: Sequence[Event], shown: str = "") -> str:
    """What a page shows after these events, where it has shown something before."""
    for event in events:
        if event.name is EventName.SNAPSHOT:
            shown = event.data
        elif event.name is EventName.DELTA:
            shown += event.data
    return shown


async def read_until(bus: Bus, turn_id: UUID, text: str) -> list[Event]:
    """Read from the beginning until a viewer is shown the text."""
    seen = await bus.read(turn_id)
    while words(seen) != text:
        seen += await bus.read(turn_id, after=seen[-1].id if seen else "")
    return seen


async def _update(turn_id: UUID, **fields: Any) -> None:
    await in_thread(lambda: Turn.objects.filter(pk=turn_id).update(**fields))


async def _with_patience(body: Awaitable[None]) -> None:
    async with asyncio.timeout(60):
        await body
