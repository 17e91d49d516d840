"""A request of the shape that was kept: the same structure and lengths, and no word of it."""

import json
from collections.abc import Mapping
from typing import Any

from chatdebug.cassettes.events import filler
from chatdebug.exports.share_safe import OMITTED, is_omitted

MOST_CHARACTERS = 1024 * 1024
"""Of one text; that of a request which no window could hold."""
DEPTH = 30
ARGUMENT = "text"
"""The key of arguments of which only their length is known."""
EMPTY_OBJECT = len(json.dumps({ARGUMENT: ""}))


def synthetic_request(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with these messages and tools, as it would have been kept.

    ``shape`` is what ``chatdebug.evidence.shape`` makes. Ids of calls of tools pair, or do
    not, as they did.
    """
    return {
        "messages": [
            {"role": message.get("role"), "parts": _parts(message, number)}
            for number, message in enumerate(_objects(shape.get("messages")))
        ],
        "tools": [_tool(tool) for tool in _objects(shape.get("tools"))],
        "options": {
            name: value
            for name, value in _object(shape.get("settings")).items()
            if isinstance(value, bool | int | float | str) and name != "others"
        },
    }


def _parts(message: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    return [
        _part(part, f"{number}-{place}")
        for place, part in enumerate(_objects(message.get("parts")))
    ]


def _part(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    length = part.get("length")
    length = min(length, MOST_CHARACTERS) if type(length) is int else 0
    call_id = f"call_{part.get('call', place)}"
    name = part.get("tool")
    called = {
        "tool_call_id": call_id,
        "tool_name": name if isinstance(name, str) else "tool",
    }
    match part.get("type"):
        case "tool-call":
            arguments = _arguments(part.get("arguments_kind"), length)
            return {"type": "tool-call", **called, "arguments": arguments}
        case "tool-result":
            return {"type": "tool-result", **called, "result": filler(length)}
        case kind:
            return {"type": kind, "text": filler(length)}


def _arguments(kind: Any, length: int) -> str:
    """Return arguments of this kind; of an object at least its key."""
    match kind:
        case "none":
            return ""
        case "no_json":
            return filler(length)
        case "other_json":
            return json.dumps(filler(max(length - 2, 0)))
        case _ if length == len("{}"):
            return "{}"
        case _:
            return json.dumps({ARGUMENT: filler(max(length - EMPTY_OBJECT, 0))})


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    length = tool.get("description_length")
    length = min(length, MOST_CHARACTERS) if type(length) is int else 0
    return {
        "name": tool.get("name"),
        "description": filler(length),
        "input_schema": _filled(tool.get("schema"), DEPTH),
    }


def _filled(value: Any, depth: int) -> Any:
    """Return a schema with something in each place whose value was left out."""
    if depth == 0:
        return {}
    if is_omitted(value):
        return _filling(value)
    if isinstance(value, dict):
        return {
            key: _filled(item, depth - 1)
            for key, item in value.items()
            if key != "others"
        }
    if isinstance(value, list):
        return [_filled(item, depth - 1) for item in value]
    return value


def _filling(omitted: Mapping[str, Any]) -> Any:
    match omitted[OMITTED]:
        case "text":
            return filler(min(omitted["characters"], MOST_CHARACTERS))
        case "list":
            return [filler(number + 1) for number in range(min(omitted["items"], 100))]
        case "number":
            return 1
        case _:
            return {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else ()
    return [item for item in found if isinstance(item, Mapping)]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
