"""The bus of a single process: for each turn the answer so far and its latest events."""

import asyncio
import os
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from itertools import islice
from uuid import UUID

from django.core.checks import CheckMessage, Error

from chatd.turns.bus.events import Event, EventName, parse_event_id

RING_EVENTS = 1_000
"""How far back a viewer can continue with single events; further back, a snapshot."""
CHANNELS_KEPT = 1_000
"""Channels without a running turn: viewers of queued turns, and of those just ended."""
CHARACTERS_KEPT = 8_000_000
"""Of the answers of all of these together; a viewer who comes later fetches the outcome."""


class MemoryBus:
    """One channel for each turn. For one event loop: the site's with its local runner."""

    def __init__(self) -> None:
        self._running: dict[UUID, _Channel] = {}
        self._idle: OrderedDict[UUID, _Channel] = OrderedDict()
        self._idle_characters = 0

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Refuse several processes: viewers are told over the memory of one.

        ``WEB_CONCURRENCY`` is what ASGI servers take the number of their workers from.
        """
        wanted = os.environ.get("WEB_CONCURRENCY", "").strip()
        if wanted in ("", "1"):
            return []
        return [
            Error(
                f"WEB_CONCURRENCY is {wanted}: the memory bus works in one process only.",
                hint="Unset it; one process streams some 200 turns at a time.",
                id="chatd.E001",
            )
        ]

    def open(self, turn_id: UUID, *, epoch: int) -> None:
        """Begin the answer of this epoch."""
        channel = self._channel(turn_id)
        if self._idle.pop(turn_id, None):
            self._idle_characters -= channel.characters
        self._running[turn_id] = channel
        channel.begin(epoch)

    def publish_delta(self, turn_id: UUID, text: str) -> None:
        """Publish more of the answer."""
        self._channel(turn_id).add_text(text)

    def publish_reset(self, turn_id: UUID) -> None:
        """Take the answer back."""
        self._channel(turn_id).reset_text()

    def publish_status(self, turn_id: UUID, text: str) -> None:
        """Publish what the turn waits for."""
        self._channel(turn_id).set_status(text)

    def close(self, turn_id: UUID) -> None:
        """End the turn's events; its channel is forgotten some time later."""
        channel = self._channel(turn_id)
        channel.end()
        if self._running.pop(turn_id, None):
            self._keep_idle(turn_id, channel)

    async def read(
        self, turn_id: UUID, *, after: str = "", wait: float | None = None
    ) -> list[Event]:
        """Return what a viewer missed, or what comes next within so many seconds."""
        position = parse_event_id(after)
        channel = self._channel(turn_id)
        if position == channel.position and not channel.is_over:
            await channel.wait(wait)
            channel = self._channel(turn_id)  # the other one may be forgotten meanwhile
        missed = channel.since(position) if position else None
        return channel.catch_up() if missed is None else missed

    async def subscribe(
        self, turn_id: UUID, *, after: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Yield what a viewer missed, then the live rest."""
        while True:
            for event in await self.read(turn_id, after=after):
                yield event
                if event.name is EventName.END:
                    return
                after = event.id
                # Without a real wait a gone viewer would never be noticed.
                await asyncio.sleep(0)

    def _channel(self, turn_id: UUID) -> "_Channel":
        channel = self._running.get(turn_id) or self._idle.get(turn_id)
        if channel is None:
            channel = _Channel()
            self._keep_idle(turn_id, channel)
        return channel

    def _keep_idle(self, turn_id: UUID, channel: "_Channel") -> None:
        self._idle[turn_id] = channel
        self._idle_characters += channel.characters
        while len(self._idle) > CHANNELS_KEPT:
            self._forget(self._idle.popitem(last=False)[1])
        # The oldest texts go first; that their turns are over stays known.
        for oldest in self._idle.values():
            if self._idle_characters <= CHARACTERS_KEPT:
                break
            self._forget(oldest)

    def _forget(self, channel: "_Channel") -> None:
        self._idle_characters -= channel.characters
        channel.drop_text()


class _Channel:
    """What one turn has said."""

    def __init__(self) -> None:
        self.position = (0, 0)
        self.characters = 0
        self._text: list[str] = []
        self._snapshot: Event | None = None
        self._status: Event | None = None
        self._end: Event | None = None
        self._ring: deque[Event] = deque(maxlen=RING_EVENTS)
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self._end is not None

    def begin(self, epoch: int) -> None:
        self.position = (epoch, 0)
        self.drop_text()
        self._status = self._end = None
        self._wake()

    def drop_text(self) -> None:
        self.characters = 0
        self._text.clear()
        self._ring.clear()
        self._snapshot = None

    def add_text(self, text: str) -> None:
        self._text.append(text)
        self.characters += len(text)
        self._add(EventName.DELTA, text)

    def reset_text(self) -> None:
        self._text.clear()
        self._add(EventName.SNAPSHOT, "")

    def set_status(self, text: str) -> None:
        self._status = self._add(EventName.STATUS, text)

    def end(self) -> None:
        if self._end is None:
            self._end = self._add(EventName.END, "")

    def since(self, position: tuple[int, int]) -> list[Event] | None:
        """Return the events after a position; None if the ring does not reach back."""
        epoch, sequence = position
        missed = self.position[1] - sequence
        if epoch != self.position[0] or not 0 <= missed <= len(self._ring):
            return None
        if self._end and not missed:
            return [self._end]  # to a viewer who missed that it was the end
        return list(islice(self._ring, len(self._ring) - missed, None))

    def catch_up(self) -> list[Event]:
        """Return what makes a viewer who knows nothing see all of it."""
        if self._end and not self._ring:
            return [self._end]  # its text is forgotten, and the outcome is stored
        if self._snapshot is None or self._snapshot.id != self._id():
            text = "".join(self._text)
            self._text = [text]
            self._snapshot = Event(self._id(), EventName.SNAPSHOT, text)
        status = [self._status] if self._status and self._status.data else []
        end = [self._end] if self._end else []
        return [*status, self._snapshot, *end]

    async def wait(self, seconds: float | None) -> None:
        """Wait until there is more, or so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _add(self, name: EventName, data: str) -> Event:
        self.position = (self.position[0], self.position[1] + 1)
        event = Event(self._id(), name, data)
        self._ring.append(event)
        self._wake()
        return event

    def _id(self) -> str:
        return "{}-{}".format(*self.position)

    def _wake(self) -> None:
        # Waiters of the old event go on; those who come next wait for the new one.
        self._changed.set()
        self._changed = asyncio.Event()
