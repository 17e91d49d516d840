"""The bus of a single process: for each turn the answer so far and its latest events."""

import os
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager, nullcontext
from uuid import UUID

from django.core.checks import CheckMessage, Error

from chatd.turns.bus import Bus
from chatd.turns.bus.channel import Channel
from chatd.turns.bus.events import Event, EventName, parse_event_id

CHANNELS_KEPT = 1_000
"""Channels without a running turn: viewers of queued turns, and of those just ended."""
CHARACTERS_KEPT = 8_000_000
"""Of the answers of all of these together; a viewer who comes later fetches the outcome."""


class MemoryBus(Bus):
    """One channel for each turn. For one event loop: the site's with its local runner."""

    reaches_other_processes = False

    def __init__(self) -> None:
        self._running: dict[UUID, Channel] = {}
        self._idle: OrderedDict[UUID, Channel] = OrderedDict()
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

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Return a block that does nothing: memory needs no care."""
        return nullcontext()

    def open(self, turn_id: UUID, *, epoch: int) -> None:
        """Begin the answer of this epoch."""
        channel = self._channel(turn_id)
        if self._idle.pop(turn_id, None):
            self._idle_characters -= channel.characters
        self._running[turn_id] = channel
        channel.begin((epoch, 0))

    def publish_delta(self, turn_id: UUID, text: str) -> None:
        """Publish more of the answer."""
        self._channel(turn_id).say(EventName.DELTA, text)

    def publish_reset(self, turn_id: UUID) -> None:
        """Take the answer back."""
        self._channel(turn_id).say(EventName.SNAPSHOT)

    def publish_status(self, turn_id: UUID, text: str) -> None:
        """Publish what the turn waits for."""
        self._channel(turn_id).say(EventName.STATUS, text)

    def close(self, turn_id: UUID) -> None:
        """End the turn's events; its channel is forgotten some time later."""
        channel = self._channel(turn_id)
        channel.say(EventName.END)
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
        return channel.news(position)

    def _channel(self, turn_id: UUID) -> Channel:
        channel = self._running.get(turn_id) or self._idle.get(turn_id)
        if channel is None:
            channel = Channel()
            self._keep_idle(turn_id, channel)
        return channel

    def _keep_idle(self, turn_id: UUID, channel: Channel) -> None:
        self._idle[turn_id] = channel
        self._idle_characters += channel.characters
        while len(self._idle) > CHANNELS_KEPT:
            self._forget(self._idle.popitem(last=False)[1])
        # The oldest texts go first; that their turns are over stays known.
        for oldest in self._idle.values():
            if self._idle_characters <= CHARACTERS_KEPT:
                break
            self._forget(oldest)

    def _forget(self, channel: Channel) -> None:
        self._idle_characters -= channel.characters
        channel.drop_text()
