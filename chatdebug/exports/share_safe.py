"""The share-safe form of a run: structure, lengths, kinds and timings, and no content.

By a list of what stays, never by one of what goes: a key that is not listed is content
itself, and so is a value that does not look as its key promises. The form is stable: made
again of itself it is the same, which is how anybody can tell that a document is in it.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from chatdebug.enums import (
    ErrorKind,
    Evidence,
    Interruption,
    Level,
    Operation,
    Outcome,
    RunKind,
    Status,
)
from chatdebug.errors.sentences import Cause
from chatdebug.exports.canonical import canonical
from chatdebug.transport.attempts import AttemptStatus, EndedBy
from chatdebug.transport.connection import Connection

type Check = Callable[[Any], bool]
type Json = Any

OMITTED = "omitted"
"""The key of what stands for a content: ``{"omitted": "text", "characters": 12}``."""
SIZES = {
    "text": "characters",
    "number": "digits",
    "list": "items",
    "object": "keys",
    "fields": "count",
    "url": "characters",
}
"""What is said of a content besides its type. ``fields`` are all of a dictionary whose
names are not listed; a ``url`` keeps its ``host`` as well."""
LARGEST_NUMBER = 2**53
"""A larger one measures nothing, and is long enough to be a text in disguise."""


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < LARGEST_NUMBER


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _looks_like(pattern: str) -> Check:
    regex = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and bool(regex.fullmatch(value))


def _one_of(*values: str) -> Check:
    known = frozenset(map(str, values))
    return lambda value: isinstance(value, str) and value in known


def _any_of(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


_is_id = _looks_like(r"[\w.:+=-]{0,80}")
_is_model = _looks_like(r"[\w.:@/+-]{0,120}")
_is_time = _looks_like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)")
_is_class = _looks_like(r"(?:[A-Za-z_]\w{0,80}\.){0,6}[A-Za-z_]\w{0,80}|")
_is_kind = _looks_like(r"[A-Za-z][A-Za-z0-9_-]{0,40}|")
_is_code = _looks_like(r"[A-Za-z0-9_.:/-]{0,80}")
_host = re.compile(r"[A-Za-z0-9.-]{1,253}|\[?[0-9A-Fa-f:]{2,45}\]?")

KEPT: dict[str, Check] = {
    # Ids.
    **dict.fromkeys(
        (
            *("id", "chat_id", "root_chat_id", "parent_chat_id", "model_config_id"),
            *("trigger_message_id", "history_tip_message_id"),
            *("request_id", "response_id", "fingerprint"),
        ),
        _is_id,
    ),
    # Moments.
    **dict.fromkeys(
        ("started_at", "updated_at", "finished_at", "imported_at"), _is_time
    ),
    # Numbers.
    **dict.fromkeys(
        (
            *("step_number", "number", "similar_count", "line", "status_code"),
            *("step_count", "attempt_count", "error_status", "error_count"),
            *("part_count", "count", "size", "length", "messages_left_out"),
            *("text_length", "input_length", "result_length"),
            *("request_body_length", "response_body_length", "response_status"),
            *("duration_ms", "elapsed_ms", "first_part_ms", "queue_ms", "claim_ms"),
            *("unrecorded_count", "answered_attempt", "answered_after_ms"),
            *("answered_in_ms", "answered_first_part_ms"),
            *("connect_ms", "time_to_first_byte_ms", "retry_after_ms"),
            *("time_to_first_part_ms", "time_to_last_part_ms"),
            *("parts_received", "characters_received", "retry_count", "attempt"),
            *("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens"),
            *("cache_creation_tokens", "cache_read_tokens"),
            *("total_input_tokens", "total_output_tokens", "total_reasoning_tokens"),
            *("total_cache_creation_tokens", "total_cache_read_tokens"),
            *("max_output_tokens", "temperature", "top_p", "top_k", "seed"),
            *("presence_penalty", "frequency_penalty", "provider_option_count"),
            *("timeout", "request_timeout", "first_event_timeout", "max_retries"),
            *("estimated_tokens", "context_window", "call", "parts_left_out"),
            *("description_length", "schema_length", "id_length"),
            *("seconds_ago", "messages_added", "message_count", "newest"),
        ),
        _is_number,
    ),
    # Yes or no.
    **dict.fromkeys(
        (
            *("retryable", "has_error", "has_input_schema", "structured_output"),
            *("parallel_tool_calls", "pairs", "blank", "signed", "id_plain", "strict"),
            *("is_said", "known", "model_changed"),
            *("earlier_messages_changed", "output_changed", "refers_to_stored"),
        ),
        _is_flag,
    ),
    # Words that are chosen from a list, or look like the name of a kind.
    "level": _one_of(*Level),
    "operation": _one_of(*Operation),
    "status": _any_of(_one_of(*Status, *AttemptStatus), _is_number),
    "kind": _one_of("", *RunKind, *ErrorKind),
    "error_kind": _one_of("", *ErrorKind),
    "outcome": _one_of("", *Outcome, "success", "failed", "denied", "error"),
    "role": _one_of(
        *("system", "user", "assistant", "tool"),
        *("developer", "function", "model", "other"),
    ),
    "error_cause": _one_of(*Cause),
    "evidence": _one_of(*Evidence),
    "arguments_kind": _one_of("object", "other_json", "no_json", "none", "unknown"),
    "closed_by": _one_of("provider", "client"),
    "ended_by": _one_of(*EndedBy),
    "interrupted_by": _one_of(*Interruption),
    "connection": _one_of(*Connection),
    "method": _looks_like(r"[A-Z]{1,10}"),
    "type": _any_of(_is_kind, _is_class),
    "state": _is_kind,
    "output_mode": _is_kind,
    "finish_reason": _is_kind,
    # Names of models, providers and rules, codes, and places in code.
    "provider": _is_code,
    "model": _is_model,
    "rule": _is_code,
    "likely_cause": _is_code,
    "error_type": _is_code,
    "error_code": _is_code,
    "content_type": _looks_like(r"[\w.+*-]{1,60}/[\w.+*-]{1,60}"),
    "media_type": _looks_like(r"[\w.+*-]{1,60}/[\w.+*-]{1,60}|"),
    "file": _looks_like(r"[\w./<>+-]{1,200}"),
    "function": _looks_like(r"[\w.<>]{1,120}"),
}
"""Keys whose values stay if they look so. Numbers and nulls of other keys go, too."""

OPENED = frozenset(
    [
        *("steps", "summary", "normalized_request", "normalized_response", "usage"),
        *("attempts", "error", "metadata", "messages", "parts", "content", "tools"),
        *("options", "chain", "frames", "response", "repaired_error"),
        *("stream_summary", "failed_attempts", "shape", "likely_causes", "places"),
        "largest",
        "changed",
    ]
)
"""Keys whose objects and lists are looked into; a text of theirs is content."""

WITHHELD = frozenset(
    [
        *("text", "arguments", "result", "message", "detail", "note", "notes", "name"),
        *("description", "input_schema", "tool_call_id", "tool_name", "tool_choice"),
        *("first_message", "error_message", "endpoint_label", "left_out"),
        *("request_headers", "request_body", "response_headers", "response_body"),
        *("path", "server", "stop_sequences", "thinking", "service_tier", "file_id"),
        *("schema_name", "schema_description", "names", "cause", "schema"),
        *("settings", "output", "tool"),
    ]
)
"""Keys that say what kind of content theirs is: they stay, and it does not."""


def share_safe(document: dict[str, Any]) -> dict[str, Any]:
    """Return a run, or a part of one, without any content. Never fails."""
    try:
        return _object(document)
    except RecursionError:
        return _omitted("object", len(document))


def is_share_safe(document: Any) -> bool:
    """Return whether a run holds no content: making it share-safe changes nothing."""
    if not isinstance(document, dict):
        return False
    return canonical(share_safe(document)) == canonical(document)


def is_omitted(value: Any) -> bool:
    """Return whether this stands for a content that was left out."""
    kind = value.get(OMITTED) if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in SIZES:
        return False
    keys = {OMITTED, SIZES[kind], *(["host"] if kind == "url" else [])}
    host = value.get("host", "")
    is_count = type(value.get(SIZES[kind])) is int and _is_number(value[SIZES[kind]])
    return value.keys() == keys and is_count and (host == "" or _is_host(host))


def _object(value: dict[str, Any]) -> dict[str, Any]:
    safe: dict[str, Any] = {}
    unknown = 0
    for key, item in value.items():
        if key in KEPT or key in OPENED or key in WITHHELD or key == "url":
            safe[key] = _value(key, item)
        elif key == OMITTED and is_omitted(item):
            safe[key] = item
        else:
            unknown += 1
    if unknown:
        safe[OMITTED] = _omitted("fields", unknown)
    return safe


def _value(key: str, value: Json) -> Json:
    if value is None or is_omitted(value):
        return value
    if key in OPENED and isinstance(value, dict | list):
        return _opened(value)
    if key in KEPT and KEPT[key](value):
        return value
    if key == "url" and isinstance(value, str):
        return {**_omitted("url", len(value)), "host": _host_of(value)}
    return _content(value)


def _opened(value: dict[str, Any] | list[Any]) -> Json:
    if isinstance(value, dict):
        return _object(value)
    return [_item(item) for item in value]


def _item(item: Json) -> Json:
    if is_omitted(item):
        return item
    return _object(item) if isinstance(item, dict) else _content(item)


def _content(value: Json) -> dict[str, Any] | None:
    """Return what stands for a content: its type and its size."""
    if value is None:
        return None
    if isinstance(value, str):
        return _omitted("text", len(value))
    if isinstance(value, dict):
        return _omitted("object", len(value))
    if isinstance(value, list):
        return _omitted("list", len(value))
    return _omitted("number", 1 if isinstance(value, bool) else len(str(value)))


def _omitted(kind: str, size: int) -> dict[str, Any]:
    return {OMITTED: kind, SIZES[kind]: size}


def _host_of(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host if _is_host(host) else ""


def _is_host(host: Any) -> bool:
    return isinstance(host, str) and bool(_host.fullmatch(host))
