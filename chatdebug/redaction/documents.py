"""Documents with a structure: JSON, NDJSON, event streams, forms, headers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatdebug.redaction.markers import MARKER
from chatdebug.redaction.names import (
    SHORT,
    is_safe_header,
    is_secret_header,
    is_secret_key,
)
from chatdebug.redaction.text import redact_query, redact_text

NOT_JSON = {"error": "chatdebug: body is not valid JSON, redacted for safety"}
EXTRA_JSON = {
    "error": "chatdebug: body contains extra JSON values, redacted for safety"
}
SCHEMA_TYPES = ("array", "boolean", "integer", "number", "object", "string")
SCHEMA_VALUES = frozenset(["const", "default", "enum", "example", "examples", "value"])
MAX_DEPTH = 200
TOO_DEEP = "[REDACTED:too deep]"


def redact_json(value: Any, depth: int = 0) -> Any:
    """Return a JSON-like value without secrets; what is unchanged is the same object.

    The whole value of a key that stands for a secret is replaced, and each string is
    redacted as text. Deeper than ``MAX_DEPTH`` nothing is kept.
    """
    if depth > MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        items = {
            _key(key): MARKER
            if _is_secret(key, item, value)
            else redact_json(item, depth + 1)
            for key, item in value.items()
        }
        return items if items != value else value
    if isinstance(value, list | tuple):
        redacted = [
            MARKER if _follows_option(value, index) else redact_json(item, depth + 1)
            for index, item in enumerate(value)
        ]
        return redacted if redacted != list(value) else value
    return value


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
    redacted = redact_json(value)
    return text if redacted == value else _dump(redacted)


def redact_ndjson(text: str) -> str:
    """Return lines of JSON without secrets; a malformed line is replaced by a note."""
    lines = text.split("\n")
    return "\n".join(map(redact_json_document, lines))


def redact_body(body: str, content_type: str = "") -> str:
    """Return a body of any content type without secrets.

    JSON is redacted by its keys where it can be read; whatever else it is, a body is
    evidence and is redacted as text.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return redact_text(redact_query(body))
    if "ndjson" in media_type or "jsonl" in media_type:
        return "\n".join(map(_json_or_text, body.split("\n")))
    if media_type == "text/event-stream" or body.startswith(("data:", "event:")):
        return "\n".join(map(_event_line, body.split("\n")))
    return _json_or_text(body)


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
        text = _header_value(name, ", ".join(map(str, values)))
        result[name] = f"{result[name]}, {text}" if name in result else text
    return result


def _header_value(name: str, value: str) -> str:
    if is_safe_header(name):
        return redact_text(value)
    if is_secret_header(name) or len(value) >= SHORT:
        return MARKER
    return value


def _is_secret(key: Any, value: Any, around: Mapping[Any, Any]) -> bool:
    """Say whether a key's value is a secret, by its name or by that of its pair."""
    if not isinstance(key, str) or value in (None, "", True, False):
        return False
    if key == "value":
        name = around.get("name") or around.get("key")
        return isinstance(name, str) and (is_secret_key(name) or is_secret_header(name))
    return is_secret_key(key) and not (_is_schema(value) or "logprob" in around)


def _is_schema(value: Any) -> bool:
    """Say whether this describes a value, as the parameters of tools are described."""
    return (
        isinstance(value, Mapping)
        and value.get("type") in SCHEMA_TYPES
        and SCHEMA_VALUES.isdisjoint(value)
    )


def _follows_option(items: list[Any] | tuple[Any, ...], index: int) -> bool:
    """Say whether an item is the value of a command line's option for a secret."""
    option = items[index - 1] if index else None
    return (
        isinstance(option, str)
        and option.startswith("--")
        and isinstance(items[index], str)
        and is_secret_key(option.lstrip("-"))
    )


def _key(key: Any) -> Any:
    return redact_text(key) if isinstance(key, str) and len(key) >= SHORT else key


def _event_line(line: str) -> str:
    field, colon, data = line.partition(":")
    if field != "data" or not colon:
        return redact_text(line)
    space = " " if data.startswith(" ") else ""
    return f"data:{space}{_json_or_text(data.removeprefix(' '))}"


def _json_or_text(text: str) -> str:
    if text.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return redact_text(text)
        redacted = redact_json(value)
        return text if redacted == value else _dump(redacted)
    return redact_text(text)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
