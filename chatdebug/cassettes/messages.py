"""Messages as they were kept, in the form that each library takes them in.

What is kept of a request has one form, whichever library sent it (``chatdebug.payloads``):
messages with a role and parts. What no library here can be given, a file for one, is left
out, and said.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

type Part = Mapping[str, Any]
type Message = tuple[str, list[Part]]

SYSTEM = ("system", "developer")
TEXTS = ("text", "instructions", "retry", "refusal")
KNOWN = (*TEXTS, "tool-call", "tool-result")
STUB: Message = ("user", [{"type": "text", "text": "What was asked is not known."}])


def messages_of(request: Mapping[str, Any]) -> list[Message]:
    """Return the messages of a request that was kept, without what is no message."""
    found = request.get("messages")
    return [
        (_text(message.get("role")), _parts(message.get("parts")))
        for message in (found if isinstance(found, list) else ())
        if isinstance(message, Mapping)
    ]


def left_out(messages: Sequence[Message]) -> list[str]:
    """Return the types of the parts that cannot be sent again, each once."""
    types = {_text(part.get("type")) for _, parts in messages for part in parts}
    return sorted(types - set(KNOWN))


def openai_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as chat completions take them."""
    return [sent for message in messages for sent in _openai(*message)]


def responses_input(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as the Responses API takes them."""
    return [sent for message in messages for sent in _responses(*message)]


def anthropic_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as Anthropic takes them; the system's are no messages there."""
    return [
        {
            "role": "assistant" if role == "assistant" else "user",
            "content": [_anthropic(kind, part) for kind, part in _typed(parts)],
        }
        for role, parts in messages
        if role not in SYSTEM
    ]


def system_text(messages: Sequence[Message]) -> str:
    """Return what the system says, in one text."""
    return "\n".join(_said(parts) for role, parts in messages if role in SYSTEM)


def pydantic_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as ``ModelMessagesTypeAdapter`` of pydantic-ai reads them."""
    return [
        {
            "kind": "response" if role == "assistant" else "request",
            "parts": [_pydantic(kind, part, role) for kind, part in _typed(parts)],
        }
        for role, parts in messages
    ]


def _openai(role: str, parts: list[Part]) -> Iterator[dict[str, Any]]:
    calls = [_openai_call(part) for kind, part in _typed(parts) if kind == "tool-call"]
    for kind, part in _typed(parts):
        if kind == "tool-result":
            call_id = _text(part.get("tool_call_id"))
            content = _text(part.get("result"))
            yield {"role": "tool", "tool_call_id": call_id, "content": content}
    said = _said(parts)
    if calls:
        yield {"role": "assistant", "content": said or None, "tool_calls": calls}
    elif any(kind in TEXTS for kind, _ in _typed(parts)):
        yield {"role": role or "user", "content": said}


def _openai_call(part: Part) -> dict[str, Any]:
    function = {
        "name": _text(part.get("tool_name")),
        "arguments": _text(part.get("arguments")),
    }
    call_id = _text(part.get("tool_call_id"))
    return {"id": call_id, "type": "function", "function": function}


def _responses(role: str, parts: list[Part]) -> Iterator[dict[str, Any]]:
    for kind, part in _typed(parts):
        call_id = _text(part.get("tool_call_id"))
        if kind == "tool-call":
            yield {
                "type": "function_call",
                "call_id": call_id,
                "name": _text(part.get("tool_name")),
                "arguments": _text(part.get("arguments")),
            }
        elif kind == "tool-result":
            output = _text(part.get("result"))
            yield {"type": "function_call_output", "call_id": call_id, "output": output}
    if said := _said(parts):
        yield {"role": role or "user", "content": said}


def _anthropic(kind: str, part: Part) -> dict[str, Any]:
    call_id = _text(part.get("tool_call_id"))
    if kind == "tool-call":
        return {
            "type": "tool_use",
            "id": call_id,
            "name": _text(part.get("tool_name")),
            "input": _object(part.get("arguments")),
        }
    if kind == "tool-result":
        content = _text(part.get("result"))
        return {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return {"type": "text", "text": _text(part.get("text"))}


def _pydantic(kind: str, part: Part, role: str) -> dict[str, Any]:
    call_id, name = _text(part.get("tool_call_id")), _text(part.get("tool_name"))
    if kind == "tool-call":
        return {
            "part_kind": "tool-call",
            "tool_name": name,
            "args": _text(part.get("arguments")),
            "tool_call_id": call_id,
        }
    if kind == "tool-result":
        return {
            "part_kind": "tool-return",
            "tool_name": name,
            "content": _text(part.get("result")),
            "tool_call_id": call_id,
        }
    said = "system-prompt" if role in SYSTEM else "user-prompt"
    said = "text" if role == "assistant" else said
    return {"part_kind": said, "content": _text(part.get("text"))}


def _typed(parts: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """Yield the parts that can be sent, each with its type."""
    for part in parts:
        if (kind := _text(part.get("type"))) in KNOWN:
            yield kind, part


def _said(parts: Sequence[Part]) -> str:
    return "\n".join(
        _text(part.get("text")) for kind, part in _typed(parts) if kind in TEXTS
    )


def _object(arguments: Any) -> dict[str, Any]:
    try:
        found = json.loads(_text(arguments))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _parts(found: Any) -> list[Part]:
    return [
        part
        for part in (found if isinstance(found, list) else ())
        if isinstance(part, Mapping)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
