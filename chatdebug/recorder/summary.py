"""The run's summary: what a reader scans in a list, made from its steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chatdebug.enums import Status
from chatdebug.writer import value_of

if TYPE_CHECKING:
    from chatdebug.recorder.step import Step

ALWAYS = {"input_tokens": "total_input_tokens", "output_tokens": "total_output_tokens"}
IF_ANY = {
    "reasoning_tokens": "total_reasoning_tokens",
    "cache_creation_tokens": "total_cache_creation_tokens",
    "cache_read_tokens": "total_cache_read_tokens",
}


def summarise(label: str, steps: "Sequence[Step]") -> dict[str, Any]:
    """Return what the row of a run sums up.

    Always: step_count, total_input_tokens, total_output_tokens. Where there is any:
    first_message, attempt_count, endpoint_label, total_reasoning_tokens,
    total_cache_creation_tokens, total_cache_read_tokens, has_error, error_message (one
    line of at most 200 characters), error_status.

    An error that a later attempt repaired does not set ``has_error``, and neither does
    an interrupted step.
    """
    summary: dict[str, Any] = {"first_message": label, "step_count": len(steps)}
    if not label:
        del summary["first_message"]
    for source, target in ALWAYS.items():
        summary[target] = sum(_tokens(step, source) for step in steps)
    for source, target in IF_ANY.items():
        if total := sum(_tokens(step, source) for step in steps):
            summary[target] = total
    if attempts := sum(len(step.attempts) for step in steps):
        summary["attempt_count"] = attempts
    errors = [step.error for step in steps if step.status is Status.ERROR]
    if failures := [error for error in errors if error is not None]:
        summary["has_error"] = True
        error = failures[-1]
        reason = error["detail"] or error["message"]
        summary["error_message"] = reason.split("\n", 1)[0][:200]
        if error["status_code"]:
            summary["error_status"] = error["status_code"]
    if endpoint := _endpoint(steps):
        summary["endpoint_label"] = endpoint
    return summary


def _tokens(step: "Step", name: str) -> int:
    usage = value_of(step.usage)
    amount = usage.get(name) if isinstance(usage, dict) else 0
    return amount if isinstance(amount, int) else 0


def _endpoint(steps: "Sequence[Step]") -> str:
    for step in steps:
        for attempt in step.attempts:
            if attempt.get("response_status") and attempt.get("path"):
                return f"{attempt.get('method', '')} {attempt['path']}".strip()
    return ""
