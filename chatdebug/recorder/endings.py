"""Whether a response whose reading ended had been complete."""

import json
import re

from chatdebug.recorder.bodies import decoded
from chatdebug.recorder.exchange import Exchange

NO_BODY = frozenset({204, 304})
LAST_EVENT = re.compile(
    rb"^(?:data: ?\[DONE\]"
    rb"|event: ?(?:message_stop|error|response\.(?:completed|failed|incomplete))\s*$"
    rb'|data: ?\{"error")',
    re.MULTILINE,
)
"""What ends an event stream of OpenAI or Anthropic, or makes their SDKs stop reading."""
LAST_BYTES = 16 * 1024


def is_complete(exchange: Exchange, *, at_end: bool) -> bool:
    """Say whether everything was received, by reference (d), "HTTP attempt capture".

    At its end a response is complete if it is as long as it announced. One that was
    closed earlier is so too without a body, as a single JSON document, and as an event
    stream whose last event came, because the SDKs stop reading there. Of a recording that
    is not whole, JSON and compressed streams get the benefit of the doubt. Nothing is
    read to find out: a stalled server must not delay the turn.
    """
    if exchange.method == "HEAD" or exchange.status < 200 or exchange.status in NO_BODY:
        return True
    announced = exchange.response_header("content-length")
    if announced.isdecimal():
        return exchange.received.length >= int(announced)
    return at_end or _looks_complete(exchange)


def _looks_complete(exchange: Exchange) -> bool:
    media_type = exchange.response_header("content-type").partition(";")[0].strip()
    if media_type == "text/event-stream":
        return _has_last_event(exchange)
    if media_type in ("", "application/json") or media_type.endswith("+json"):
        return _is_json_document(exchange)
    return False


def _has_last_event(exchange: Exchange) -> bool:
    encoding = exchange.response_header("content-encoding")
    if exchange.received.is_whole:
        known = decoded(exchange.received, encoding)
    else:
        known = exchange.received.end if encoding in ("", "identity") else None
    return known is None or bool(LAST_EVENT.search(known[-LAST_BYTES:]))


def _is_json_document(exchange: Exchange) -> bool:
    if not exchange.received.is_whole:
        return True
    known = decoded(exchange.received, exchange.response_header("content-encoding"))
    if known is None:
        return True
    try:
        json.loads(known)
    except (ValueError, RecursionError):
        return False
    return True
