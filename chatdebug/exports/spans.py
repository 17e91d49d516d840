"""Spans and their values as OTLP writes them in JSON."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatdebug.exports.canonical import canonical

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATUS_ERROR = 2
LARGEST = 2**63 - 1

type Json = dict[str, Any]


class Kind(IntEnum):
    """On which side of a call a span is."""

    INTERNAL = 1
    CLIENT = 3


def span(
    *,
    run: UUID,
    part: str = "",
    parent: str | None = None,
    name: str,
    kind: Kind,
    start: datetime,
    end: datetime | None,
    attributes: Mapping[str, Any],
    events: Iterable[Json] = (),
    error: str | None = None,
) -> Json:
    """Return a span of a run's trace.

    ``part`` names the span within its run, and ``parent`` the one around it: both ids
    are made of these names, so that a run that is exported twice is the same trace.
    ``error`` is what the status says of a failure; None if there was none. A span that
    has no end yet, or one before its start, ends where it began.
    """
    document: Json = {
        "traceId": run.hex,
        "spanId": _span_id(run, part),
        "name": name,
        "kind": int(kind),
        "startTimeUnixNano": nanoseconds(start),
        "endTimeUnixNano": nanoseconds(max(start, end or start)),
        "attributes": attributes_of(attributes),
    }
    if parent is not None:
        document["parentSpanId"] = _span_id(run, parent)
    if events := list(events):
        document["events"] = events
    if error is not None:
        document["status"] = {"code": STATUS_ERROR, "message": error}
    return document


def event(name: str, at: datetime, attributes: Mapping[str, Any]) -> Json:
    """Return something that happened at one moment of a span."""
    return {
        "name": name,
        "timeUnixNano": nanoseconds(at),
        "attributes": attributes_of(attributes),
    }


def attributes_of(values: Mapping[str, Any]) -> list[Json]:
    """Return attributes by their names; without those that are None or empty."""
    return [
        {"key": key, "value": _value(value)}
        for key, value in values.items()
        if value not in (None, "", [], {})
    ]


def nanoseconds(moment: datetime) -> str:
    """Return a moment as nanoseconds since 1970, as text: no number of JSON is as exact."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    passed = (moment - EPOCH) // timedelta(microseconds=1)
    return str(max(passed, 0) * 1000)


def _span_id(run: UUID, part: str) -> str:
    return sha256(f"{run}/{part}".encode()).hexdigest()[:16]


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and abs(value) <= LARGEST:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    # The conventions have content, and whatever else is nested, as a text of JSON.
    return {"stringValue": canonical(value)}
