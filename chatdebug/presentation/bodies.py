"""Bodies of HTTP messages as people read them: JSON laid out, streams as their events.

Nothing is left out without a word about it. What is not what it says it is, or was cut so
that it is not any more, is shown as it was stored.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from chatdebug.presentation.highlighting import exact, marked_json
from chatdebug.presentation.payloads import Payload

BASE64 = re.compile(r"[A-Za-z0-9+/_-]{256,}={0,2}")
"""A text that is nothing else is bytes of a file, whose size says more than they do."""
ENDS_KEPT = 12
"""Characters of it at either end."""
PLACES_NAMED = 5
STREAM_FIELD = re.compile(r"(data|event|id|retry|):", re.MULTILINE)
LINE_END = re.compile(r"\r\n|\r|\n")
"""As the standard of such streams has it: other characters that end lines, as Python
reads them, may stand in JSON."""
BLANK_LINE = re.compile(rf"(?:(?>{LINE_END.pattern})){{2}}")
EVENTS = 500
"""A stream of more is shown as text."""
ENCODED = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, or a line of it that is none."""

    name: str
    text: str
    is_json: bool = False

    @property
    def markup(self) -> SafeString:
        """Just these characters for a browser; the tokens of JSON are marked."""
        return marked_json(self.text) if self.is_json else exact(self.text)


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its events if it is a stream, and one text otherwise."""

    payload: Payload
    events: list[Event] = field(default_factory=list)


def body_of(heading: str, text: str, content_type: str) -> Body | None:
    """Return a body that was stored as text, decoded as far as it can be."""
    if not text:
        return None
    if "event-stream" in content_type or STREAM_FIELD.match(text):
        events = list(_events(text))
        if 0 < len(events) <= EVENTS:
            return Body(Payload(heading, text), events)
    decoded = decoded_json(text)
    if decoded is None:
        return Body(Payload(heading, text))
    return Body(Payload(heading, *decoded, is_json=True))


def decoded_json(text: str) -> tuple[str, str] | None:
    """Return JSON laid out, and a note of what was decoded in it; None if it is none."""
    parsed = _parsed(text)
    if parsed is None:
        return None
    try:
        decoder = _Decoder()
        text = _laid_out(decoder.decode(parsed, ""))
    except RecursionError:
        return None
    return text, decoder.note


def _parsed(text: str) -> Any:
    """Return a JSON object or array; None for anything else.

    Of a key that is there twice one would be lost, so that is left as it is.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_float=_Number, parse_int=_Number
        )
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key is there twice")
    return found


class _Number(str):
    """A number as it was written: read as one, 1e400 and much of a long one would be lost."""

    __slots__ = ()


def _laid_out(value: Any, line: str = "\n") -> str:
    """Return JSON as ``pretty`` does, with its numbers as they were written."""
    if isinstance(value, _Number):
        return value
    deeper = f"{line}  "
    if isinstance(value, dict) and value:
        items = [
            f"{deeper}{ENCODED(key)}: {_laid_out(item, deeper)}"
            for key, item in value.items()
        ]
        return f"{{{','.join(items)}{line}}}"
    if isinstance(value, list) and value:
        items = [f"{deeper}{_laid_out(item, deeper)}" for item in value]
        return f"[{','.join(items)}{line}]"
    return ENCODED(value)


class _Decoder:
    """Puts JSON in the place of texts that are JSON, and sizes in that of file bytes."""

    def __init__(self) -> None:
        self._places: list[str] = []

    @property
    def note(self) -> str:
        if not self._places:
            return ""
        named = ", ".join(self._places[:PLACES_NAMED])
        if more := len(self._places) - PLACES_NAMED:
            named += gettext(" and %s more") % f"{more:,}" if more > 0 else ""
        return gettext("JSON that was text is decoded: %s") % named

    def decode(self, value: Any, place: str) -> Any:
        if isinstance(value, dict):
            return {
                key: self.decode(item, f"{place}.{key}" if place else key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.decode(item, f"{place}[{index}]")
                for index, item in enumerate(value)
            ]
        if isinstance(value, str) and not isinstance(value, _Number):
            return self._text(value, place)
        return value

    def _text(self, text: str, place: str) -> Any:
        if BASE64.fullmatch(text) and len(set(text)) > 16:
            size = len(text.rstrip("=")) * 3 // 4
            note = gettext("[%s bytes in base64]") % f"{size:,}"
            return f"{text[:ENDS_KEPT]}… {note} …{text[-ENDS_KEPT:]}"
        inner = _parsed(text)
        if inner is None:
            return text
        self._places.append(place)
        return self.decode(inner, place)


def _events(text: str) -> Iterator[Event]:
    """Yield the events of a stream; what is none of it, as a cut leaves, has no name."""
    for block in BLANK_LINE.split(text):
        names, data, other = list[str](), list[str](), list[str]()
        for line in LINE_END.split(block):
            key, colon, value = line.partition(":")
            if colon and key == "data":
                data.append(value.removeprefix(" "))
            elif colon and key == "event":
                names.insert(0, value.strip())
            elif colon and key in ("id", "retry"):
                names.append(line)
            elif line:
                other.append(line)
        if names or data:
            said = "\n".join(data)
            decoded = decoded_json(said)
            shown = decoded[0] if decoded else said
            yield Event(", ".join(names), shown, is_json=decoded is not None)
        if other:
            yield Event("", "\n".join(other))
