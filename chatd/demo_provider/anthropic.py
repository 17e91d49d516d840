"""Anthropic's messages: the shapes on the wire, as pure functions.

Errors and events follow https://platform.claude.com/docs/en/api/errors and
https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from collections.abc import Mapping
from typing import Any

from chatd.demo_provider.wire import Call, ErrorShape, Fault, FinishReason, sse

REQUEST_ID_HEADER = "request-id"

_INVALID = "invalid_request_error"
ERRORS: Mapping[Fault, ErrorShape] = {
    Fault.INVALID: ErrorShape(400, _INVALID, "The request is not valid."),
    Fault.UNPROCESSABLE: ErrorShape(422, _INVALID, "The request cannot be processed."),
    Fault.CONTEXT_TOO_LONG: ErrorShape(
        400, _INVALID, "prompt is too long: 209062 tokens > 199999 maximum"
    ),
    Fault.KEY_REJECTED: ErrorShape(401, "authentication_error", "invalid x-api-key"),
    Fault.KEY_ECHOED: ErrorShape(
        401, "authentication_error", "invalid x-api-key: {key}"
    ),
    Fault.FORBIDDEN: ErrorShape(
        403,
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    Fault.UNKNOWN_MODEL: ErrorShape(404, "not_found_error", "model: {model}"),
    Fault.RATE_LIMITED: ErrorShape(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit. Please try again later.",
    ),
    # Not a 429, and no type of its own: only its words tell it from other rejections.
    Fault.QUOTA_EXHAUSTED: ErrorShape(
        400,
        _INVALID,
        "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    Fault.SERVER_ERROR: ErrorShape(500, "api_error", "Internal server error"),
    Fault.OVERLOADED: ErrorShape(529, "overloaded_error", "Overloaded"),
}

_STOP = {FinishReason.STOP: "end_turn", FinishReason.FILTERED: "refusal"}


def error(shape: ErrorShape, request_id: str, /) -> dict[str, Any]:
    details = {"type": shape.type, "message": shape.message}
    return {"type": "error", "error": details, "request_id": request_id}


def refusal(status: int, message: str, /) -> ErrorShape:
    types = {404: "not_found_error", 413: "request_too_large"}
    return ErrorShape(status, types.get(status, _INVALID), message)


def whole(call: Call, text: str, reason: FinishReason | None, /) -> dict[str, Any]:
    return _message(call) | {
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": _STOP[reason] if reason else None,
        "usage": _usage(call, len(text.split())),
    }


def opening(call: Call, /) -> bytes:
    return _event({"type": "message_start", "message": _message(call)})


def text(_call: Call, piece: str, /, *, first: bool) -> bytes:
    start = _event(
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        }
    )
    delta = {"type": "text_delta", "text": piece}
    event = _event({"type": "content_block_delta", "index": 0, "delta": delta})
    return start + _event({"type": "ping"}) + event if first else event


def closing(call: Call, reason: FinishReason, words: int, /) -> bytes:
    delta = {"stop_reason": _STOP[reason], "stop_sequence": None}
    return (
        (_event({"type": "content_block_stop", "index": 0}) if words else b"")
        + _event(
            {"type": "message_delta", "delta": delta, "usage": _usage(call, words)}
        )
        + _event({"type": "message_stop"})
    )


def stream_error(error: Mapping[str, Any], /) -> bytes:
    return _event(error)


def _event(data: Mapping[str, Any]) -> bytes:
    return sse(data, event=data["type"])


def _message(call: Call) -> dict[str, Any]:
    return {
        "id": f"msg_01{call.id[:22]}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(call, 1),
    }


def _usage(call: Call, words: int) -> dict[str, int]:
    return {
        "input_tokens": call.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": words,
    }
