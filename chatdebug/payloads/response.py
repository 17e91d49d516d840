"""``normalise_response`` and ``normalise_usage``: what a model answered, and its price."""

from typing import TYPE_CHECKING, Any

from chatdebug.payloads.json import as_name
from chatdebug.payloads.limits import (
    ERROR_CHARACTERS,
    FAILED_ATTEMPTS,
    RESPONSE_PARTS,
    STEP_TEXT_BYTES,
    STEP_TOOL_BYTES,
)
from chatdebug.payloads.parts import normalise_part, without_split_secrets
from chatdebug.payloads.text import TextBudget, redact_and_clip

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.usage import RequestUsage


def normalise_response(response: "ModelResponse") -> dict[str, Any]:
    """Return an answer, whole or partial, as it may be stored.

    Keys: content (list of parts), finish_reason, state, model, response_id, usage, and
    failed_attempts if a fallback model was involved. Text and reasoning share a budget
    of ``STEP_TEXT_BYTES``; a part beyond it keeps its ``text_length`` only. Raises what
    an object raises that is no answer: the writer, which asks for it, takes note of that.
    """
    budget = TextBudget(STEP_TEXT_BYTES, tools=TextBudget(STEP_TOOL_BYTES))
    parts = without_split_secrets(response.parts[:RESPONSE_PARTS])
    content = [entry for part in parts for entry in normalise_part(part, budget)]
    if left_out := len(response.parts) - len(parts):
        content.append({"type": "left-out", "count": left_out})
    result: dict[str, Any] = {
        "content": content,
        "finish_reason": as_name(response.finish_reason),
        "state": as_name(response.state),
        "model": as_name(response.model_name),
        "response_id": as_name(response.provider_response_id),
        "usage": normalise_usage(response.usage),
    }
    if response.failed_attempts:
        failed = response.failed_attempts[:FAILED_ATTEMPTS]
        result["failed_attempts"] = [
            {
                "model": as_name(attempt.model_name),
                "outcome": as_name(attempt.outcome),
                "error": redact_and_clip(attempt.error or "", ERROR_CHARACTERS),
                "duration_ms": round(attempt.duration.total_seconds() * 1000),
            }
            for attempt in failed
        ]
    return result


def normalise_usage(usage: "RequestUsage | None") -> dict[str, Any]:
    """Return the tokens of one call: input, output, total, reasoning, and of the cache.

    A count that the provider did not give is 0; None is no record at all: ``{}``.
    """
    if usage is None:
        return {}
    details = usage.details or {}
    reasoning = usage.output_reasoning_tokens or details.get("reasoning_tokens")
    return {
        "input_tokens": _count(usage.input_tokens),
        "output_tokens": _count(usage.output_tokens),
        "total_tokens": _count(usage.total_tokens),
        "reasoning_tokens": _count(reasoning),
        "cache_creation_tokens": _count(usage.cache_write_tokens),
        "cache_read_tokens": _count(usage.cache_read_tokens),
    }


def _count(tokens: Any) -> int:
    return tokens if type(tokens) is int else 0
