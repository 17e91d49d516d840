"""What is asked when a failure is played: a stub, a synthetic request, or the real one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatdebug.cassettes.events import Protocol
from chatdebug.cassettes.messages import (
    STUB,
    Message,
    anthropic_messages,
    left_out,
    messages_of,
    openai_messages,
    pydantic_messages,
    responses_input,
    system_text,
)
from chatdebug.cassettes.sdks import Way
from chatdebug.cassettes.synthetic import synthetic_request
from chatdebug.enums import Evidence
from chatdebug.evidence.shape import ROLES

MAX_TOKENS = 1_000
"""Of an answer, where a provider insists on a number and none was kept."""
NAMED = {
    Protocol.OPENAI: ("model", "messages"),
    Protocol.RESPONSES: ("model", "input"),
    Protocol.ANTHROPIC: ("model", "messages", "max_tokens"),
}
"""What the SDKs take by name; all else goes with the body as it is."""
CHOSEN_BY_THE_WAY = ("stream",)
OPTIONS = {"max_output_tokens": "max_tokens"}
"""Settings whose names were changed when they were kept."""
PYDANTIC_SETTINGS = frozenset(
    {
        *("max_tokens", "temperature", "top_p", "presence_penalty", "seed"),
        *("frequency_penalty", "parallel_tool_calls"),
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what is to be said of where it comes from."""

    request: dict[str, Any]
    evidence: Evidence
    """What it was made of: nothing, the shape, or the real one."""
    left_out: Sequence[str] = ()
    """Types of parts that are not in it."""


def asked_of(
    *,
    way: Way,
    model: str,
    kept: Mapping[str, Any],
    shape: Mapping[str, Any] | None,
    bodies: Sequence[Any],
    with_content: bool,
) -> Asked:
    """Return what is asked, as much like the real request as is allowed and known.

    ``kept`` is the request as it was stored with its content, ``bodies`` are those of the
    HTTP attempts. Both are taken only ``with_content``. Without them the shape counts, then
    nothing.
    """
    if with_content and way.sdk != "pydantic-ai":
        body = next(filter(None, map(_object_in, bodies)), None)
        if body is not None:
            return Asked(_as_arguments(body, way), Evidence.FULL)
    if with_content and messages_of(kept):
        return _made_of(kept, way, model, Evidence.FULL)
    if shape:
        return _made_of(synthetic_request(shape), way, model, Evidence.SHAPE)
    if messages_of(kept):
        shape = _shape_of(kept)
        return _made_of(synthetic_request(shape), way, model, Evidence.SHAPE)
    return Asked(_request([STUB], {}, way, model), Evidence.ERROR)


def _made_of(
    kept: Mapping[str, Any], way: Way, model: str, evidence: Evidence
) -> Asked:
    messages = messages_of(kept)
    request = _request(messages or [STUB], kept, way, model)
    return Asked(request, evidence, left_out(messages))


def _request(
    messages: list[Message], kept: Mapping[str, Any], way: Way, model: str
) -> dict[str, Any]:
    settings, tools = _settings(kept), _tools(kept)
    if way.sdk == "pydantic-ai":
        named = {
            name: value for name, value in settings.items() if name in PYDANTIC_SETTINGS
        }
        offered = [
            {
                "name": tool["name"],
                "description": tool["description"],
                "parameters_json_schema": tool["input_schema"],
            }
            for tool in tools
        ]
        said = pydantic_messages(messages)
        return {"messages": said, "settings": named, "tools": offered}
    body: dict[str, Any] = {"model": model, **settings}
    match way.protocol:
        case Protocol.OPENAI:
            body["messages"] = openai_messages(messages)
            functions = [_function(tool) for tool in tools]
            offered = [
                {"type": "function", "function": function} for function in functions
            ]
        case Protocol.RESPONSES:
            body["input"] = responses_input(messages)
            offered = [{"type": "function", **_function(tool)} for tool in tools]
        case Protocol.ANTHROPIC:
            body["messages"] = anthropic_messages(messages)
            body.setdefault("max_tokens", MAX_TOKENS)
            if system := system_text(messages):
                body["system"] = system
            offered = tools
    return _as_arguments({**body, "tools": offered} if offered else body, way)


def _as_arguments(body: Mapping[str, Any], way: Way) -> dict[str, Any]:
    """Return the JSON of a request as arguments of the SDK's method.

    A method refuses names that it does not know, a provider's own for one. In
    ``extra_body`` they may be any.
    """
    sent = {key: value for key, value in body.items() if key not in CHOSEN_BY_THE_WAY}
    if way.sdk == "litellm":
        # Whoever it was: here they speak as OpenAI does.
        return {**sent, "model": f"openai/{str(sent.get('model')).rpartition('/')[2]}"}
    if way.sdk not in ("openai", "anthropic"):
        return sent
    named = NAMED[way.protocol]
    extra = {key: value for key, value in sent.items() if key not in named}
    arguments = {key: sent[key] for key in named if key in sent}
    return {**arguments, "extra_body": extra} if extra else arguments


def _settings(kept: Mapping[str, Any]) -> dict[str, Any]:
    options = kept.get("options")
    return {
        OPTIONS.get(name, name): value
        for name, value in (options.items() if isinstance(options, Mapping) else ())
        if isinstance(name, str) and name not in CHOSEN_BY_THE_WAY
    }


def _tools(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tools by the names that Anthropic gives their parts."""
    found = kept.get("tools")
    return [
        {
            "name": tool["name"],
            "description": _text(tool.get("description")),
            "input_schema": _schema(tool.get("input_schema")),
        }
        for tool in (found if isinstance(found, list) else ())
        if isinstance(tool, Mapping) and isinstance(tool.get("name"), str)
    ]


def _schema(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"type": "object", "properties": {}}


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": tool["name"],
        "description": tool["description"],
        "parameters": tool["input_schema"],
    }


def _object_in(body: Any) -> dict[str, Any] | None:
    """Return the JSON object in a recorded body; None for one that was cut, or is none."""
    try:
        found = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _shape_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lengths of a request that was kept with its content, and no word of it."""
    numbers: dict[Any, int] = {}

    def part_of(part: Mapping[str, Any]) -> dict[str, Any]:
        call = str(part.get("tool_call_id"))
        return {
            "type": part.get("type"),
            "length": max(map(_length, part.values()), default=0),
            "call": numbers.setdefault(call, len(numbers) + 1),
        }

    return {
        "messages": [
            {
                "role": role if role in ROLES else "user",
                "parts": [part_of(part) for part in parts],
            }
            for role, parts in messages_of(kept)
        ]
    }


def _length(value: Any) -> int:
    return value if type(value) is int else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
