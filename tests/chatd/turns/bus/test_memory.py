"""What the bus of a single process keeps, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

from chatd.turns.bus import EventName, memory
from chatd.turns.bus.channel import RING_EVENTS
from chatd.turns.bus.memory import MemoryBus
from tests.chatd.turns.bus.stage import collect, words


def run(body: Callable[[MemoryBus, UUID], Awaitable[None]]) -> None:
    async def inside() -> None:
        await body(MemoryBus(), uuid4())

    asyncio.run(inside())


def test_a_viewer_who_fell_behind_the_ring_gets_a_snapshot() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        for _ in range(RING_EVENTS + 10):
            bus.publish_delta(turn, "x")
        bus.close(turn)
        events = await collect(bus.subscribe(turn, after="1-5"))
        assert events[0].name is EventName.SNAPSHOT
        assert len(words(events)) == RING_EVENTS + 10
        # The ring holds the last deltas and the end.
        kept = await collect(bus.subscribe(turn, after="1-11"))
        assert len(kept) == RING_EVENTS
        assert kept[0].id == "1-12"

    run(body)


def test_what_is_kept_of_turns_that_are_over_is_bounded() -> None:
    answer = "x" * (memory.CHARACTERS_KEPT // 4)

    async def body(bus: MemoryBus, first: UUID) -> None:
        turns = [first, *(uuid4() for _ in range(9))]
        for turn in turns:
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, answer)
            bus.close(turn)
        seen = [await collect(bus.subscribe(turn)) for turn in turns]
        kept = [events for events in seen if words(events)]
        assert len(kept) == 4
        assert kept == seen[-4:]
        assert all(events[-1].name is EventName.END for events in seen)
        # Nothing blanks what a viewer has already.
        assert [event.name for event in seen[0]] == [EventName.END]

    run(body)
