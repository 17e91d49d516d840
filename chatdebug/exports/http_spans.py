"""The HTTP attempts of a step as spans, by OpenTelemetry's stable names for HTTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from chatdebug.errors.payload import MAX_COUNT
from chatdebug.exports.restored import parsed_moment
from chatdebug.exports.spans import Json, Kind, event, span
from chatdebug.models import ChatStep
from chatdebug.transport.attempts import AttemptStatus

FAILED = frozenset(
    [AttemptStatus.HTTP_ERROR, AttemptStatus.CUT_SHORT, AttemptStatus.FAILED]
)
"""Ends of attempts that are errors; who stopped or cancelled one knows that he did."""
MOMENTS = {
    "connect_ms": "chatdebug.connected",
    "time_to_first_byte_ms": "chatdebug.head",
    "time_to_first_part_ms": "chatdebug.first_part",
    "time_to_last_part_ms": "chatdebug.last_part",
}
"""What happened so many milliseconds after an attempt began, as events of its span."""


def attempt_spans(step: ChatStep, *, parent: str) -> Iterator[Json]:
    """Yield the spans of HTTP attempts; what is missing of one is its step's."""
    for place, attempt in enumerate(step.attempts):
        number = attempt.get("number")
        number = number if isinstance(number, int) else place + 1
        method = _text(attempt, "method") or "_OTHER"
        host, port = server_of(attempt.get("url"))
        is_error = _text(attempt, "status") in FAILED
        start = parsed_moment(attempt.get("started_at")) or step.started_at
        yield span(
            run=step.run.pk,
            part=f"{parent}/{place}",
            parent=parent,
            name="HTTP" if method == "_OTHER" else method,
            kind=Kind.CLIENT,
            start=start,
            end=parsed_moment(attempt.get("finished_at")),
            attributes={
                "http.request.method": method,
                "url.full": _text(attempt, "url"),
                "server.address": host,
                "server.port": port,
                "http.response.status_code": _count(attempt, "response_status"),
                "http.request.resend_count": number - 1 if number > 1 else None,
                "http.request.body.size": _count(attempt, "request_body_length"),
                "http.response.body.size": _count(attempt, "response_body_length"),
                "error.type": _type_of(attempt) if is_error else None,
                "chatdebug.attempt.status": _text(attempt, "status"),
                "chatdebug.attempt.ended_by": _text(attempt, "ended_by"),
                "chatdebug.attempt.connection": _text(attempt, "connection"),
                "chatdebug.attempt.time_to_first_byte_ms": _count(
                    attempt, "time_to_first_byte_ms"
                ),
            },
            events=_moments(attempt, start),
            error=_text(attempt, "error") if is_error else None,
        )


def _moments(attempt: dict[str, Any], start: datetime) -> Iterator[Json]:
    """Yield what happened during an attempt, as far as that is known."""
    for key, name in MOMENTS.items():
        passed = _count(attempt, key)
        if passed is not None and 0 <= passed < MAX_COUNT:
            yield event(name, start + timedelta(milliseconds=passed), {})


def _type_of(attempt: dict[str, Any]) -> str:
    """Return the status of an HTTP error, the class of an exception, or how it ended."""
    status = _text(attempt, "status")
    if status == AttemptStatus.HTTP_ERROR:
        return str(_count(attempt, "response_status") or status)
    raised, _, _ = _text(attempt, "error").partition(":")
    return (
        raised if status == AttemptStatus.FAILED and raised.isidentifier() else status
    )


def server_of(url: Any) -> tuple[str, int | None]:
    """Return host and port of an address; nothing for what is none."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None
    return parts.hostname or "", port


def _text(attempt: dict[str, Any], name: str) -> str:
    value = attempt.get(name)
    return value if isinstance(value, str) else ""


def _count(attempt: dict[str, Any], name: str) -> int | None:
    value = attempt.get(name)
    return value if type(value) is int else None
