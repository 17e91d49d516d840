"""How much text one request or one answer may still keep."""

import json
from typing import Any

from chatdebug.payloads.json import json_safe
from chatdebug.payloads.limits import (
    NAME_CHARACTERS,
    SECRET_CHARACTERS,
    TEXT_CHARACTERS,
    URL_CHARACTERS,
)
from chatdebug.payloads.text import clip_bytes, drop_data_urls, redact_and_clip
from chatdebug.redaction import redact_json, redact_url

PARSED_CHARACTERS = 100_000
"""Longer tool arguments are redacted as text, not as JSON."""


class TextBudget:
    """Cuts texts to ``TEXT_CHARACTERS`` each and to a number of bytes together.

    ``tools`` is the budget of tool arguments and results; the same one unless said.
    """

    __slots__ = ("_left", "tools")

    def __init__(self, size: int, *, tools: "TextBudget | None" = None) -> None:
        self._left = size
        self.tools = tools or self

    def take(self, text: str) -> str:
        """Return what may be stored of the text; nothing once the budget is spent."""
        if self._left <= 0:
            return ""
        kept = redact_and_clip(text, TEXT_CHARACTERS)
        size = len(kept) if kept.isascii() else len(kept.encode())
        if size > self._left:
            kept = clip_bytes(kept, self._left)
            self._left = 0
        else:
            self._left -= size
        return kept


def as_text(value: Any) -> str:
    """Return text as it is, and anything else as redacted JSON text."""
    if isinstance(value, str):
        return value
    return json.dumps(redact_json(json_safe(value)), ensure_ascii=False)


def arguments_text(arguments: Any) -> str:
    """Return a tool call's arguments as text, redacted by their JSON keys if they parse.

    A stream that was cut leaves half a document; that is evidence, and kept as text.
    """
    if arguments is None:
        return ""
    if not isinstance(arguments, str) or len(arguments) > PARSED_CHARACTERS:
        return as_text(arguments)
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    redacted = redact_json(parsed)
    return arguments if redacted == parsed else as_text(redacted)


def name(value: Any) -> str:
    """Return a name, an id or a media type as it may be stored; nothing for None."""
    return "" if value is None else redact_and_clip(as_text(value), NAME_CHARACTERS)


def clip_url(url: str) -> str:
    """Return a URL without credentials, and a data URL without its data."""
    if url.startswith("data:"):
        return redact_and_clip(drop_data_urls(url), URL_CHARACTERS)
    if len(url) > URL_CHARACTERS + SECRET_CHARACTERS:
        return redact_and_clip(url, URL_CHARACTERS)
    return redact_and_clip(redact_url(url), URL_CHARACTERS)
