"""The HTTP attempts of a step as rows that open to what was sent and received."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from chatdebug.formats import span
from chatdebug.models import ChatStep
from chatdebug.presentation.bodies import Body, body_of
from chatdebug.presentation.endings import AttemptTimes, Ending, attempt_times
from chatdebug.presentation.highlighting import marked_headers
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.values import as_dict, as_list, as_number, as_text
from chatdebug.transport.connection import Connection

READ: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("method", "url", "path", "status", "error"), str),
    **dict.fromkeys(("connection", "ended_by"), str),
    **dict.fromkeys(("started_at", "finished_at"), str),
    **dict.fromkeys(("number", "response_status"), int),
    **dict.fromkeys(("duration_ms", "connect_ms"), (int, float)),
    **dict.fromkeys(
        ("time_to_first_byte_ms", "time_to_first_part_ms", "time_to_last_part_ms"),
        (int, float),
    ),
    **dict.fromkeys(("request_body_length", "response_body_length"), int),
    **dict.fromkeys(("request_headers", "response_headers"), dict),
    **dict.fromkeys(("request_body", "response_body"), object),
}
"""The keys of a stored attempt that have a place of their own here, if they are of these
types; whatever else there is must not get lost."""


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A request or a response."""

    size: str
    headers: list[tuple[str, str]]
    body: Body | None

    @property
    def marked_headers(self) -> SafeString:
        """The headers as they are copied, with their names marked."""
        return marked_headers(self.headers)


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment by the clock of the project's time zone, to the millisecond."""

    text: str
    moment: str
    """ISO 8601, for a page to show it in its reader's own zone."""

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """Return a moment; as it is stored where the calendar ends."""
        try:
            local = timezone.localtime(moment)
        except (OverflowError, ValueError):
            local = moment
        text = f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"
        return cls(text, local.isoformat())


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One round trip: how it went in one line, then all that was kept of it."""

    name: str
    ending: Ending
    endpoint: str
    """Method and path."""
    url: str
    when: list[Clock]
    """Its start and its end, as far as they are known."""
    took: str
    connection: str
    """What it went over, and how long until that was there."""
    first_byte: str
    """How long until the response's head."""
    first_part: str
    """How long until the first part of its body."""
    last_part: str
    waited: str
    """How long after the end of the attempt before it."""
    error: str
    sent: HttpMessage
    received: HttpMessage
    rest: Payload | None
    """What an attempt of another release holds besides."""


def address_of(stored: object) -> str:
    """Return scheme, host and path of an attempt; no query, and nobody's password."""
    try:
        parts = urlsplit(as_text(as_dict(stored).get("url")))
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else ""


def rows_of(stored: Any) -> list[dict[str, Any]]:
    """Return what is an attempt of what is stored in their place."""
    return [one for one in as_list(stored) if isinstance(one, dict)]


def attempts_of(step: ChatStep) -> tuple[list[AttemptReport], Payload | None]:
    """Return the attempts of a step, and what is stored in their place but is none."""
    stored: Any = step.attempts
    strange = [one for one in as_list(stored) if not isinstance(one, dict)]
    if not isinstance(stored, list):
        strange = stored or []
    rest = Payload.of(gettext("Stored beside the attempts"), strange)
    return list(_reports(step, rows_of(stored))), rest if strange else None


def _reports(step: ChatStep, rows: list[dict[str, Any]]) -> Iterator[AttemptReport]:
    before: datetime | None = None
    known = attempt_times(step.run, step, rows)
    for index, (row, times) in enumerate(zip(rows, known, strict=True), start=1):
        yield _report(row, index, times, before)
        before = times.ended


def _report(
    row: dict[str, Any], index: int, times: AttemptTimes, before: datetime | None
) -> AttemptReport:
    number = index if times.number is None else times.number
    path = as_text(row.get("path")) or as_text(row.get("url"))
    rest = {
        key: value
        for key, value in row.items()
        if value is not None and not isinstance(value, READ.get(key, ()))
    }
    return AttemptReport(
        name=gettext("Attempt %s") % f"{number:,}",
        ending=times.ending,
        endpoint=f"{as_text(row.get('method'))} {path}".strip(),
        url=as_text(row.get("url")),
        when=[Clock.at(one) for one in (times.began, times.ended) if one],
        took=_span(times.took),
        connection=_connection(times) or as_text(row.get("connection")),
        first_byte=_span(times.to_head),
        first_part=_span(times.to_first_part),
        last_part=_span(times.to_last_part),
        waited=_waited(before, times.began),
        error=as_text(row.get("error")),
        sent=_message(row, "request", gettext("Request body")),
        received=_message(row, "response", gettext("Response body")),
        rest=Payload.of(gettext("Further fields"), rest) if rest else None,
    )


def _connection(times: AttemptTimes) -> str:
    """Return what an attempt went over; nothing if nothing tells."""
    if times.connection is Connection.NOT_OPENED:
        return gettext("none was opened")
    words = {
        Connection.OPENED: gettext("opened"),
        Connection.REUSED: gettext("one that was open already"),
    }
    if times.connection is None:
        return ""
    took = _span(times.to_connection)
    after = gettext("there after %s") % took if took else ""
    return ", ".join(filter(None, (words[times.connection], after)))


def _message(row: dict[str, Any], side: str, heading: str) -> HttpMessage:
    headers = as_dict(row.get(f"{side}_headers"))
    length = as_number(row.get(f"{side}_body_length"))
    stored = row.get(f"{side}_body")
    content_type = as_text(headers.get("content-type"))
    if isinstance(stored, str):
        body = body_of(heading, stored, content_type.lower())
    else:
        body = None if stored is None else Body(Payload.of(heading, stored))
    return HttpMessage(
        size=gettext("%s bytes") % f"{length:,}" if length else "",
        headers=[(name, str(value)) for name, value in headers.items()],
        body=body,
    )


def _span(seconds: float | None) -> str:
    return "" if seconds is None else span(timedelta(seconds=seconds))


def _waited(before: datetime | None, began: datetime | None) -> str:
    if before is None or began is None or began <= before:
        return ""
    return span(began - before)
