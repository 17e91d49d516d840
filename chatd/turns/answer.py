"""The answer of a turn while it comes in."""

import asyncio
from uuid import UUID

from chatd.text import StorableText
from chatd.turns.bus import Bus
from chatd.turns.thinking import ThinkingFilter

PUBLISH_SECONDS = 0.05
"""Parts that come closer together than this are published as one. A viewer sees words
appear; a fast provider does not cost an event for each token."""


class Answer:
    """Collects the text of an answer, and publishes it in pieces.

    It is text that can be stored, without the model's thinking, and at most
    ``max_characters`` of it (0: any number).
    """

    def __init__(self, bus: Bus, turn_id: UUID, *, max_characters: int = 0) -> None:
        self._bus = bus
        self._turn_id = turn_id
        self._max_characters = max_characters
        self._loop = asyncio.get_running_loop()
        self._unpublished: list[str] = []
        self._last_publish = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._begin()

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._parts)

    @property
    def is_too_long(self) -> bool:
        """Whether more came than is kept."""
        return bool(self._max_characters) and self._size > self._max_characters

    def add(self, text: str) -> None:
        """Take the next part; the first one is published at once."""
        self._take(self._thinking.feed(self._storable.feed(text)))

    def end(self) -> None:
        """Take what was held back until more came, and publish all."""
        self._take(self._thinking.feed(self._storable.end()))
        self._take(self._thinking.end())
        self.publish()

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
            self._bus.publish_reset(self._turn_id)
        self._begin()

    def _begin(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._storable = StorableText()
        self._thinking = ThinkingFilter()

    def _take(self, text: str) -> None:
        if not text:
            return
        if self._max_characters:
            left = max(0, self._max_characters - self._size)
            self._size += len(text)
            text = text[:left]
        self._parts.append(text)
        self._unpublished.append(text)
        if self._timer is None:
            wait = self._last_publish + PUBLISH_SECONDS - self._loop.time()
            if wait <= 0:
                self.publish()
            else:
                self._timer = self._loop.call_later(wait, self.publish)
