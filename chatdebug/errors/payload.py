"""The error payload of a step: evidence without content."""

from dataclasses import dataclass
from typing import Any

from chatdebug.errors.chain import code_frames, exception_chain
from chatdebug.errors.classify import Classification
from chatdebug.errors.responses import response_facts
from chatdebug.payloads import json_safe

NO_EXCEPTION = "stream error part with nil error"
"""Message of an error that came without an exception object."""


@dataclass(slots=True)
class Progress:
    """How far a call had come when it ended."""

    elapsed_ms: int = 0
    first_part_ms: int | None = None
    parts_received: int = 0
    characters_received: int = 0
    retry_count: int = 0
    """Attempts at the same logical call before this one."""


def error_payload(
    error: BaseException | None,
    classification: Classification,
    progress: Progress,
    *,
    keep_content: bool = False,
) -> dict[str, Any]:
    """Return what is kept of an error: JSON-safe, redacted, clipped.

    Without ``keep_content``, which is for the full level, no text of it shows what it
    quotes of a prompt or an answer.

    Keys: message, type, chain (list of type and message, outermost first), frames (list
    of file, line, function), kind, rule, provider, status_code, error_type, error_code,
    request_id, retryable, detail, response (facts of the last response, see
    ``response_facts``), and those of ``Progress``.
    """
    chain = (
        exception_chain(error, keep_content=keep_content) if error is not None else []
    )
    message = chain[0]["message"] if chain else NO_EXCEPTION
    payload = {
        "message": message,
        "type": type(error).__name__ if error is not None else "",
        "chain": chain,
        "frames": code_frames(error) if error is not None else [],
        "kind": classification.kind.value,
        "rule": classification.rule,
        "provider": classification.provider,
        "status_code": classification.status_code,
        "error_type": classification.error_type,
        "error_code": classification.error_code,
        "request_id": classification.request_id,
        "retryable": classification.retryable,
        "detail": classification.detail,
        "response": response_facts(error),
        "elapsed_ms": progress.elapsed_ms,
        "first_part_ms": progress.first_part_ms,
        "parts_received": progress.parts_received,
        "characters_received": progress.characters_received,
        "retry_count": progress.retry_count,
    }
    safe: dict[str, Any] = json_safe(payload)
    return safe
