"""What one turn has said so far, for the viewers of one process."""

import asyncio
from collections import deque
from contextlib import suppress

from chatd.turns.bus.events import Event, EventName, Position, SaidText

RING_EVENTS = 1_000
"""How far back a viewer can continue with single events; further back, a snapshot."""


class Channel:
    """The answer of a turn so far, and its latest events, for one event loop.

    What comes after the end of an epoch is ignored until the next one begins.
    """

    def __init__(self) -> None:
        self.position: Position = (0, 0)
        self._said = SaidText()
        self._snapshot: Event | None = None
        self._status: Event | None = None
        self._end: Event | None = None
        self._ring: deque[tuple[int, Event]] = deque()
        self._ring_follows = 0  # the sequence that the oldest event of the ring follows
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether its end was said."""
        return self._end is not None

    @property
    def characters(self) -> int:
        """How long the answer is that it keeps."""
        return self._said.characters

    def begin(self, position: Position) -> None:
        """Forget what was said: what comes next follows this position."""
        self.position = position
        self.drop_text()
        self._status = self._end = None
        self._wake()

    def drop_text(self) -> None:
        """Forget the answer, but not where it stands and whether it is over."""
        self._said.clear()
        self._ring.clear()
        self._ring_follows = self.position[1]
        self._snapshot = None

    def say(
        self, name: EventName, data: str = "", *, sequence: int | None = None
    ) -> None:
        """Add an event: the next one, or one with a later sequence of this epoch."""
        if self.is_over:
            return
        epoch, last = self.position
        sequence = last + 1 if sequence is None else sequence
        self.position = (epoch, sequence)
        event = Event(self._id(), name, data)
        self._said.add(name, data)
        if name is EventName.STATUS:
            self._status = event
        elif name is EventName.END:
            self._end = event
        self._ring.append((sequence, event))
        if len(self._ring) > RING_EVENTS:
            self._ring_follows = self._ring.popleft()[0]
        self._wake()

    def news(self, position: Position | None) -> list[Event]:
        """Return what a viewer at this position missed; None: one who knows nothing."""
        missed = self._since(position) if position else None
        return self._catch_up() if missed is None else missed

    async def wait(self, seconds: float | None) -> None:
        """Wait until there is more, or so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _since(self, position: Position) -> list[Event] | None:
        """Return the events after a position; None if the ring does not reach back."""
        epoch, known = position
        if epoch != self.position[0]:
            return None
        if not self._ring_follows <= known <= self.position[1]:
            return None
        if self._end and known == self.position[1]:
            return [self._end]  # to a viewer who missed that it was the end
        missed: list[Event] = []
        for sequence, event in reversed(self._ring):  # most viewers miss one or two
            if sequence <= known:
                break
            missed.append(event)
        missed.reverse()
        return missed

    def _catch_up(self) -> list[Event]:
        """Return what makes a viewer who knows nothing see all of it."""
        if self._end and not self._ring:
            return [self._end]  # its text is forgotten, and the outcome is stored
        if self._snapshot is None or self._snapshot.id != self._id():
            text = self._said.text
            self._snapshot = Event(self._id(), EventName.SNAPSHOT, text)
        status = [self._status] if self._status and self._status.data else []
        end = [self._end] if self._end else []
        return [*status, self._snapshot, *end]

    def _id(self) -> str:
        return "{}-{}".format(*self.position)

    def _wake(self) -> None:
        # Waiters of the old event go on; those who come next wait for the new one.
        self._changed.set()
        self._changed = asyncio.Event()
