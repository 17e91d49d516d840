"""One HTTP round trip as bytes, whether its response came whole, and how it is stored."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from chatdebug.payloads import clip, clip_url, redact_and_clip
from chatdebug.payloads.limits import NAME_CHARACTERS, URL_CHARACTERS
from chatdebug.redaction import redact_headers, secrets_sent, without_sent
from chatdebug.transport.body import Body, body_text, decoded

HTTP_ERRORS = 400
HEADERS = 100
"""Headers kept of a message."""
HEADER_CHARACTERS = 1_000
"""Characters kept of a header's value."""

NO_BODY = frozenset({204, 304})
STREAM_TYPES = ("text/event-stream", "application/x-ndjson", "application/jsonl")
LAST_EVENTS = {
    "error",
    "message-end",
    "message_stop",
    "response.completed",
    "response.failed",
    "response.incomplete",
    "stream-end",
}
"""Types and names of the events that end a stream, or make SDKs stop reading."""
FINISHES = ("finish_reason", "finishReason", "stop_reason", "done", "is_finished")
"""Keys that say that an answer is over, once their value is anything."""
PARTS = ("choices", "candidates", "delta")
"""Keys of an event under which such a key may stand as well."""
OF_A_PROVIDER = re.compile(
    rb'"(?:choices|candidates|message_start|content_block_\w+|response\.\w+|done)"'
)
"""What tells the streams whose last event is known from all others."""
LAST_BYTES = 16 * 1024

type RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What passed between client and provider, not redacted yet."""

    method: str
    url: object
    """A URL; ``str()`` is called only when it is stored."""
    request_headers: RawHeaders
    sent: Body | None
    """None for a body that cannot be read twice and was therefore left alone."""
    status: int = 0
    response_headers: RawHeaders = ()
    received: Body = field(default_factory=Body)

    def response_header(self, name: str) -> str:
        """Return a header of the response in lower case, or nothing."""
        return _header(self.response_headers, name)

    def as_json(self) -> dict[str, Any]:
        """Return what is stored of a round trip.

        Keys: ``method``, ``url``, ``path``, and of request and response ``…_headers``,
        ``…_body`` (redacted text; None for one that was left alone) and
        ``…_body_length`` (bytes on the wire); ``response_status`` is None without one.
        Of a failure, without the credential of the request wherever that is said again.
        """
        with without_sent(self.secrets() if self.status >= HTTP_ERRORS else ()):
            return self._as_json()

    def secrets(self) -> frozenset[str]:
        """Return the credentials that the request was sent with."""
        return secrets_sent(_pairs(self.request_headers), str(self.url))

    def _as_json(self) -> dict[str, Any]:
        url = str(self.url)
        try:
            path = urlsplit(url).path
        except ValueError:
            path = ""
        return {
            "method": redact_and_clip(self.method, NAME_CHARACTERS),
            "url": clip_url(url),
            "path": redact_and_clip(path, URL_CHARACTERS),
            "request_headers": _headers(self.request_headers),
            "request_body": _text(self.sent, self.request_headers),
            "request_body_length": None if self.sent is None else self.sent.length,
            "response_status": self.status or None,
            "response_headers": _headers(self.response_headers),
            "response_body": _text(self.received, self.response_headers),
            "response_body_length": self.received.length,
        }


def _pairs(raw: RawHeaders) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw
    ]


def _headers(raw: RawHeaders) -> dict[str, str]:
    redacted = redact_headers(_pairs(raw))
    return {
        clip(name, NAME_CHARACTERS): redact_and_clip(value, HEADER_CHARACTERS)
        for name, value in islice(redacted.items(), HEADERS)
    }


def _header(raw: RawHeaders, wanted: str) -> str:
    for name, value in raw:
        if name.lower() == wanted.encode():
            return value.decode("latin-1").strip().lower()
    return ""


def _text(body: Body | None, headers: RawHeaders) -> str | None:
    if body is None:
        return None
    return body_text(
        body,
        content_type=_header(headers, "content-type"),
        encoding=_header(headers, "content-encoding"),
    )


def was_cut_short(exchange: Exchange) -> bool:
    """Return whether a response that ended by itself lacks what was to come.

    It is shorter than it announced, or an event stream without any event, or one of a
    known provider without its last event. Other streams may end as they like.
    """
    if _has_no_body(exchange):
        return False
    content_length = exchange.response_header("content-length")
    if content_length.isdecimal():
        return exchange.received.length < int(content_length)
    if not _is_stream(exchange):
        return False
    known = _known_end(exchange)
    if known is None:
        return False
    return not known.strip() or bool(
        OF_A_PROVIDER.search(known) and not _has_last_event(known)
    )


def came_whole(exchange: Exchange) -> bool:
    """Return whether everything was received of a response that was closed by its reader.

    It is as long as it announced, has no body, is a single JSON document, or an event
    stream whose last event came, because the SDKs stop reading there. Of a recording that
    is not whole, or too long to be decompressed, JSON and compressed streams get the
    benefit of the doubt. Nothing is read to find out: a stalled server must not delay
    the turn.
    """
    if _has_no_body(exchange):
        return True
    content_length = exchange.response_header("content-length")
    if content_length.isdecimal():
        return exchange.received.length >= int(content_length)
    if _is_stream(exchange):
        known = _known_end(exchange)
        return known is None or _has_last_event(known)
    media_type = _media_type(exchange)
    if media_type in ("", "application/json") or media_type.endswith("+json"):
        return _is_json_document(exchange)
    return False


def _has_no_body(exchange: Exchange) -> bool:
    return (
        exchange.method == "HEAD" or exchange.status < 200 or exchange.status in NO_BODY
    )


def _media_type(exchange: Exchange) -> str:
    return exchange.response_header("content-type").partition(";")[0].strip()


def _is_stream(exchange: Exchange) -> bool:
    return _media_type(exchange) in STREAM_TYPES


def _known_end(exchange: Exchange) -> bytes | None:
    """Return the end of a response, decompressed; None if it cannot be known."""
    if exchange.received.is_whole:
        known = _known(exchange)
    else:
        encoding = exchange.response_header("content-encoding")
        known = exchange.received.end if encoding in ("", "identity") else None
    return None if known is None else known[-LAST_BYTES:]


def _known(exchange: Exchange) -> bytes | None:
    """Return all of a response, decompressed; None if it cannot be known."""
    if not exchange.received.is_whole:
        return None
    known = decoded(exchange.received, exchange.response_header("content-encoding"))
    return None if known is None or not known.is_all else known.content


def _has_last_event(end: bytes) -> bool:
    return any(map(_is_last, reversed(end.splitlines())))


def _is_last(line: bytes) -> bool:
    field, colon, text = line.partition(b":")
    if field == b"event" and colon:
        return text.strip().decode(errors="replace") in LAST_EVENTS
    data = text.strip() if field == b"data" else line.strip()
    if data == b"[DONE]":
        return field == b"data"
    if not data.startswith(b"{"):
        return False
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return _ends(event) or event.get("error") is not None


def _ends(event: dict[str, Any]) -> bool:
    kind = event.get("type")
    if (isinstance(kind, str) and kind in LAST_EVENTS) or "messageStop" in event:
        return True
    inner = [event]
    for key in PARTS:
        part = event.get(key)
        parts = part if isinstance(part, list) else [part]
        inner += [part for part in parts if isinstance(part, dict)]
    return any(part.get(key) for part in inner for key in FINISHES)


def _is_json_document(exchange: Exchange) -> bool:
    known = _known(exchange)
    if known is None:
        return True
    try:
        json.loads(known)
    except (ValueError, RecursionError):
        return False
    return True
