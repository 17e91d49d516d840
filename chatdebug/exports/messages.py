"""Recorded requests and answers in the form of OpenTelemetry's messages.

Whatever shape is stored, what can be read of it is returned and the rest left out.
"""

import json
from collections.abc import Iterator
from typing import Any

type Message = dict[str, Any]
type Part = dict[str, Any]

TEXTS = frozenset(["text", "instructions", "speech", "retry", "compaction"])


def system_instructions(request: Any) -> list[Part]:
    """Return the parts of what the model was told to be."""
    messages = _dicts(request, "messages")
    said = (each for each in messages if each.get("role") == "system")
    return [part for message in said for part in _parts(message, "parts")]


def input_messages(request: Any) -> list[Message]:
    """Return the messages of a recorded request, each with a role and parts."""
    return [
        {"role": _text(message, "role"), "parts": list(_parts(message, "parts"))}
        for message in _dicts(request, "messages")
        if message.get("role") != "system"
    ]


def output_messages(response: Any) -> list[Message]:
    """Return the one message of a recorded answer; none without any part."""
    parts = list(_parts(response, "content"))
    if not parts:
        return []
    reason = _text(response, "finish_reason")
    return [{"role": "assistant", "parts": parts, "finish_reason": reason}]


def tool_definitions(request: Any) -> list[dict[str, Any]]:
    """Return the tools of a recorded request."""
    return [
        {
            "type": _text(tool, "type"),
            "name": _text(tool, "name"),
            "description": _text(tool, "description"),
            "parameters": tool.get("input_schema"),
        }
        for tool in _dicts(request, "tools")
    ]


def _parts(holder: Any, key: str) -> Iterator[Part]:
    for part in _dicts(holder, key):
        kind = _text(part, "type")
        if kind in TEXTS:
            yield {"type": "text", "content": _text(part, "text")}
        elif kind == "reasoning":
            yield {"type": "reasoning", "content": _text(part, "text")}
        elif kind == "tool-call":
            yield {
                "type": "tool_call",
                "id": _text(part, "tool_call_id"),
                "name": _text(part, "tool_name"),
                "arguments": _parsed(part.get("arguments")),
            }
        elif kind == "tool-result":
            yield {
                "type": "tool_call_response",
                "id": _text(part, "tool_call_id"),
                "response": part.get("result"),
            }
        elif kind:
            yield part  # the conventions allow for parts of other types


def _dicts(holder: Any, key: str) -> list[dict[str, Any]]:
    items = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _text(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _parsed(arguments: Any) -> Any:
    """Return a tool's arguments as JSON; as text if they are none, or were cut."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
