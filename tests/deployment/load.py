"""People who chat all the while, and what they asked, saw and got."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatd.demo_provider.answers import LONG_ANSWER, short_answer
from chatd.demo_provider.behaviours import PARTIAL
from tests.deployment.people import Person, View

AT_ONCE = 40
HOP_AFTER = 7
"""Events, after which some viewers change to the next address."""


@dataclass
class Asked:
    """One turn, as the person knows it who sent it."""

    model: str
    text: str
    turn: str
    views: list[View] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.turn.split("/")[-2]

    @property
    def full_answer(self) -> str:
        """All that the provider sends, if it is let to."""
        match self.model:
            case "demo":
                return short_answer(self.text)
            case "demo-long":
                return LONG_ANSWER
            case "fault-stall":
                return PARTIAL
        return ""


class Load:
    """So many chats, some at a time. Each has an answer, two, a failure or a Stop."""

    def __init__(
        self,
        people: Sequence[Person],
        chats: int,
        name: str,
        *,
        at_once: int = AT_ONCE,
        stops_alone: bool = False,
    ) -> None:
        self.asked: list[Asked] = []
        self.over = 0
        self._people = people
        self._chats = chats
        self._name = name
        self._places = asyncio.Semaphore(at_once)
        self._stops_alone = stops_alone
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Chat, until all turns are over."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._chats):
                await self._places.acquire()
                group.create_task(self._chat(number))

    async def reach(self, share: float) -> None:
        """Wait until this share of the chats is over."""
        async with self._progress:
            await self._progress.wait_for(lambda: self.over >= share * self._chats)

    async def _chat(self, number: int) -> None:
        person = self._people[number % len(self._people)]
        try:
            match 1 if self._stops_alone else number % 10:
                case 0:
                    await self._ask(person, "fault-400", number)
                case 1:
                    await self._stop(person, number)
                case 2:
                    await self._ask(person, "demo-long", number)
                case 3:
                    await self._ask(person, "demo", number, turns=2)
                case _:
                    await self._ask(person, "demo", number)
        finally:
            self._places.release()
            async with self._progress:
                self.over += 1
                self._progress.notify_all()

    async def _ask(
        self, person: Person, model: str, number: int, *, turns: int = 1
    ) -> None:
        """Send, and watch: each second chat by two viewers, one of whom hops."""
        chat = await person.new_chat(f"counted-{model}")
        asked = [
            await self._send(person, chat, model, f"{self._name} {number}, {turn}")
            for turn in range(turns)
        ]
        async with asyncio.TaskGroup() as group:
            for one in asked:
                for hop_after in (0, HOP_AFTER)[: 1 + number // 10 % 2]:
                    one.views.append(view := View())
                    watching = person.watch(one.turn, view, hop_after=hop_after)
                    group.create_task(watching)

    async def _stop(self, person: Person, number: int) -> None:
        """Stop an answer that hangs as soon as some of it is seen."""
        model = "fault-stall"
        chat = await person.new_chat(f"counted-{model}")
        one = await self._send(person, chat, model, f"{self._name} {number}, stopped")
        one.views.append(view := View())
        watching = asyncio.create_task(person.watch(one.turn, view))
        while not view.text and not view.has_ended:
            await view.changed.wait()
        await person.stop(one.turn)
        await watching

    async def _send(self, person: Person, chat: str, model: str, text: str) -> Asked:
        turn, said = await person.send(chat, text)
        self.asked.append(one := Asked(model, said, turn))
        return one
