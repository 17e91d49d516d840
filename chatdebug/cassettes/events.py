"""The events of a stream that was not kept, in the protocols of OpenAI and Anthropic."""

import json
import re
from enum import StrEnum
from typing import Any

FILLER = "word "
CHARSET = re.compile(r"charset=\"?([\w-]{1,40})", re.IGNORECASE)


class Protocol(StrEnum):
    """What a provider speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    RESPONSES = "responses"
    """OpenAI's, of the Responses API."""


def filler(characters: int) -> str:
    """Return words of no meaning, of that length."""
    return (FILLER * (characters // len(FILLER) + 1))[:characters]


def encoded(text: str, content_type: str) -> bytes:
    """Return a text in the encoding that a content type names; UTF-8 without one."""
    charset = CHARSET.search(content_type)
    try:
        return text.encode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:
        return text.encode(errors="replace")


def beginning(protocol: Protocol, model: str) -> str:
    """Return what comes before the first word."""
    match protocol:
        case Protocol.OPENAI:
            return _chunk(model, {"role": "assistant", "content": ""})
        case Protocol.RESPONSES:
            return _named("response.created", response=_response(model))
        case Protocol.ANTHROPIC:
            message: dict[str, Any] = {
                "id": "msg_played",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
            block = {"type": "text", "text": ""}
            return _named("message_start", message=message) + _named(
                "content_block_start", index=0, content_block=block
            )


def words(protocol: Protocol, model: str, characters: int) -> str:
    """Return the event with so many characters of an answer; nothing for none."""
    text = filler(characters)
    if not text:
        return ""
    match protocol:
        case Protocol.OPENAI:
            return _chunk(model, {"content": text})
        case Protocol.RESPONSES:
            return _named(
                "response.output_text.delta",
                item_id="msg_played",
                output_index=0,
                content_index=0,
                delta=text,
            )
        case Protocol.ANTHROPIC:
            delta = {"type": "text_delta", "text": text}
            return _named("content_block_delta", index=0, delta=delta)


def finish(protocol: Protocol, model: str, reason: str) -> str:
    """Return the events that end an answer, for this reason."""
    match protocol:
        case Protocol.OPENAI:
            return f"{_chunk(model, {}, reason)}data: [DONE]\n\n"
        case Protocol.RESPONSES:
            ended = {**_response(model), "status": reason}
            return _named(f"response.{reason}", response=ended)
        case Protocol.ANTHROPIC:
            return (
                _named("content_block_stop", index=0)
                + _named(
                    "message_delta",
                    delta={"stop_reason": reason, "stop_sequence": None},
                    usage={"output_tokens": 1},
                )
                + _named("message_stop")
            )


def reported(protocol: Protocol, error: Any) -> str:
    """Return the event that reports an error, given as a body would have it."""
    if protocol is Protocol.ANTHROPIC:
        return f"event: error\ndata: {json.dumps(error)}\n\n"
    return f"data: {json.dumps(error)}\n\n"


def garbled(protocol: Protocol, model: str) -> str:
    """Return an event whose JSON is cut off."""
    event = words(protocol, model, len(FILLER))
    return f"{event[:-8]}\n\n"


def _chunk(model: str, delta: Any, finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {
        "id": "chatcmpl-played",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
    }
    return f"data: {json.dumps(chunk)}\n\n"


def _named(name: str, **fields: Any) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"


def _response(model: str) -> dict[str, Any]:
    return {
        "id": "resp_played",
        "object": "response",
        "created_at": 1,
        "model": model,
        "status": "in_progress",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
