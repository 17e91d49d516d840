"""What one event of a provider's stream comes to, whichever protocol it is of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chatd.llm.wire.server_events import ServerEvent
from chatdebug.errors import UnreadableStreamError

AN_EVENT = "An event of the stream"
"""How what is wrong with one begins, until it is known which one it is."""


@dataclass(slots=True)
class Reading:
    """What is passed on of an event, and what it means for the answer."""

    passed: list[ServerEvent] = field(default_factory=list)
    has_text: bool = False
    """Whether it holds more of the answer, as opposed to usage and the like."""
    is_finished: bool = False
    """A finish reason has come: the answer is complete."""
    is_over: bool = False
    """The protocol's last event: nothing follows it."""
    failure: Exception | None = None
    """Why the answer fails here, after what is passed on."""


class WireProtocol(Protocol):
    """One protocol: reads its events and makes its own."""

    def read(self, event: ServerEvent, headers: Mapping[str, str]) -> Reading:
        """Return what an event comes to. Never raises."""

    def is_part(self, value: Any) -> bool:
        """Return whether a JSON value without an event is one that a stream begins with.

        Some servers send their streams as lines of JSON.
        """

    def whole(self, value: Any) -> list[ServerEvent]:
        """Return a whole answer as the events of a stream; none if it is no answer."""

    def ending(self, *, is_cut: bool) -> list[ServerEvent]:
        """Return what ends a stream whose own end did not come.

        ``is_cut`` ends an answer that had not finished as one that grew too long.
        """


def decoded(data: bytes) -> Any:
    """Return the JSON of an event. Raises UnreadableStreamError if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        place = ""
        if isinstance(error, json.JSONDecodeError):
            place = f", from its character {error.pos + 1:,} on"
        raise unreadable_event(f"is not valid JSON{place}") from None


def unreadable_event(what: str) -> UnreadableStreamError:
    """Return that an event, not yet known which one, is or has what it should not."""
    return UnreadableStreamError(f"{AN_EVENT} {what}.")


def placed(failure: UnreadableStreamError, number: int) -> UnreadableStreamError:
    """Return the same with the event's number, for whoever looks at what came."""
    event = f"Event {number:,} of the stream"
    return UnreadableStreamError(str(failure).replace(AN_EVENT, event, 1))


def encoded(name: str, value: Mapping[str, Any]) -> ServerEvent:
    """Return an event with this JSON."""
    return ServerEvent(name, json.dumps(value).encode())


def number(value: Any) -> int | None:
    """Return a count, also one that was sent as text or as a float; None if it is none."""
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 19:
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**63 else None


def is_count(value: Any) -> bool:
    """Return whether a count of a usage is as its protocol has it."""
    return value is None or (type(value) is int and 0 <= value < 2**63)
