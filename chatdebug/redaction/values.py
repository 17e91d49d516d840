"""JSON-like values, redacted by their keys and by their texts."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from chatdebug.redaction.patterns import MARKER
from chatdebug.redaction.secret_names import (
    MIN_VALUE,
    is_pin,
    is_secret_header,
    is_secret_key,
)
from chatdebug.redaction.text import redact_text

SCHEMA_TYPES = ("array", "boolean", "integer", "number", "object", "string")
SCHEMA_VALUES = frozenset(["const", "default", "enum", "example", "examples", "value"])
PRIVATE_NUMBERS = frozenset(["d", "p", "q", "dp", "dq", "qi", "k", "oth"])
"""Of a JSON web key: what makes it a private one."""
MAX_DEPTH = 200
"""Levels of nesting that are looked at, here and for secrets across texts."""
TOO_DEEP = "[REDACTED:too deep]"


def redact_json(
    value: Any, depth: int = 0, *, redact: Callable[[str], str] = redact_text
) -> Any:
    """Return a JSON-like value without secrets; what is unchanged is the same object.

    The whole value of a key that stands for a secret is replaced, and each string is
    redacted as text. Deeper than ``MAX_DEPTH`` nothing is kept. ``redact`` is
    ``redact_text``, or that with a memory, for many values that are much alike.
    """
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, (int, float)):
        return value
    if depth > MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, (list, tuple)):
        redacted = [
            MARKER
            if _follows_option(value, index)
            else redact_json(item, depth + 1, redact=redact)
            for index, item in enumerate(value)
        ]
        return redacted if redacted != list(value) else value
    if isinstance(value, (dict, Mapping)):
        items = {
            _key(key, redact): MARKER
            if _is_secret(key, item, value)
            else redact_json(item, depth + 1, redact=redact)
            for key, item in value.items()
        }
        return items if items != value else value
    return value


def _is_secret(key: Any, value: Any, around: Mapping[Any, Any]) -> bool:
    """Return whether a key's value is a secret, by its name or by that of its pair."""
    if not isinstance(key, str):
        return False
    if key == "value":
        name = around.get("name") or around.get("key")
        names_secret = isinstance(name, str) and (
            is_secret_key(name) or is_secret_header(name)
        )
    elif key == "input" and isinstance(around.get("loc"), list | tuple):
        # What a validator refused, as it is told with the place where it stood.
        place = [name for name in around["loc"] if isinstance(name, str)]
        names_secret = any(map(is_secret_key, place))
    elif key in PRIVATE_NUMBERS and "kty" in around:
        names_secret = True
    else:
        # Beside a log probability, a token is one that a model makes text of.
        names_secret = (
            is_secret_key(key)
            and "logprob" not in around
            and not _describes(key, value)
        ) or is_pin(key, value)
    # Last, because hardly a key comes as far.
    return names_secret and value not in (None, "", True, False)


def _describes(key: str, value: Any) -> bool:
    """Return whether a key's value only describes one: a tool's schema, a token of text."""
    if not isinstance(value, Mapping):
        return False
    is_schema = value.get("type") in SCHEMA_TYPES and SCHEMA_VALUES.isdisjoint(value)
    return is_schema or (key == "token" and {"id", "text"} <= value.keys())


def _follows_option(items: list[Any] | tuple[Any, ...], index: int) -> bool:
    """Return whether an item is the value of a command line's option for a secret."""
    option = items[index - 1] if index else None
    return (
        isinstance(option, str)
        and option.startswith("--")
        and isinstance(items[index], str)
        and is_secret_key(option.lstrip("-"))
    )


def _key(key: Any, redact: Callable[[str], str]) -> Any:
    return redact(key) if isinstance(key, str) and len(key) >= MIN_VALUE else key


def dump(value: Any) -> str:
    """Return a value as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
