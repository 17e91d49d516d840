"""Documents with a structure: JSON, NDJSON, event streams, forms, headers."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chatdebug.redaction.events import is_stream, redact_events, redact_json_body
from chatdebug.redaction.fragments import redact_across
from chatdebug.redaction.patterns import MARKER
from chatdebug.redaction.secret_names import MIN_VALUE, is_safe_header, is_secret_header
from chatdebug.redaction.text import redact_query, redact_text
from chatdebug.redaction.values import dump, redact_json

NOT_JSON = {"error": "chatdebug: body is not valid JSON, redacted for safety"}
EXTRA_JSON = {
    "error": "chatdebug: body contains extra JSON values, redacted for safety"
}
STREAM_TYPES = (
    "event-stream",
    "json-seq",
    "jsonl",
    "jsonlines",
    "ndjson",
    "stream+json",
)
"""In the media types of streams."""


def redact_json_document(text: str) -> str:
    """Return a JSON document without secrets; an unchanged one byte for byte.

    What is not one JSON document is replaced by a note: it cannot be known what is in it.
    """
    if not text.strip():
        return text
    try:
        value, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return json.dumps(NOT_JSON)
    if text.lstrip()[end:].strip():
        return json.dumps(EXTRA_JSON)
    return _unchanged_or_dumped([text], [[value]], None)[0]


def redact_ndjson(text: str) -> str:
    """Return lines of JSON without secrets; a malformed line is replaced by a note."""
    lines = [
        line if not line.strip() else redact_json_document(line)
        for line in text.split("\n")
    ]
    kept = [index for index, line in enumerate(lines) if line.strip()]
    boxes = [[json.loads(lines[index])] for index in kept]
    redacted = _unchanged_or_dumped(
        [lines[index] for index in kept], boxes, redact_text
    )
    for index, line in zip(kept, redacted, strict=True):
        lines[index] = line
    return "\n".join(lines)


def _unchanged_or_dumped(
    texts: list[str], boxes: list[list[Any]], redact: Callable[[str], str] | None
) -> list[str]:
    changed = redact_across(boxes, redact)
    result = []
    for number, (text, (value,)) in enumerate(zip(texts, boxes, strict=True)):
        redacted = redact_json(value)
        is_same = number not in changed and redacted == value
        result.append(text if is_same else dump(redacted))
    return result


def redact_body(body: str, content_type: str = "", *, unsure: int = 0) -> str:
    """Return a body of any content type without secrets.

    JSON is redacted by its keys where it can be read, and streams also across their
    events; whatever else it is, a body is evidence and is redacted as text. ``unsure``:
    of a stream whose beginning is missing, how many characters of each text to hide.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return redact_text(redact_query(body))
    if any(mark in media_type for mark in STREAM_TYPES) or is_stream(body):
        return redact_events(body, unsure=unsure)
    return redact_json_body(body)


def redact_headers(
    headers: Mapping[str, Any] | Iterable[tuple[str, Any]],
) -> dict[str, str]:
    """Return headers whose values may be stored; several of a name are joined.

    Kept are those that are known to be harmless, redacted as text, and short values of
    others; names that speak of secrets are never kept.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    result: dict[str, str] = {}
    for name, value in pairs:
        values = value if isinstance(value, list | tuple) else [value]
        text = ", ".join(map(str, values))
        if is_safe_header(name):
            text = redact_text(text)
        elif is_secret_header(name) or len(text) >= MIN_VALUE:
            text = MARKER
        result[name] = f"{result[name]}, {text}" if name in result else text
    return result
