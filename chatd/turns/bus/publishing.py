"""From the turns of this process into the table of chunks."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from operator import attrgetter
from typing import Any
from uuid import UUID

from chatd.text import storable
from chatd.turns.bus.chunks import APPEND, END
from chatd.turns.bus.connection import AWAY, Link, Waits
from chatd.turns.bus.events import EventName
from chatd.turns.bus.hints import CHANNEL, hint
from chatd.turns.bus.publication import Chunks, Publication

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.01
"""Between two statements: a process writes, and gives hints, at most 100 times a second,
however many turns speak. 400 turns with 10 parts a second took a quarter of a core each for
the turns, their viewers and PostgreSQL, and a part was on its way for 16 ms (p99: 27 ms), on
two cores that others used too; half the time brought nothing there. Ten times as many hints
made no difference to the commits of others (500 a second, with four processes that listen)
that could be told from chance."""
FLUSH_CHARACTERS = 1_000_000
"""One statement takes no more turns once it has so much text."""
CHARACTERS_KEPT = 64_000_000
"""Of the answers of all running turns together, which are said again after an outage.
Their runner holds each of them too, within the same bound for each turn. Past it the
longest is forgotten: after an outage its viewers get its end alone, and then its outcome."""
LAST_SECONDS = 3.0
"""At the end of the process, for what turns said last."""

type Batch = list[tuple[Publication, Chunks]]


class Publisher:
    """Appends what turns say to the table, that of many turns in one statement.

    No turn waits for it. While the database is away nothing queues up: of each turn the
    text so far is held, and said as one snapshot when the database is back.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._turns: dict[UUID, Publication] = {}
        self._unsaid: dict[UUID, Publication] = {}  # in the order in which they spoke
        self._closed: set[UUID] = set()
        self._characters = 0
        self._wanted = asyncio.Event()

    def open(self, turn_id: UUID, epoch: int) -> None:
        """Begin what a turn says in this epoch."""
        if (earlier := self._turns.get(turn_id)) is not None:
            self._drop(earlier)
        self._turns[turn_id] = Publication(turn_id, epoch)
        self._want(self._turns[turn_id])

    def say(self, turn_id: UUID, name: EventName, data: str = "") -> None:
        """Add an event of a turn; it is dropped if the turn is not this process's."""
        publication = self._turns.get(turn_id)
        if publication is None or publication.is_over:
            return
        self._characters -= publication.characters
        publication.add(name, storable(data))
        self._characters += publication.characters
        if self._characters > CHARACTERS_KEPT:
            longest = max(self._turns.values(), key=attrgetter("characters"))
            self._characters -= longest.characters
            longest.forget()
        self._want(publication)

    def close(self, turn_id: UUID) -> None:
        """End what a turn says, wherever it ran."""
        if turn_id in self._turns:
            self.say(turn_id, EventName.END)
        else:
            self._closed.add(turn_id)
            self._wanted.set()

    async def run(self) -> None:
        """Append what is said, until this is cancelled."""
        waits = Waits()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._flush()
            except AWAY as error:
                logger.warning("Viewers wait for the database: %s", error)
            except Exception:
                logger.exception("What turns say could not be written")
            else:
                waits.reset()
                await asyncio.sleep(FLUSH_SECONDS)
                continue
            self._wanted.set()
            await waits.wait()

    async def finish(self) -> None:
        """Append what was said last, as far as the database takes it in time."""
        with suppress(*AWAY):
            async with asyncio.timeout(LAST_SECONDS):
                while self._unsaid or self._closed:
                    await self._flush()

    async def _flush(self) -> None:
        """Write what there is, and tell the others of it."""
        if batch := self._take():
            await self._append(batch)
        if closed := list(self._closed):
            await self._link.rows(END, [closed, CHANNEL, hint(closed)])
            self._closed -= set(closed)

    def _take(self) -> Batch:
        batch: Batch = []
        characters = 0
        while self._unsaid and characters < FLUSH_CHARACTERS:
            publication = self._unsaid.pop(next(iter(self._unsaid)))
            chunks = publication.take()
            characters += sum(len(data) for _, data in chunks.events)
            batch.append((publication, chunks))
        if self._unsaid:
            self._wanted.set()
        return batch

    async def _append(self, batch: Batch) -> None:
        """Append chunks; what the table does not take is begun again, or given up."""
        values = _columns(chunks for _, chunks in batch)
        told = hint(chunks.turn_id for _, chunks in batch)
        try:
            rows = await self._link.rows(APPEND, [*values, CHANNEL, told])
        except BaseException:
            for publication, _ in batch:
                self._begin_again(publication)
            raise
        taken: set[UUID] = {row[0] for row in rows}
        for publication, chunks in batch:
            if chunks.turn_id not in taken:
                if chunks.follows is None:
                    self._give_up(publication)
                else:
                    self._begin_again(publication)
            elif publication.is_over and publication.is_said:
                self._drop(publication)

    def _begin_again(self, publication: Publication) -> None:
        if self._turns.get(publication.turn_id) is not publication:
            return  # a later epoch was opened meanwhile
        if publication.is_forgotten:
            self._give_up(publication)
        else:
            publication.begin_again()
            self._want(publication)

    def _give_up(self, publication: Publication) -> None:
        """Say no more of a turn that is another process's, or cannot be begun again."""
        logger.warning("Viewers of turn %s get its end only", publication.turn_id)
        self._drop(publication)
        if publication.is_over:
            self.close(publication.turn_id)

    def _want(self, publication: Publication) -> None:
        self._unsaid[publication.turn_id] = publication
        self._wanted.set()

    def _drop(self, publication: Publication) -> None:
        if self._turns.get(publication.turn_id) is publication:
            del self._turns[publication.turn_id]
            self._unsaid.pop(publication.turn_id, None)
            self._characters -= publication.characters


def _columns(chunks: Iterable[Chunks]) -> list[list[Any]]:
    """Return the values of ``APPEND``: what is wanted, then the chunks, by columns."""
    wanted: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for one in chunks:
        wanted.append((one.turn_id, one.epoch, one.follows))
        rows += [
            (one.turn_id, one.epoch, sequence, name.value, data)
            for sequence, (name, data) in enumerate(one.events, one.first)
        ]
    return [
        list(column)
        for column in (*zip(*wanted, strict=True), *zip(*rows, strict=True))
    ]
