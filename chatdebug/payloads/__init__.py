"""What may be stored of a payload: JSON-safe, redacted, cut with its true length."""

from chatdebug.payloads.json import JsonValue, json_safe
from chatdebug.payloads.moments import in_utc
from chatdebug.payloads.request import normalise_request
from chatdebug.payloads.response import normalise_response, normalise_usage
from chatdebug.payloads.text import (
    clean,
    clip,
    clip_bytes,
    clip_end,
    clip_ends,
    clip_url,
    drop_file_bytes,
    redact_and_clip,
    storable_id,
    summarise_label,
)

__all__ = [
    "JsonValue",
    "clean",
    "clip",
    "clip_bytes",
    "clip_end",
    "clip_ends",
    "clip_url",
    "drop_file_bytes",
    "in_utc",
    "json_safe",
    "normalise_request",
    "normalise_response",
    "normalise_usage",
    "redact_and_clip",
    "storable_id",
    "summarise_label",
]
