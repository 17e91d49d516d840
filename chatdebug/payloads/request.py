"""``normalise_request``: what a model was asked, whichever provider it went to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from chatdebug.payloads.json import as_name, as_text, json_safe
from chatdebug.payloads.limits import (
    MESSAGE_PARTS,
    MESSAGES,
    REQUEST_TEXT_BYTES,
    SCHEMA_CHARACTERS,
    TEXT_CHARACTERS,
    TOOLS,
)
from chatdebug.payloads.parts import (
    Part,
    normalise_part,
    role_of,
    text_part,
    without_split_secrets,
)
from chatdebug.payloads.text import TextBudget, redact_and_clip
from chatdebug.redaction import redact_json

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

type Message = dict[str, Any]

OPTIONS = {
    "max_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
    "stop_sequences": "stop_sequences",
    "parallel_tool_calls": "parallel_tool_calls",
    "thinking": "thinking",
    "service_tier": "service_tier",
    "timeout": "timeout",
    "request_timeout": "request_timeout",
    "first_event_timeout": "first_event_timeout",
    "max_retries": "max_retries",
}
"""pydantic-ai's settings that are recorded, and their names in the record. All others,
headers and extra bodies above all, are only counted."""

STORED = frozenset(
    {
        *("previous_response_id", "conversation", "cached_content"),
        *("openai_previous_response_id", "openai_conversation_id"),
        *("xai_previous_response_id", "google_cached_content"),
        "bedrock_prompt_variables",
    }
)
"""Settings with which a request goes on from what its provider has stored."""


def normalise_request(
    messages: "Sequence[ModelMessage]",
    model_settings: "ModelSettings | None",
    model_request_parameters: "ModelRequestParameters | None",
) -> dict[str, Any]:
    """Return a request as it may be stored: redacted, clipped, without file bytes.

    Keys: messages (list of role and parts), tools, options, provider_option_count; and
    where they apply messages_left_out, tool_choice, output_mode, structured_output,
    schema_name and schema_description (never the schema itself), and refers_to_stored
    where its provider has stored a part of it. Raises what an object raises that is no
    request: the writer, which asks for it, takes note of that.
    """
    settings: Mapping[str, Any] = dict(model_settings or {})
    parameters = model_request_parameters
    options = {
        target: redact_json(json_safe(settings[source]))
        for source, target in OPTIONS.items()
        if settings.get(source) is not None
    }
    others = settings.keys() - OPTIONS.keys() - {"tool_choice"}
    result: dict[str, Any] = {
        "options": options,
        "provider_option_count": len(others),
    }
    if any(settings.get(name) for name in STORED):
        result["refers_to_stored"] = True
    if (choice := settings.get("tool_choice")) is not None:
        result["tool_choice"] = redact_json(json_safe(choice))
    return {
        **_messages(messages, parameters),
        "tools": list(islice(_tools(parameters), TOOLS)),
        **result,
        **_output(parameters),
    }


def _messages(
    messages: Sequence[Any], parameters: "ModelRequestParameters | None"
) -> dict[str, Any]:
    budget = TextBudget(REQUEST_TEXT_BYTES)
    # Of instructions only the newest count, so only those are kept.
    given = parameters.instruction_parts if parameters is not None else None
    texts = [part.content for part in given or ()]
    if not texts:
        newest_first = reversed(messages)
        every = (getattr(message, "instructions", None) for message in newest_first)
        texts = list(islice(filter(None, every), 1))
    parts = [text_part("instructions", text, budget) for text in texts]

    count = len(messages)
    kept = list(messages)
    if count > MESSAGES:
        kept = [messages[0], *messages[count - MESSAGES + 1 :]]
    # The budget goes to the first message, then to the newest: the oldest lose first.
    first = [_message(message, budget) for message in kept[:1]]
    newest_first = [_message(message, budget) for message in reversed(kept[1:])]
    result: dict[str, Any] = {
        "messages": [
            *([{"role": "system", "parts": parts}] if parts else []),
            *chain.from_iterable(first),
            *chain.from_iterable(reversed(newest_first)),
        ]
    }
    if count > MESSAGES:
        result["messages_left_out"] = count - MESSAGES
    return result


def _message(message: Any, budget: TextBudget) -> list[Message]:
    """Return one entry for an answer, and one per role in a row for a request."""
    parts, is_answer = message.parts, getattr(message, "kind", "") == "response"
    if len(parts) == 1:  # as most have
        role = "assistant" if is_answer else role_of(parts[0])
        return [{"role": role, "parts": normalise_part(parts[0], budget)}]
    if is_answer:
        return [{"role": "assistant", "parts": _parts(parts, budget)}]
    return [
        {"role": role, "parts": _parts(list(of_role), budget)}
        for role, of_role in groupby(parts, key=role_of)
    ]


def _parts(parts: Sequence[Any], budget: TextBudget) -> list[Part]:
    normalised = [
        entry
        for part in without_split_secrets(parts[:MESSAGE_PARTS])
        for entry in normalise_part(part, budget)
    ]
    if len(parts) > MESSAGE_PARTS:
        left_out = len(parts) - MESSAGE_PARTS
        normalised.append({"type": "left-out", "count": left_out})
    return normalised


def _tools(parameters: "ModelRequestParameters | None") -> Iterator[dict[str, Any]]:
    if parameters is None:
        return
    for tool in (*parameters.function_tools, *parameters.output_tools):
        yield {
            "type": as_name(tool.kind),
            "name": as_name(tool.name),
            "description": redact_and_clip(tool.description or "", TEXT_CHARACTERS),
            "has_input_schema": bool(tool.parameters_json_schema),
            "input_schema": stored_schema(tool.parameters_json_schema),
        }
    for native in parameters.native_tools:
        yield {
            "type": "native",
            "name": as_name(native.kind),
            "has_input_schema": False,
        }


def stored_schema(schema: Any) -> Any:
    """Return a tool's schema as it may be stored; a long one as text, and cut."""
    kept = redact_json(json_safe(schema))
    text = json.dumps(kept, ensure_ascii=False)
    if len(text) > SCHEMA_CHARACTERS:
        return redact_and_clip(text, SCHEMA_CHARACTERS)
    return kept


def _output(parameters: "ModelRequestParameters | None") -> dict[str, Any]:
    if parameters is None:
        return {}
    result: dict[str, Any] = {"output_mode": as_name(parameters.output_mode)}
    schema = parameters.output_object
    if schema is not None or parameters.output_tools:
        result["structured_output"] = True
    if schema is not None:
        result["schema_name"] = as_name(schema.name)
        result["schema_description"] = redact_and_clip(
            as_text(schema.description or ""), TEXT_CHARACTERS
        )
    return result
