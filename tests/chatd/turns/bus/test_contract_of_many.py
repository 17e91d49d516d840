"""What every bus guarantees whose turns and viewers are in different processes."""

import pytest

from chatd.turns.bus import EventName
from tests.chatd.turns.bus.stage import (
    Stage,
    collect,
    each_bus_of_many_processes,
    on_stage,
    read_until,
    words,
)

pytestmark = pytest.mark.django_db(transaction=True)


@each_bus_of_many_processes
def test_a_viewer_may_be_with_another_process_each_time(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with (
            stage.process() as speaker,
            stage.process() as one,
            stage.process() as other,
        ):
            turn = await stage.running_turn()
            speaker.open(turn, epoch=1)
            said = first = "0 "
            speaker.publish_delta(turn, first)
            seen = await read_until(one, turn, first)
            begun = len(seen)
            for number in range(1, 20):
                said += (word := f"{number} ")
                speaker.publish_delta(turn, word)
                reader = (one, other)[number % 2]
                while words(seen) != said:
                    seen += await reader.read(turn, after=seen[-1].id)
            speaker.close(turn)
            seen += await collect(other.subscribe(turn, after=seen[-1].id))
            assert words(seen) == said
            # From the first word on it was told piece by piece, each of them once.
            names = {event.name for event in seen[begun:]}
            assert names == {EventName.DELTA, EventName.END}
            assert len({event.id for event in seen}) == len(seen)

    on_stage(path, body)


@each_bus_of_many_processes
def test_all_that_was_published_is_out_when_its_process_ends(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as elsewhere:
            turn = await stage.running_turn()
            async with stage.process() as bus:
                bus.open(turn, epoch=1)
                bus.publish_delta(turn, "the last words")
                bus.close(turn)
            events = await collect(elsewhere.subscribe(turn))
            assert words(events) == "the last words"

    on_stage(path, body)


@each_bus_of_many_processes
def test_a_turn_whose_process_has_died_is_ended_by_another(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as lost, stage.process() as elsewhere:
            turn = await stage.running_turn()
            lost.open(turn, epoch=1)
            lost.publish_delta(turn, "words until ")
            seen = await read_until(elsewhere, turn, "words until ")
            await stage.end(turn)
            elsewhere.close(turn)
            seen += await collect(elsewhere.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "words until "
            # It comes back, and does not know that the turn was ended.
            lost.publish_delta(turn, "now")
            lost.close(turn)
            for bus in lost, elsewhere:
                assert words(await collect(bus.subscribe(turn))) == "words until "

    on_stage(path, body)


@each_bus_of_many_processes
def test_a_process_that_has_lost_its_turn_does_not_speak_for_it(path: str) -> None:
    async def body(stage: Stage) -> None:
        async with stage.process() as lost, stage.process() as owner:
            turn = await stage.running_turn()
            lost.open(turn, epoch=1)
            lost.publish_delta(turn, "old words")
            seen = await read_until(owner, turn, "old words")
            await stage.claim_again(turn, epoch=2)
            owner.open(turn, epoch=2)
            owner.publish_delta(turn, "new")
            lost.publish_delta(turn, ", and more")
            lost.close(turn)
            owner.publish_delta(turn, " words")
            owner.close(turn)
            seen += await collect(owner.subscribe(turn, after=seen[-1].id))
            assert words(seen) == "new words"
            assert words(await collect(lost.subscribe(turn))) == "new words"

    on_stage(path, body)
