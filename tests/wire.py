"""Builds what a provider sends, in both protocols, for ``tests.replay``."""

import json
from typing import Any

from tests.replay import STREAM

PROTOCOLS = ("openai", "anthropic")


def response(
    body: str | bytes, *, kind: str = "application/json", status: str = "200 OK"
) -> str:
    """Return a whole response, latin-1 as the player sends it."""
    raw = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\n"
        "X-Request-Id: req-4711\r\nConnection: close\r\n\r\n"
    )
    return head + raw.decode("latin-1")


def event(value: Any, name: str = "") -> str:
    """Return one event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value)}\n\n"


def openai_chunk(delta: Any, finish: Any = None, **fields: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    facts = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**facts, "choices": [choice], **fields})


def named(name: str, **fields: Any) -> str:
    return event({"type": name, **fields}, name)


def beginning(protocol: str) -> list[str]:
    """Return the head of a response and what comes before the first word."""
    if protocol == "openai":
        return [STREAM, openai_chunk({"role": "assistant", "content": ""})]
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    block = {"type": "text", "text": ""}
    return [
        STREAM,
        named("message_start", message=message),
        named("content_block_start", index=0, content_block=block),
    ]


def words(protocol: str, *texts: str) -> list[str]:
    if protocol == "openai":
        return [openai_chunk({"content": text}) for text in texts]
    return [
        named(
            "content_block_delta", index=0, delta={"type": "text_delta", "text": text}
        )
        for text in texts
    ]


def finish(protocol: str, reason: Any = "stop", **usage: Any) -> list[str]:
    """Return the event with the finish reason, without the stream's last event."""
    if protocol == "openai":
        return [openai_chunk({}, reason)]
    delta = {"stop_reason": "end_turn" if reason == "stop" else reason}
    return [
        named("content_block_stop", index=0),
        named("message_delta", delta=delta, usage={"output_tokens": 5, **usage}),
    ]


def last(protocol: str) -> str:
    return "data: [DONE]\n\n" if protocol == "openai" else named("message_stop")


def whole_answer(protocol: str, *texts: str, reason: Any = "stop") -> list[str]:
    """Return all that a healthy stream has."""
    return [
        *beginning(protocol),
        *words(protocol, *(texts or ("Hello", " world"))),
        *finish(protocol, reason),
        last(protocol),
    ]
