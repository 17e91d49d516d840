"""What viewers of a turn get from the bus of a single process."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import UUID, uuid4

from chatd.turns.bus import Event, EventName, memory
from chatd.turns.bus.memory import RING_EVENTS, MemoryBus


async def collect(events: AsyncGenerator[Event, None]) -> list[Event]:
    return [event async for event in events]


def run(body: Callable[[MemoryBus, UUID], Awaitable[None]]) -> None:
    async def inside() -> None:
        await body(MemoryBus(), uuid4())

    asyncio.run(inside())


def words(events: list[Event]) -> str:
    """What a page shows after these events."""
    text = ""
    for event in events:
        if event.name is EventName.SNAPSHOT:
            text = event.data
        elif event.name is EventName.DELTA:
            text += event.data
    return text


def test_a_viewer_who_comes_late_gets_all_of_it() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.publish_delta(turn, "Hello ")
        bus.publish_delta(turn, "you")
        viewer = bus.subscribe(turn)
        first = await anext(viewer)
        bus.publish_delta(turn, "!")
        bus.close(turn)
        events = [first, *await collect(viewer)]
        assert first.name is EventName.SNAPSHOT
        assert words(events) == "Hello you!"
        assert events[-1].name is EventName.END

    run(body)


def test_a_viewer_who_waits_sees_the_turn_from_its_beginning() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        waiting = asyncio.create_task(collect(bus.subscribe(turn)))
        await asyncio.sleep(0)
        bus.open(turn, epoch=1)
        bus.publish_delta(turn, "Hi")
        bus.close(turn)
        assert words(await waiting) == "Hi"

    run(body)


def test_a_viewer_who_comes_back_gets_what_was_missed_and_no_more() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        for word in "one ", "two ", "three":
            bus.publish_delta(turn, word)
        bus.close(turn)
        events = await collect(bus.subscribe(turn, after="1-1"))
        assert [event.data for event in events] == ["two ", "three", ""]

    run(body)


def test_an_id_of_another_epoch_gets_a_snapshot() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.publish_delta(turn, "old words")
        bus.open(turn, epoch=2)
        bus.publish_delta(turn, "new")
        bus.close(turn)
        events = await collect(bus.subscribe(turn, after="1-1"))
        assert [event.name for event in events] == [EventName.SNAPSHOT, EventName.END]
        assert words(events) == "new"

    run(body)


def test_nonsense_as_an_id_gets_a_snapshot() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.publish_delta(turn, "text")
        bus.close(turn)
        for nonsense in ("x", "1-99", "9-1", "1--1", "-", "1-" + "9" * 60):
            events = await collect(bus.subscribe(turn, after=nonsense))
            assert events[0].name is EventName.SNAPSHOT, nonsense

    run(body)


def test_a_viewer_who_fell_behind_the_ring_gets_a_snapshot() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        for _ in range(RING_EVENTS + 10):
            bus.publish_delta(turn, "x")
        bus.close(turn)
        events = await collect(bus.subscribe(turn, after="1-5"))
        assert events[0].name is EventName.SNAPSHOT
        assert len(words(events)) == RING_EVENTS + 10

    run(body)


def test_an_attempt_that_failed_takes_its_words_back() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        viewer = asyncio.create_task(collect(bus.subscribe(turn)))
        await asyncio.sleep(0)
        bus.publish_delta(turn, "wrong")
        bus.publish_reset(turn)
        bus.publish_delta(turn, "right")
        bus.close(turn)
        assert words(await viewer) == "right"
        assert words(await collect(bus.subscribe(turn))) == "right"

    run(body)


def test_a_viewer_who_comes_while_the_turn_waits_is_told_why() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.publish_status(turn, "Trying again.")
        viewer = bus.subscribe(turn)
        seen = [await anext(viewer), await anext(viewer)]
        assert "Trying again." in [event.data for event in seen]
        await viewer.aclose()

    run(body)


def test_closing_twice_ends_once() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.close(turn)
        bus.close(turn)
        events = await collect(bus.subscribe(turn))
        assert [event.name for event in events] == [EventName.SNAPSHOT, EventName.END]

    run(body)


def test_a_viewer_who_comes_back_after_the_end_is_told_again() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        bus.close(turn)
        events = await collect(bus.subscribe(turn, after="1-1"))
        assert [event.name for event in events] == [EventName.END]

    run(body)


def test_many_viewers_see_the_same() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=3)
        viewers = [asyncio.create_task(collect(bus.subscribe(turn))) for _ in range(20)]
        for number in range(50):
            bus.publish_delta(turn, f"{number} ")
            await asyncio.sleep(0)
        bus.close(turn)
        expected = "".join(f"{number} " for number in range(50))
        assert {words(await viewer) for viewer in viewers} == {expected}

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


def test_a_reader_gets_nothing_after_a_while_of_silence_and_then_the_rest() -> None:
    async def body(bus: MemoryBus, turn: UUID) -> None:
        bus.open(turn, epoch=1)
        (snapshot,) = await bus.read(turn)
        assert await bus.read(turn, after=snapshot.id, wait=0.01) == []
        bus.publish_delta(turn, "one")
        bus.publish_delta(turn, "two")
        missed = await bus.read(turn, after=snapshot.id, wait=60)
        assert [event.data for event in missed] == ["one", "two"]

    run(body)
