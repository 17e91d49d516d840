"""How providers stream a text in parts, for the self-test of redaction."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PART = "\0part"
"""Where a part goes in the JSON of an event."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """One way to stream: an event's JSON with ``PART`` in it, and what stands around it."""

    event: Any
    before: str = "data: "
    after: str = "\n\n"
    content_type: str = "text/event-stream"
    others: tuple[Any, ...] = ()
    """Events that come between the parts, of another text."""

    def body(self, parts: Sequence[str]) -> str:
        """Return the body in which these parts are streamed."""
        return "".join(
            self.before + json.dumps(event) + self.after
            for part in parts
            for event in (_filled(self.event, part), *self.others)
        )

    def text_of(self, body: str) -> str:
        """Return the text that a body's events say, joined; unreadable lines are left out."""
        return "".join(
            text for event in _events(body) for text in _found(self.event, event)
        )


def _filled(event: Any, part: str) -> Any:
    if isinstance(event, dict):
        return {key: _filled(item, part) for key, item in event.items()}
    if isinstance(event, list):
        return [_filled(item, part) for item in event]
    return part if event == PART else event


def _events(body: str) -> Iterator[Any]:
    for line in re.split(r"[\r\n]+", body):
        try:
            yield json.loads(re.sub(r"^\w*: ?", "", line))
        except ValueError:
            continue


def _found(shape: Any, event: Any) -> Iterator[str]:
    """Yield what stands in an event where the shape has its part, if all else is alike."""
    if shape == PART:
        if isinstance(event, str):
            yield event
    elif isinstance(shape, dict) and isinstance(event, dict):
        same = all(
            event.get(key) == item
            for key, item in shape.items()
            if isinstance(item, int)
        )
        for key in shape if same else ():
            yield from _found(shape[key], event.get(key))
    elif isinstance(shape, list) and isinstance(event, list):
        for inner, item in zip(shape, event, strict=False):
            yield from _found(inner, item)


def _choice(delta: Any, index: int = 0) -> Any:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_764_000_000,
        "model": "demo",
        "choices": [{"index": index, "delta": delta, "finish_reason": None}],
    }


def _call(key: str) -> Any:
    return _choice({"tool_calls": [{"index": 0, "function": {key: PART}}]})


def _block(kind: str, key: str) -> Any:
    return {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": kind, key: PART},
    }


def _response(kind: str) -> Any:
    return {
        "type": f"response.{kind}.delta",
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": PART,
    }


def _line(event: Any) -> StreamFormat:
    return StreamFormat(
        event, before="", after="\n", content_type="application/x-ndjson"
    )


STREAM_FORMATS: dict[str, StreamFormat] = {
    "OpenAI content": StreamFormat(_choice({"content": PART})),
    "OpenAI content, two choices": StreamFormat(
        _choice({"content": PART}), others=(_choice({"content": "or "}, 1),)
    ),
    "OpenAI reasoning_content": StreamFormat(_choice({"reasoning_content": PART})),
    "OpenAI reasoning": StreamFormat(_choice({"reasoning": PART})),
    "OpenAI refusal": StreamFormat(_choice({"refusal": PART})),
    "OpenAI audio": StreamFormat(_choice({"audio": {"transcript": PART}})),
    "OpenAI tool arguments": StreamFormat(_call("arguments")),
    "OpenAI function_call": StreamFormat(
        _choice({"function_call": {"arguments": PART}})
    ),
    "OpenAI completions": StreamFormat({"choices": [{"index": 0, "text": PART}]}),
    "OpenAI Responses text": StreamFormat(_response("output_text")),
    "OpenAI Responses, two items": StreamFormat(
        _response("output_text"),
        others=(_response("output_text") | {"output_index": 1, "delta": "or "},),
    ),
    "OpenAI Responses arguments": StreamFormat(_response("function_call_arguments")),
    "OpenAI Responses reasoning": StreamFormat(_response("reasoning_summary_text")),
    "Anthropic text": StreamFormat(_block("text_delta", "text")),
    "Anthropic thinking": StreamFormat(_block("thinking_delta", "thinking")),
    "Anthropic tool input": StreamFormat(_block("input_json_delta", "partial_json")),
    "Anthropic citations": StreamFormat(
        _block("citations_delta", "citation") | {"delta": {"citation": {"text": PART}}}
    ),
    "Google": StreamFormat(
        {"candidates": [{"content": {"parts": [{"text": PART}], "role": "model"}}]}
    ),
    "Cohere": StreamFormat(
        {
            "type": "content-delta",
            "index": 0,
            "delta": {"message": {"content": {"text": PART}}},
        }
    ),
    "Bedrock": _line(
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": PART}}}
    ),
    "Ollama chat": _line({"model": "demo", "message": {"content": PART}}),
    "Ollama generate": _line({"model": "demo", "response": PART}),
    "text generation inference": StreamFormat({"token": {"id": 5, "text": PART}}),
    "lines of text": StreamFormat(
        PART, before="0:", after="\n", content_type="text/plain"
    ),
    "unknown": StreamFormat({"p": [{"q": {"v": PART}}], "n": 1}, content_type=""),
}
