"""What travels over the bus."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from html import escape

type Position = tuple[int, int]
"""Epoch and sequence of an event: where a viewer, or a turn, stands."""


class EventName(StrEnum):
    """What an event says.

    ``snapshot`` carries the whole answer so far and replaces what a viewer has; ``delta``
    carries more of it; ``status`` a sentence about what the turn waits for; ``end`` says
    that the outcome can be fetched.
    """

    SNAPSHOT = "snapshot"
    DELTA = "delta"
    STATUS = "status"
    END = "end"


@dataclass(frozen=True)
class Event:
    """One event; its id is ``epoch-sequence``."""

    id: str
    name: EventName
    data: str = ""

    @cached_property
    def wire(self) -> bytes:
        """The event as a viewer gets it, made once for all of them.

        A server-sent event, its text escaped for the page that it is put into.
        """
        lines = [f"event: {self.name}"]
        if self.id:
            lines.insert(0, f"id: {self.id}")
        data = escape(self.data).replace("\r\n", "\n").replace("\r", "\n")
        lines += [f"data: {line}" for line in data.split("\n")]
        return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


class SaidText:
    """The answer so far, as the events of its turn tell it."""

    def __init__(self) -> None:
        self.characters = 0
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """All of it."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def add(self, name: EventName, data: str) -> None:
        """Take an event, of whichever kind."""
        if name is EventName.DELTA:
            self._parts.append(data)
            self.characters += len(data)
        elif name is EventName.SNAPSHOT:
            self._parts = [data]
            self.characters = len(data)

    def clear(self) -> None:
        """Forget it."""
        self._parts.clear()
        self.characters = 0


def parse_event_id(text: str) -> Position | None:
    """Return epoch and sequence of an event's id, or None if it is not one."""
    epoch, _, sequence = text.partition("-")
    if epoch.isdecimal() and sequence.isdecimal() and len(text) <= 40:
        return int(epoch), int(sequence)
    return None
