"""The shape of a request: its structure and its lengths, and not a word of it.

Made of a request as ``chatdebug.payloads`` and ``chatdebug.instrument.wire`` keep it at the
full level. By lists of what stays: a role, a type of part or a setting's word that is in
none is only counted. Names of tools, of their properties and of settings are the host
project's code, and stay; a name that only the model says is a word of the model.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from chatdebug.evidence.omitted import is_word_of_code, omitted
from chatdebug.evidence.schemas import schema_paths, schema_structure
from chatdebug.payloads import json_safe
from chatdebug.payloads.json import as_name
from chatdebug.payloads.limits import TOOLS

MESSAGES = 400
"""Messages that are described one by one: the first one and the newest."""
PARTS = 100
"""Parts of one message that are described one by one."""
SETTINGS = 100
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English; other languages have more tokens."""

ROLES = frozenset(
    {"system", "developer", "user", "assistant", "tool", "function", "model"}
)
TYPES = frozenset(
    {
        *("text", "instructions", "reasoning", "tool-call", "tool-result", "retry"),
        *("file", "source", "speech", "compaction", "left-out", "refusal"),
        *("tool-availability-delta", "capability-load-delta", "model-settings-delta"),
        *("image", "image_url", "input_image", "input_audio", "audio", "video"),
        *("document", "input_file", "container_upload", "search_result"),
        *("redacted_thinking", "item_reference", "computer_call", "web_search_call"),
        *("web_search_tool_result", "code_interpreter_call", "file_search_call"),
        *("image_generation_call", "mcp_call", "mcp_list_tools"),
    }
)
KINDS = frozenset({"function", "output", "external", "unapproved", "custom", "native"})
MEDIA_TYPES = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"),
        *("image/tiff", "image/svg+xml", "image/heic", "image/heif", "image/avif"),
        *("audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/flac"),
        *("audio/aac", "audio/mp4", "audio/webm", "audio/L16", "audio/aiff"),
        *("video/mp4", "video/mpeg", "video/webm", "video/quicktime"),
        *("video/x-matroska", "application/pdf", "application/json"),
        *("application/octet-stream", "application/xml", "application/zip"),
        *("text/plain", "text/html", "text/csv", "text/markdown", "text/xml"),
    }
)
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]*")
LENGTHS = ("text_length", "input_length", "result_length")
WORDS = frozenset(
    {
        *("auto", "none", "required", "any", "tool", "function", "enabled"),
        *("disabled", "adaptive", "minimal", "low", "medium", "high", "xhigh", "max"),
        *("default", "flex", "priority", "scale", "standard", "standard_only"),
        *("text", "json_object", "json_schema", "native", "prompted"),
    }
)
"""Values of settings that are words of a provider's interface."""
INNER = frozenset(
    {
        *("type", "budget_tokens", "effort", "summary", "include_thoughts"),
        *("disable_parallel_tool_use", "include_usage", "mode", "strict"),
    }
)
"""Keys inside of a setting that are words of a provider's interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as it was offered to the model."""

    name: Any
    kind: Any
    description: Any = ""
    schema: Any = None
    strict: Any = None
    """Whether the provider is to hold the model to the schema; None: it decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a request has besides its messages, by the names that its library gives it."""

    tools: Iterable[Tool] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    output_mode: Any = ""
    output_schema: Any = None


def request_shape(
    request: Mapping[str, Any], offer: Offer, *, window: int | None = None
) -> dict[str, Any]:
    """Return the shape of a request, given as it may be stored, and with its offer.

    ``messages``: of each its ``role`` and ``parts``, each with ``type`` and ``length``
    (characters), ``blank`` if those are all blanks; reasoning with ``signed``; files with
    ``media_type`` and ``size`` (bytes); calls of tools and their results with ``call``,
    the same number for the same id, how long the id is and whether it is ``id_plain``
    (ASCII letters, digits, ``_`` and ``-``), and ``pairs``: whether there is the other
    one, in its place. ``tools``, ``settings``, ``output``; ``estimated_tokens``
    of all texts and schemas, without files, and ``context_window``, what fits the model;
    ``refers_to_stored`` where its provider has stored a part of it.
    """
    tools = [_tool(tool) for tool in islice(offer.tools, TOOLS)]
    said = _list(request.get("messages"))
    messages = _Messages({tool["name"] for tool in tools}).of(said)
    schema = schema_structure(json_safe(offer.output_schema))
    output: dict[str, Any] = {"mode": _setting(offer.output_mode)}
    if offer.output_schema is not None:
        output |= {"paths": schema_paths(schema), "schema": schema}
    characters = sum(_length(part) for message in said for part in _parts(message))
    characters += sum(
        tool["schema_length"] + tool["description_length"] for tool in tools
    )
    left_out = (
        len(said) - len(messages) + (_number(request.get("messages_left_out")) or 0)
    )
    stored = {"refers_to_stored": True} if request.get("refers_to_stored") else {}
    return {
        **stored,
        "messages": messages,
        "messages_left_out": left_out,
        "tools": tools,
        "settings": settings_shape(offer.settings),
        "output": output,
        "estimated_tokens": math.ceil(characters / CHARACTERS_PER_TOKEN),
        "context_window": window,
    }


def settings_shape(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return names and numbers of settings; texts are left out, but for known words."""
    shaped: dict[str, Any] = {}
    others = 0
    for name, value in settings.items():
        if value is None:
            continue
        if is_word_of_code(name) and len(shaped) < SETTINGS:
            shaped[name] = _setting(value)
        else:
            others += 1
    return shaped | {"others": others} if others else shaped


def _setting(value: Any) -> Any:
    if isinstance(value, bool | int) or (
        isinstance(value, float) and math.isfinite(value)
    ):
        return value
    if isinstance(value, str):
        return value if value in WORDS else omitted(value)
    if isinstance(value, Mapping):
        known = {key: _setting(value[key]) for key in value.keys() & INNER}
        return {**omitted(value), **known}
    return omitted(value)


class _Messages:
    """The messages of one request, which share the numbers of their calls."""

    def __init__(self, tools: set[str]) -> None:
        self._tools = tools
        self._numbers: dict[str, int] = {}

    def of(self, messages: Sequence[Any]) -> list[dict[str, Any]]:
        pairs = _pairs(messages)
        kept = [*messages[:1], *messages[1:][-MESSAGES + 1 :]]
        return [self._message(message, pairs) for message in kept]

    def _message(self, message: Any, pairs: set[str]) -> dict[str, Any]:
        role = message.get("role") if isinstance(message, Mapping) else ""
        parts = _parts(message)
        shaped: dict[str, Any] = {
            "role": _one_of(ROLES, role),
            "parts": [self._part(part, pairs) for part in parts[:PARTS]],
        }
        if left_out := len(parts) - len(shaped["parts"]):
            shaped["parts_left_out"] = left_out
        return shaped

    def _part(self, part: Mapping[str, Any], pairs: set[str]) -> dict[str, Any]:
        kind = part.get("type")
        shaped: dict[str, Any] = {"type": _one_of(TYPES, kind)}
        if any(name in part for name in LENGTHS):
            shaped["length"] = _length(part)
        if _is_blank(part):
            shaped["blank"] = True
        if isinstance(part.get("signed"), bool):
            shaped["signed"] = part["signed"]
        if media_type := part.get("media_type"):
            shaped["media_type"] = _media_type(media_type)
        for name in ("size", "count"):
            if (number := _number(part.get(name))) is not None:
                shaped[name] = number
        if "tool_call_id" in part:
            call_id = str(part["tool_call_id"])
            shaped["call"] = self._numbers.setdefault(call_id, len(self._numbers) + 1)
            shaped["pairs"] = call_id in pairs
            shaped["id_length"] = len(call_id)
            shaped["id_plain"] = PLAIN_ID.fullmatch(call_id) is not None
        if "tool_name" in part:
            name = part["tool_name"]
            is_offered = isinstance(name, str) and name in self._tools
            shaped["tool"] = name if is_offered else omitted(name)
        if kind == "tool-call":
            shaped["arguments_kind"] = _kind_of_json(part)
        return shaped


def _pairs(messages: Sequence[Any]) -> set[str]:
    """Return the ids of calls that have one result each, after the call."""
    calls: Counter[str] = Counter()
    results: Counter[str] = Counter()
    too_early: set[str] = set()
    for part in (part for message in messages for part in _parts(message)):
        if "tool_call_id" not in part:
            continue
        call_id = str(part["tool_call_id"])
        if part.get("type") == "tool-call":
            calls[call_id] += 1
            continue
        results[call_id] += 1
        if call_id not in calls:
            too_early.add(call_id)
    once = {call_id for call_id, count in calls.items() if call_id and count == 1}
    return {call_id for call_id in once if results[call_id] == 1} - too_early


def _is_blank(part: Mapping[str, Any]) -> bool:
    text = part.get("text")
    if not isinstance(text, str) or len(text) != part.get("text_length"):
        return False
    return text.isspace()


def _kind_of_json(part: Mapping[str, Any]) -> str:
    """Return what a tool's arguments are: an object, other JSON, none, or no JSON at all.

    ``unknown`` if they were cut before they came here.
    """
    text = part.get("arguments")
    if not isinstance(text, str) or len(text) != part.get("input_length"):
        return "unknown"
    if not text:
        return "none"
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return "no_json"
    return "object" if isinstance(parsed, dict) else "other_json"


def _tool(tool: Tool) -> dict[str, Any]:
    schema = json_safe(tool.schema)
    described = tool.description if isinstance(tool.description, str) else ""
    shaped = {
        "type": _one_of(KINDS, tool.kind),
        "name": as_name(tool.name),
        "description_length": len(described),
        "schema_length": 0 if schema is None else len(json.dumps(schema)),
        "schema": None if schema is None else schema_structure(schema),
    }
    if isinstance(tool.strict, bool):
        shaped["strict"] = tool.strict
    return shaped


def _media_type(value: Any) -> Any:
    plain = value.partition(";")[0].strip() if isinstance(value, str) else ""
    return plain if plain in MEDIA_TYPES else omitted(value)


def _one_of(known: Collection[str], value: Any) -> str:
    """Return a value that is a known word; ``other`` for what is none, or no text."""
    return value if isinstance(value, str) and value in known else "other"


def _length(part: Mapping[str, Any]) -> int:
    return sum(_number(part.get(name)) or 0 for name in LENGTHS)


def _parts(message: Any) -> list[Mapping[str, Any]]:
    parts = message.get("parts") if isinstance(message, Mapping) else None
    return [part for part in _list(parts) if isinstance(part, Mapping)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    return value if type(value) is int else None
