"""JSON in the one form that is written and hashed: ASCII, compact, keys in order."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

TOO_DEEP = {"error": "chatdebug: nested too deeply"}


def canonical(value: Any) -> str:
    """Return JSON-like data as text. Never fails: what is no JSON becomes a text.

    Only ASCII is written, so that halves of characters and odd line ends, which a
    hostile row may hold, pass every reader.
    """
    try:
        try:
            return _dump(value)
        except ValueError:
            # Infinity: a number such as 1e999 is stored, and read as that.
            return _dump(_finite(value))
    except RecursionError:
        return _dump(TOO_DEEP)


def _dump(value: Any) -> str:
    return json.dumps(
        value, allow_nan=False, default=str, separators=(",", ":"), sort_keys=True
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def enclose(
    fields: Mapping[str, Any],
    key: str,
    items: Iterable[Iterable[str]],
    *,
    line: str = "",
) -> Iterator[str]:
    """Yield the canonical JSON of an object with a list that is too long to be held.

    ``fields`` are its other values; ``items`` yields the text of each item of the list
    ``key``, in pieces. Each item begins with ``line``.
    """
    before = {name: value for name, value in fields.items() if name < key}
    after = {name: value for name, value in fields.items() if name > key}
    yield canonical(before)[:-1] + ("," if before else "") + f"{canonical(key)}:["
    comma = ""
    for item in items:
        yield comma + line
        yield from item
        comma = ","
    yield "]" + ("," if after else "") + canonical(after)[1:]


def utc(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC; one without a zone is in the project's own."""
    if moment is None:
        return None
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
