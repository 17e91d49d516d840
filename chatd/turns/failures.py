"""What a failed turn leaves for its reader: one sentence, advice, and where to look."""

import logging
from datetime import datetime
from typing import Any

from django.utils import timezone

from chatd.enums import TurnStatus
from chatd.models import Turn
from chatd.turns.effort import Effort
from chatd.turns.lifecycle import Outcome
from chatdebug.errors import (
    answered_after,
    classify,
    code_frames,
    how_it_ended,
    response_facts,
    times_tried,
)
from chatdebug.recorder import Run, recorded_error

logger = logging.getLogger(__name__)

WITHOUT_RUN = "No debug run was recorded: who reports it tells the turn's id, which is in the details."
UNSAFE_ADVICE = "The evidence of this failure could not be made safe yet: its debug run may be missing after a restart."
NOT_STORED: dict[str, Any] = {
    "kind": "generic",
    "message": "The answer could not be stored.",
    "how": "",
    "tried": "",
    "attempts": 0,
    "owner": "site",
    "whose": "The fault is in this site, not in your message.",
    "advice": WITHOUT_RUN,
    "ways": ["report", "other_model"],
    "wait": None,
    "failed_at": "",
    "detail": "",
    "said": "",
    "request_id": "",
    "provider": "",
    "status_code": None,
    "retryable": False,
    "rule": "turn.not_stored",
    "run_id": "",
    "run_elsewhere": False,
}
"""Shown when not even the failure can be stored as it was."""


def failure_outcome(
    error: Exception, turn: Turn, text: str, run: Run | None, effort: Effort
) -> Outcome:
    """Return the outcome of a turn that failed, with the text that had come."""
    found = classify(error, provider=turn.chat.model.provider)
    classification = found.after(effort.attempts)
    places = [
        f" at {frame['file']}:{frame['line']} in {frame['function']}"
        for frame in code_frames(error)[-1:]
    ]
    # Not the error's own text, which may quote a prompt or a key.
    logger.warning(
        "A turn of chat %s failed: %s, %s%s",
        turn.chat_id,
        type(error).__name__,
        classification.rule,
        "".join(places),
    )
    stored = run.stored_run if run is not None else None
    # Without a run it failed where nothing is recorded: the level is off.
    has_no_run = classification.captured and stored is None
    advice = classification.advice
    if has_no_run:
        advice = f"{advice} {WITHOUT_RUN}"
    if run is not None and not run.evidence_is_safe:
        advice = f"{advice} {UNSAFE_ADVICE}"
    shown: dict[str, Any] = {
        "kind": classification.kind.value,
        "message": classification.message,
        "how": how_it_ended(
            classification.cause,
            response=response_facts(error),
            characters=len(text) if effort.attempts else None,
            seconds=_seconds_of_attempt(run, effort),
            attempt=effort.attempts,
            said=classification.detail,
        ),
        "tried": times_tried(effort.attempts, effort.seconds),
        "attempts": effort.attempts,
        "owner": classification.owner.value,
        "whose": classification.whose,
        "advice": advice,
        "ways": [way.value for way in classification.ways],
        "wait": classification.wait,
        "failed_at": _failed_at(run).isoformat(),
        "detail": classification.quote,
        "said": classification.detail,
        "provider": classification.provider,
        "status_code": classification.status_code,
        "request_id": classification.request_id,
        "retryable": classification.retryable,
        "rule": classification.rule,
        **_evidence(turn, run),
    }
    return Outcome(TurnStatus.ERROR, text, is_partial=bool(text), error=shown)


def _seconds_of_attempt(run: Run | None, effort: Effort) -> float:
    """Return how long the last attempt took, as its record has it if there is one."""
    recorded = recorded_error(run, attempt=effort.attempts) if run is not None else None
    took = recorded["elapsed_ms"] if recorded is not None else None
    return effort.seconds_of_attempt if took is None else took / 1000


def _failed_at(run: Run | None) -> datetime:
    """Return when a turn failed: when its run ended, if that is recorded."""
    ended = run.finished_at if run is not None else None
    return ended or timezone.now()


def recovery(effort: Effort, turn: Turn, run: Run) -> dict[str, Any] | None:
    """Return what is told of an answer that took several attempts; None of another one."""
    if effort.first_failure is None:
        return None
    first = effort.first_failure.message
    note = answered_after(
        effort.attempts, effort.seconds, waited=effort.waited, first_failure=first
    )
    return {
        "attempts": effort.attempts,
        "seconds": round(effort.seconds, 3),
        "message": first,
        "note": note,
        **_evidence(turn, run),
    }


def _evidence(turn: Turn, run: Run | None) -> dict[str, Any]:
    """Return where the debug run is that holds the evidence of a turn's failures."""
    stored = run.stored_run if run is not None else None
    return {
        "run_id": str(stored.id) if stored is not None else "",
        # Of another chat, maybe another owner's: its page is not this owner's to open.
        "run_elsewhere": stored is not None and stored.chat_id != str(turn.chat_id),
    }
