"""One HTTP round trip as bytes, and the same as a record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from chatdebug.payloads import clip, clip_url, redact_and_clip
from chatdebug.payloads.limits import NAME_CHARACTERS, URL_CHARACTERS
from chatdebug.redaction import redact_headers
from chatdebug.transport.body import Body, body_text

HEADERS = 100
"""Headers kept of a message."""
HEADER_CHARACTERS = 1_000
"""Characters kept of a header's value."""

type RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What passed between client and provider, not redacted yet."""

    method: str
    url: str
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
        """Return the round trip by the names of reference-behaviour.md (a).

        Lengths are bytes on the wire.
        """
        return {
            "method": redact_and_clip(self.method, NAME_CHARACTERS),
            "url": clip_url(self.url),
            "path": redact_and_clip(_path(self.url), URL_CHARACTERS),
            "request_headers": _headers(self.request_headers),
            "request_body": _text(self.sent, self.request_headers),
            "request_body_length": None if self.sent is None else self.sent.length,
            "response_status": self.status or None,
            "response_headers": _headers(self.response_headers),
            "response_body": _text(self.received, self.response_headers),
            "response_body_length": self.received.length,
        }


def _headers(raw: RawHeaders) -> dict[str, str]:
    pairs = [
        (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw
    ]
    redacted = redact_headers(pairs)
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


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
