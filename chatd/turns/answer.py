"""The answer of a turn while it comes in."""

import asyncio
from uuid import UUID

from chatd.turns.bus import Bus

PUBLISH_SECONDS = 0.05
"""Parts that come closer together than this are published as one. A viewer sees words
appear; a fast provider does not cost an event for each token (chat-facts.md, 0.8)."""


class Answer:
    """Collects the text of an answer, and publishes it in pieces."""

    def __init__(self, bus: Bus, turn_id: UUID) -> None:
        self._bus = bus
        self._turn_id = turn_id
        self._loop = asyncio.get_running_loop()
        self._parts: list[str] = []
        self._unpublished: list[str] = []
        self._last_publish = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._parts)

    def add(self, text: str) -> None:
        """Take the next part; the first one is published at once."""
        if not text:
            return
        self._parts.append(text)
        self._unpublished.append(text)
        if self._timer is None:
            wait = self._last_publish + PUBLISH_SECONDS - self._loop.time()
            if wait <= 0:
                self.publish()
            else:
                self._timer = self._loop.call_later(wait, self.publish)

    def publish(self) -> None:
        """Publish what has come since the last time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unpublished:
            self._bus.publish_delta(self._turn_id, "".join(self._unpublished))
            self._unpublished.clear()
            self._last_publish = self._loop.time()

    def reset(self) -> None:
        """Forget what a failed attempt said: the next one begins anew."""
        self.publish()
        if self._parts:
            self._parts.clear()
            self._bus.publish_reset(self._turn_id)
