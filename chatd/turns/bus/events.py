"""What travels over the bus."""

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its id is ``epoch-sequence``."""

    id: str
    name: EventName
    data: str = ""


def parse_event_id(text: str) -> tuple[int, int] | None:
    """Return epoch and sequence of an event's id, or None if it is not one."""
    epoch, _, sequence = text.partition("-")
    if epoch.isdecimal() and sequence.isdecimal() and len(text) <= 40:
        return int(epoch), int(sequence)
    return None
