"""OpenAI's chat completions: the shapes on the wire, as pure functions.

Errors and events follow https://platform.openai.com/docs/api-reference/chat and responses
recorded from it. OpenAI has no status 529; gateways that speak its protocol do.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chatd.demo_provider.wire import Call, ErrorShape, Fault, FinishReason, sse

REQUEST_ID_HEADER = "x-request-id"

_INVALID = "invalid_request_error"
ERRORS: Mapping[Fault, ErrorShape] = {
    Fault.INVALID: ErrorShape(400, _INVALID, "The request is not valid."),
    Fault.UNPROCESSABLE: ErrorShape(422, _INVALID, "The request cannot be processed."),
    Fault.CONTEXT_TOO_LONG: ErrorShape(
        400,
        _INVALID,
        "This model's maximum context length is 8192 tokens. However, your messages "
        "resulted in 9412 tokens. Please reduce the length of the messages.",
        "context_length_exceeded",
    ),
    Fault.KEY_REJECTED: ErrorShape(
        401, _INVALID, "Incorrect API key provided.", "invalid_api_key"
    ),
    Fault.KEY_ECHOED: ErrorShape(
        401, _INVALID, "Incorrect API key provided: {key}.", "invalid_api_key"
    ),
    Fault.FORBIDDEN: ErrorShape(
        403,
        _INVALID,
        "You have insufficient permissions for this operation. "
        "Missing scopes: model.request.",
        "missing_scope",
    ),
    Fault.UNKNOWN_MODEL: ErrorShape(
        404,
        _INVALID,
        "The model `{model}` does not exist or you do not have access to it.",
        "model_not_found",
    ),
    Fault.RATE_LIMITED: ErrorShape(
        429,
        "requests",
        "Rate limit reached for {model} on requests per min (RPM): Limit 3, Used 3, "
        "Requested 1. Please try again in 1s.",
        "rate_limit_exceeded",
    ),
    Fault.QUOTA_EXHAUSTED: ErrorShape(
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
    ),
    Fault.SERVER_ERROR: ErrorShape(
        500,
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    Fault.OVERLOADED: ErrorShape(
        529,
        "service_unavailable_error",
        "Our servers are currently overloaded. Please try again later.",
        "server_is_overloaded",
    ),
}

_FINISH = {FinishReason.STOP: "stop", FinishReason.FILTERED: "content_filter"}


def error(shape: ErrorShape, _request_id: str, /) -> dict[str, Any]:
    details = {"message": shape.message, "type": shape.type, "param": None}
    return {"error": details | {"code": shape.code}}


def refusal(status: int, message: str, /) -> ErrorShape:
    return ErrorShape(status, _INVALID, message)


def whole(call: Call, text: str, reason: FinishReason | None, /) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text or None, "refusal": None},
        "logprobs": None,
        "finish_reason": _FINISH[reason] if reason else None,
    }
    head = _head(call, "chat.completion")
    return head | {"choices": [choice], "usage": _usage(call, len(text.split()))}


def opening(call: Call, /) -> bytes:
    return _chunk(call, {"role": "assistant", "content": "", "refusal": None})


def text(call: Call, piece: str, /, *, first: bool) -> bytes:
    return _chunk(call, {"content": piece})


def closing(call: Call, reason: FinishReason, words: int, /) -> bytes:
    events = _chunk(call, {}, finish_reason=_FINISH[reason])
    options = call.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage") is True:
        head = _head(call, "chat.completion.chunk")
        events += sse(head | {"choices": [], "usage": _usage(call, words)})
    return events + b"data: [DONE]\n\n"


def stream_error(error: Mapping[str, Any], /) -> bytes:
    return sse(error)


def model_list(names: Iterable[str]) -> dict[str, Any]:
    """Return the body of ``GET /v1/models``."""
    models = [
        {"id": name, "object": "model", "created": 0, "owned_by": "chatd-demo"}
        for name in names
    ]
    return {"object": "list", "data": models}


def _chunk(
    call: Call, delta: Mapping[str, Any], *, finish_reason: str | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return sse(_head(call, "chat.completion.chunk") | {"choices": [choice]})


def _head(call: Call, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{call.id[:29]}",
        "object": kind,
        "created": call.created,
        "model": call.model,
    }


def _usage(call: Call, words: int) -> dict[str, int]:
    return {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": words,
        "total_tokens": call.input_tokens + words,
    }
