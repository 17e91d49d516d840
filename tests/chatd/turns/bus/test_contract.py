"""What every bus guarantees to turns and their viewers.

``BUS=package.module.AnotherBus pytest tests/chatd/turns/bus -k contract`` asks it, and what
``test_contract_of_many.py`` has, of another implementation.
"""

import asyncio

import pytest

from chatd.turns.bus import EventName
from tests.chatd.turns.bus.stage import (
    Stage,
    collect,
    each_bus,
    on_stage,
    read_until,
    words,
)

pytestmark = pytest.mark.django_db(transaction=True)


@each_bus
def test_a_viewer_who_comes_late_gets_all_of_it(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "Hello ")
            bus.publish_delta(turn, "you")
            await read_until(bus, turn, "Hello you")
            viewer = bus.subscribe(turn)
            first = await anext(viewer)
            bus.publish_delta(turn, "!")
            bus.close(turn)
            events = [first, *await collect(viewer)]
            assert (first.name, first.data) == (EventName.SNAPSHOT, "Hello you")
            assert words(events) == "Hello you!"
            assert events[-1].name is EventName.END

    on_stage(path, body)


@each_bus
def test_a_viewer_who_waits_sees_the_turn_from_its_beginning(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            viewer = bus.subscribe(turn)
            assert words([await anext(viewer)]) == ""  # the turn waits
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "Hi")
            bus.close(turn)
            assert words(await collect(viewer)) == "Hi"

    on_stage(path, body)


@each_bus
def test_a_viewer_who_comes_back_gets_what_was_missed_and_no_more(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, text := "one ")
            seen = await read_until(bus, turn, text)
            first = len(seen)
            for word in "two ", "three ", "four":
                text += word
                bus.publish_delta(turn, word)
                seen += await bus.read(turn, after=seen[-1].id)
            bus.close(turn)
            for number in range(first, len(seen) + 1):
                shown, last = words(seen[:number]), seen[number - 1].id
                missed = await collect(bus.subscribe(turn, after=last))
                assert EventName.SNAPSHOT not in [event.name for event in missed]
                assert words(missed, shown) == text

    on_stage(path, body)


@each_bus
def test_an_id_of_another_epoch_gets_a_snapshot(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "old words")
            known = (await read_until(bus, turn, "old words"))[-1].id
            await stage.claim_again(turn, epoch=2)
            bus.open(turn, epoch=2)
            bus.publish_delta(turn, "new")
            bus.close(turn)
            events = await collect(bus.subscribe(turn, after=known))
            assert events[0].name is EventName.SNAPSHOT
            assert words(events) == "new"

    on_stage(path, body)


@each_bus
def test_nonsense_as_an_id_gets_a_snapshot(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "text")
            bus.close(turn)
            for nonsense in ("x", "1-99", "9-1", "1--1", "-", "1-" + "9" * 60):
                events = await collect(bus.subscribe(turn, after=nonsense))
                assert events[0].name is EventName.SNAPSHOT, nonsense
                assert words(events) == "text"

    on_stage(path, body)


@each_bus
def test_an_attempt_that_failed_takes_its_words_back(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            viewer = asyncio.create_task(collect(bus.subscribe(turn)))
            bus.publish_delta(turn, "wrong")
            await read_until(bus, turn, "wrong")
            bus.publish_reset(turn)
            bus.publish_delta(turn, "right")
            bus.close(turn)
            assert words(await viewer) == "right"
            assert words(await collect(bus.subscribe(turn))) == "right"

    on_stage(path, body)


@each_bus
def test_a_viewer_who_comes_while_the_turn_waits_is_told_why(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "so far")
            bus.publish_status(turn, "Trying again.")
            await read_until(bus, turn, "so far")
            seen = await bus.read(turn)
            assert [event.data for event in seen] == ["Trying again.", "so far"]
            bus.publish_status(turn, "")
            (news,) = await bus.read(turn, after=seen[-1].id)
            assert (news.name, news.data) == (EventName.STATUS, "")
            assert words(await bus.read(turn)) == "so far"

    on_stage(path, body)


@each_bus
def test_the_end_comes_once_and_to_who_comes_back_after_it_again(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            await stage.end(turn)
            bus.close(turn)
            bus.close(turn)
            events = await collect(bus.subscribe(turn))
            names = [event.name for event in events]
            assert names.count(EventName.END) == 1
            assert names[-1] is EventName.END
            again = await collect(bus.subscribe(turn, after=events[-1].id))
            assert [event.name for event in again] == [EventName.END]

    on_stage(path, body)


@each_bus
def test_what_comes_after_the_end_reaches_nobody(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, "all of it")
            bus.close(turn)
            bus.publish_delta(turn, ", and more")
            bus.publish_status(turn, "Still here.")
            bus.publish_reset(turn)
            for _ in range(2):
                events = await collect(bus.subscribe(turn))
                assert words(events) == "all of it"
                assert events[-1].name is EventName.END

    on_stage(path, body)


@each_bus
def test_a_turn_that_is_over_before_it_ran_ends_for_its_viewers(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            viewer = bus.subscribe(turn)
            await anext(viewer)
            await stage.end(turn)
            bus.close(turn)
            events = await collect(viewer)
            assert words(events) == ""
            assert events[-1].name is EventName.END

    on_stage(path, body)


@each_bus
def test_many_viewers_see_the_same(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            viewers = [
                asyncio.create_task(collect(bus.subscribe(turn))) for _ in range(20)
            ]
            for number in range(50):
                bus.publish_delta(turn, f"{number} ")
                await asyncio.sleep(0)
            bus.close(turn)
            expected = "".join(f"{number} " for number in range(50))
            assert {words(await viewer) for viewer in viewers} == {expected}

    on_stage(path, body)


@each_bus
def test_a_reader_gets_nothing_after_a_while_of_silence_and_then_the_rest(
    path: str,
) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            seen = await read_until(bus, turn, "")
            while news := await bus.read(turn, after=seen[-1].id, wait=0.1):
                seen += news
            bus.publish_delta(turn, "one")
            bus.publish_delta(turn, "two")
            missed = await bus.read(turn, after=seen[-1].id, wait=60)
            assert words(missed) == "onetwo"

    on_stage(path, body)


@each_bus
def test_turns_do_not_hear_each_other(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turns = [await stage.running_turn() for _ in range(5)]
            for turn in turns:
                bus.open(turn, epoch=1)
            for part in range(10):
                for turn in turns:
                    bus.publish_delta(turn, f"{turn} {part}\n")
                await asyncio.sleep(0)
            for turn in turns:
                bus.close(turn)
                expected = "".join(f"{turn} {part}\n" for part in range(10))
                assert words(await collect(bus.subscribe(turn))) == expected

    on_stage(path, body)


TEXTS = {
    "line ends": "one\r\ntwo\rthree\n\n",
    "many bytes": "\N{GRINNING FACE}" * 20_000,
    "no ascii": "žluťoučký kůň",
    "markup and quotes": "<b>'\"\\ {} %s $1",
    "long": "word " * 100_000,
}


@each_bus
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_arrives_as_it_was_said(path: str, text: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as bus:
            turn = await stage.running_turn()
            bus.open(turn, epoch=1)
            bus.publish_delta(turn, text)
            bus.publish_delta(turn, text)
            bus.close(turn)
            assert words(await collect(bus.subscribe(turn))) == text * 2

    on_stage(path, body)
