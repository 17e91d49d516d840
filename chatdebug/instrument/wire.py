"""What is kept of requests and answers in the JSON of OpenAI and Anthropic.

The names are those of ``chatdebug.payloads``, which does the same for pydantic-ai's
messages: redacted, cut with their true length, without file bytes. What an
object raises that is none of theirs, the writer, which asks for it, takes note of.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from chatdebug.evidence.changes import NEWEST_MESSAGES
from chatdebug.payloads import drop_file_bytes
from chatdebug.payloads.json import as_name, as_text, json_safe
from chatdebug.payloads.limits import (
    MESSAGE_PARTS,
    MESSAGES,
    REQUEST_TEXT_BYTES,
    STEP_TEXT_BYTES,
    STEP_TOOL_BYTES,
    TEXT_CHARACTERS,
    TOOLS,
)
from chatdebug.payloads.parts import Part, arguments_text, text_part
from chatdebug.payloads.request import STORED, stored_schema
from chatdebug.payloads.text import TextBudget, redact_and_clip
from chatdebug.redaction import redact_fragments, redact_json

type Json = Mapping[str, Any]

OPTIONS = frozenset(
    {
        *("max_tokens", "max_completion_tokens", "max_output_tokens"),
        *("temperature", "top_p", "top_k", "seed", "n", "stop", "stop_sequences"),
        *("presence_penalty", "frequency_penalty", "parallel_tool_calls"),
        *("reasoning_effort", "thinking", "service_tier", "stream", "tool_choice"),
    }
)
"""What is recorded of a request besides its words; the rest is only counted."""
WORDS = frozenset({"messages", "input", "prompt", "system", "instructions", "tools"})


def wire_request(body: Json) -> dict[str, Any]:
    """Return a request's JSON as it may be stored.

    Keys: model, messages (list of role and parts), tools, options,
    provider_option_count; and refers_to_stored where the provider has stored a part of it.
    """
    said = list(_messages(body))
    budget = TextBudget(REQUEST_TEXT_BYTES)
    kept = [*said[:1], *said[1:][-MESSAGES + 1 :]]
    # The budget goes to the first message, then to the newest: the oldest lose first.
    order = chain(range(min(1, len(kept))), range(len(kept) - 1, 0, -1))
    parts = {index: _parts(kept[index][1], budget) for index in order}
    options = {key: body[key] for key in body.keys() & OPTIONS}
    result: dict[str, Any] = {
        "model": as_name(body.get("model")),
        "messages": [
            {"role": as_name(role), "parts": parts[index]}
            for index, (role, _) in enumerate(kept)
        ],
        "tools": [_tool(tool) for tool in islice(tools_of(body), TOOLS)],
        "options": redact_json(json_safe(options)),
        "provider_option_count": len(body.keys() - OPTIONS - WORDS - {"model"}),
    }
    if left_out := len(said) - len(kept):
        result["messages_left_out"] = left_out
    if _refers_to_stored(body):
        result["refers_to_stored"] = True
    return result


def _refers_to_stored(body: Json) -> bool:
    """Return whether a request goes on from what its provider has stored.

    A response or a conversation, a prompt with an id, or single items.
    """
    items = body.get("input")
    return (
        any(body.get(name) for name in STORED)
        or isinstance(body.get("prompt"), Mapping)
        or any(
            as_mapping(item).get("type") == "item_reference"
            for item in (items if isinstance(items, list | tuple) else ())
        )
    )


def outline_of_messages(body: Json, first: int | None = None) -> tuple[int, int]:
    """Return how many messages there are, and a hash of the kinds of all or the first ones.

    Those are their roles or types, and the types of the newest ones' parts. Also asked of
    requests that went well: an object of an SDK's is told by its class.
    """
    said = _first(body, "messages", "input", "prompt")
    messages = [
        *({"role": key} for key in ("system", "instructions") if body.get(key)),
        *(said if isinstance(said, list | tuple) else [said]),
    ]
    compared = messages[:first]
    kinds = [_kind(message) for message in compared]
    for message in compared[-NEWEST_MESSAGES:]:
        if isinstance(message, dict):
            content, calls = message.get("content"), message.get("tool_calls")
            parts = content if isinstance(content, list) else [content]
            kinds += map(_kind, parts)
            kinds.append(len(calls) if isinstance(calls, list) else 0)
    return len(messages), hash(tuple(kinds))


def _kind(one: Any) -> Any:
    """Return the role and the type of a message, or the type of a part."""
    return (one.get("role"), one.get("type")) if isinstance(one, dict) else type(one)


def wire_answer(body: Json) -> dict[str, Any]:
    """Return an answer's JSON, whole or partial, as it may be stored.

    Keys: content (list of parts), finish_reason, model, response_id.
    """
    budget = TextBudget(STEP_TEXT_BYTES, tools=TextBudget(STEP_TOOL_BYTES))
    finish, content = _said(body)
    return {
        "content": _parts(content, budget),
        "finish_reason": as_name(finish),
        "model": as_name(body.get("model")),
        "response_id": as_name(body.get("id")),
    }


def wire_usage(usage: Json | None) -> dict[str, Any]:
    """Return the tokens of one call by the names of ``normalise_usage``."""
    if not usage:
        return {}
    details = as_mapping(
        _first(usage, "completion_tokens_details", "output_tokens_details")
    )
    cached = as_mapping(_first(usage, "prompt_tokens_details", "input_tokens_details"))
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    # Anthropic counts what came from its cache, or went there, apart.
    sent = _count(_first(usage, "prompt_tokens", "input_tokens"))
    sent += _count(read) + _count(written)
    received = _count(_first(usage, "completion_tokens", "output_tokens"))
    return {
        "input_tokens": sent,
        "output_tokens": received,
        "total_tokens": _count(usage.get("total_tokens")) or sent + received,
        "reasoning_tokens": _count(details.get("reasoning_tokens")),
        "cache_creation_tokens": _count(written),
        "cache_read_tokens": _count(read) or _count(cached.get("cached_tokens")),
    }


def as_mapping(value: Any) -> Json:
    """Return a JSON object of the SDKs, a model of pydantic's, as a mapping."""
    if isinstance(value, Mapping):
        return value
    dump = getattr(value, "model_dump", None)
    # A part that a provider has added since is no reason to warn the host project.
    found = dump(warnings=False) if callable(dump) else {}
    return found if isinstance(found, Mapping) else {}


def tools_of(body: Json) -> list[Any]:
    """Return the tools of a request; none where what should list them is no list."""
    given = body.get("tools")
    is_list = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    return _listed(given) if is_list else []


def _messages(body: Json) -> Iterable[tuple[str, Any]]:
    """Yield role and content of each message, instructions first."""
    for key in ("system", "instructions"):
        if body.get(key):
            yield "system", body[key]
    said = _first(body, "messages", "input", "prompt")
    if isinstance(said, str):
        yield "user", said
    elif isinstance(said, Sequence) and not isinstance(said, bytes):
        yield from map(_message, said)


def _message(message: Any) -> tuple[str, Any]:
    if isinstance(message, str):  # one of several texts to be embedded
        return "user", message
    item = as_mapping(message)
    role = str(item.get("role") or "")
    if not role:  # an item of the Responses API
        return ("tool" if "output" in item else "assistant"), [item]
    if role == "tool":
        return role, [{**item, "type": "tool_result"}]
    return role, [*_listed(item.get("content")), *_tool_calls(item)]


def _said(body: Json) -> tuple[Any, list[Any]]:
    """Return finish reason and content of an answer in any of the three formats."""
    if "choices" in body:
        choices = list(map(as_mapping, _listed(body["choices"])))
        content: list[Any] = []
        for choice in choices:
            message = as_mapping(choice.get("message") or {})
            content += _listed(choice.get("text") or message.get("content"))
            content += _listed(message.get("refusal"))
            content += _tool_calls(message)
        return (choices[0].get("finish_reason") if choices else None), content
    if "output" in body:
        content = []
        for item in _listed(body["output"]):
            found = as_mapping(item)
            is_message = found.get("type") == "message"
            content += _listed(found.get("content")) if is_message else [item]
        return body.get("status"), content
    return body.get("stop_reason"), _listed(body.get("content"))


def _listed(given: Any) -> list[Any]:
    """Return what a list holds; anything else, which a provider may reject, is one item."""
    if not given:
        return []
    is_one = isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable)
    return [given] if is_one else list(given)


def _tool_calls(message: Json) -> list[Any]:
    return [
        {"type": "function_call", "call_id": call.get("id"), **as_mapping(function)}
        for call in map(as_mapping, _listed(message.get("tool_calls")))
        for function in (call.get("function") or call.get("custom") or {},)
    ]


def _parts(content: Any, budget: TextBudget) -> list[Part]:
    given = _listed(content)
    items = [_typed(item) for item in given[:MESSAGE_PARTS]]
    texts = [index for index, item in enumerate(items) if item.get("type") == "text"]
    # A secret may be divided over several of them.
    kept = redact_fragments([items[index]["text"] for index in texts])
    for index, text in zip(texts, kept, strict=True):
        items[index] = {"type": "text", "text": text}
    parts = [PARTS.get(item["type"], _other)(item, budget) for item in items]
    if left_out := len(given) - len(items):
        parts.append({"type": "left-out", "count": left_out})
    return parts


def _typed(item: Any) -> Json:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    found = as_mapping(item)
    kind = str(found.get("type") or type(item).__name__)
    if isinstance(found.get("text"), str):
        kind = "text"
    elif kind == "text":  # without one it is what the provider rejects
        return {"type": kind, "text": ""}
    return {**found, "type": kind}


def _text(item: Json, budget: TextBudget) -> Part:
    return text_part("text", item.get("text") or item.get("refusal"), budget)


def _reasoning(item: Json, budget: TextBudget) -> Part:
    summary = [
        as_text(as_mapping(one).get("text") or "")
        for one in _listed(item.get("summary"))
    ]
    text = text_part("reasoning", item.get("thinking") or "\n".join(summary), budget)
    proof = _first(item, "signature", "encrypted_content")
    return text | {"signed": bool(proof)}


def _tool_call(item: Json, budget: TextBudget) -> Part:
    arguments = arguments_text(_first(item, "arguments", "input"))
    return {
        "type": "tool-call",
        "tool_call_id": as_name(_first(item, "call_id", "id")),
        "tool_name": as_name(item.get("name")),
        "arguments": budget.tools.take(arguments),
        "input_length": len(arguments),
    }


def _tool_result(item: Json, budget: TextBudget) -> Part:
    result = drop_file_bytes(as_text(_first(item, "output", "content") or ""))
    return {
        "type": "tool-result",
        "tool_call_id": as_name(_first(item, "call_id", "tool_use_id", "tool_call_id")),
        "result": budget.tools.take(result),
        "result_length": len(result),
    }


def _other(item: Json, budget: TextBudget) -> Part:
    """Return what a file or something else was, and its size, never its bytes."""
    media_type, size = _media(item)
    part: Part = {"type": as_name(item["type"])}
    if media_type:
        part["media_type"] = as_name(media_type)
    if call := item.get("tool_use_id"):  # what a provider's own tool has found
        part["tool_call_id"] = as_name(call)
    return part if size is None else part | {"size": size}


def _media(item: Json) -> tuple[Any, int | None]:
    """Return the type of a file, and how many bytes of it the request itself holds."""
    given = _first(item, "source", "image_url", "input_audio", "file")
    file = {"url": given} if isinstance(given, str) else as_mapping(given or item)
    media_type = _first(item, "media_type") or file.get("media_type")
    data = _first(file, "data", "url", "file_data")
    if not isinstance(data, str):
        return media_type, None
    if data[:5].lower() == "data:":
        head, _, data = data.partition(",")
        media_type = media_type or head[5:].partition(";")[0]
    elif "://" in data[:10]:  # it is somewhere else
        return media_type, None
    return media_type, len(data.rstrip("=")) * 3 // 4


def _tool(tool: Any) -> dict[str, Any]:
    given = as_mapping(tool)
    told = as_mapping(given.get("function") or given)
    schema = _first(told, "parameters", "input_schema")
    return {
        "type": as_name(given.get("type") or "function"),
        "name": as_name(told.get("name")),
        "description": redact_and_clip(
            as_text(told.get("description") or ""), TEXT_CHARACTERS
        ),
        "has_input_schema": bool(schema),
        "input_schema": stored_schema(schema),
    }


def _first(mapping: Json, *keys: str) -> Any:
    """Return the value of the first of these keys that has one."""
    return next((mapping[key] for key in keys if mapping.get(key) is not None), None)


def _count(tokens: Any) -> int:
    return tokens if type(tokens) is int else 0


PARTS: dict[str, Callable[[Json, TextBudget], Part]] = {
    "text": _text,
    "refusal": _text,
    "thinking": _reasoning,
    "reasoning": _reasoning,
    "function_call": _tool_call,
    "custom_tool_call": _tool_call,
    "tool_use": _tool_call,
    "server_tool_use": _tool_call,
    "mcp_tool_use": _tool_call,
    "function_call_output": _tool_result,
    "custom_tool_call_output": _tool_result,
    "tool_result": _tool_result,
}
