"""What a failed turn leaves for its reader: one sentence, advice, and where to look."""

import logging
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils import timezone

from chatd.enums import TurnStatus
from chatd.models import ChatMessage, ModelConfig, Turn
from chatd.turns.effort import Effort
from chatd.turns.lifecycle import Outcome
from chatdebug.errors import (
    Around,
    Classification,
    answered_at_last,
    classify,
    code_frames,
    how_it_ended,
    response_facts,
    time_of_attempts,
    times_tried,
    told_as_over,
    what_came,
    whose_if_checked,
)
from chatdebug.recorder import LikelyCause, Run, Them, is_it_them

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
    "cause": {},
    "them": None,
    "ways": ["report", "other_model"],
    "wait": None,
    "failed_at": "",
    "detail": "",
    "speaker": "",
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
    error: Exception,
    found: Classification,
    turn: Turn,
    text: str,
    run: Run | None,
    effort: Effort,
) -> Outcome:
    """Return the outcome of a turn that failed, with the text that had come.

    Asks the database what else there is. What is told then stays as it is: whoever comes
    back to a card reads what was known when it failed.
    """
    them = _them(found, turn)
    around = _around(turn, them, _tokens(found, run))
    classification = found.after(
        effort.attempts,
        around,
        has_begun=bool(text) if effort.attempts else None,
        is_at_one_place=effort.is_at_one_place,
    )
    stored = run.stored_run if run is not None else None
    # Without a run it failed where nothing is recorded: the level is off.
    has_no_run = classification.captured and stored is None
    told = _told(classification, run, around)
    if has_no_run:
        told["advice"] += f" {WITHOUT_RUN}"
    if run is not None and not run.evidence_is_safe:
        told["advice"] += f" {UNSAFE_ADVICE}"
    met = [*effort.failures[: effort.attempts - 1], classification]
    shown: dict[str, Any] = {
        "kind": classification.kind.value,
        "message": _headline(classification, run),
        "how": _how(error, classification, run, len(text) if effort.attempts else None),
        "tried": times_tried(
            effort.attempts,
            _seconds(effort, run),
            met=[(one.cause, one.status_code) for one in met],
        ),
        "attempts": effort.attempts,
        **told,
        "them": them,
        "wait": classification.wait,
        "failed_at": _failed_at(run).isoformat(),
        "detail": classification.quote,
        "speaker": classification.speaker,
        "said": classification.detail,
        "provider": classification.provider,
        "status_code": classification.status_code,
        "request_id": classification.request_id,
        "retryable": classification.retryable,
        "rule": classification.rule,
        **_evidence(turn, run),
    }
    return Outcome(TurnStatus.ERROR, text, is_partial=bool(text), error=shown)


def untold_failure(turn: Turn, text: str, run: Run | None) -> Outcome:
    """Return the outcome of a turn whose failure raises an error where it is read."""
    unknown = classify(None, provider=turn.chat.model.provider)
    shown = NOT_STORED | {
        "message": unknown.message,
        "owner": unknown.owner.value,
        "whose": unknown.whose,
        "advice": unknown.advice,
        "ways": [way.value for way in unknown.ways],
        "provider": unknown.provider,
        "rule": unknown.rule,
        "failed_at": timezone.now().isoformat(),
        **_evidence(turn, run),
    }
    return Outcome(TurnStatus.ERROR, text, is_partial=bool(text), error=shown)


def classified_failure(error: Exception, turn: Turn) -> Classification:
    """Return what a turn failed with, and log it, whatever else may take long then.

    Without the error's text, which may quote a prompt or a key.
    """
    classification = classify(error, provider=turn.chat.model.provider)
    places = [
        f" at {frame['file']}:{frame['line']} in {frame['function']}"
        for frame in code_frames(error)[-1:]
    ]
    logger.warning(
        "A turn of chat %s failed: %s, %s%s",
        turn.chat_id,
        type(error).__name__,
        classification.rule,
        "".join(places),
    )
    return classification


def _told(
    classification: Classification, run: Run | None, around: Around
) -> dict[str, Any]:
    """Return whose a failure is and what to do, by the likely cause if one was found.

    ``cause`` is what a rule found in the request: ``sentence``, and for whoever repairs it
    ``found`` (with its place) and ``remedy``; empty if none did.
    """
    cause = _likely_cause(run)
    if cause is None:
        whose = classification.whose
        kept = run.request_notes if run is not None else None
        if kept is not None and kept.causes is not None:
            whose = whose_if_checked(whose, classification.cause)
        return {
            "owner": classification.owner.value,
            "whose": whose,
            "advice": classification.advice,
            "ways": [way.value for way in classification.ways],
            "cause": {},
        }
    found = cause.found(provider=classification.provider, around=around)
    return {
        "owner": found.owner.value,
        "whose": found.whose,
        "advice": found.advice,
        "ways": [way.value for way in found.ways],
        "cause": {
            "rule": cause.rule.id,
            "sentence": cause.in_short,
            "found": cause.told,
            "remedy": cause.remedy,
        },
    }


def _likely_cause(run: Run | None) -> LikelyCause | None:
    """Return what a rule found first in the request of the failure that was kept last."""
    kept = run.request_notes if run is not None else None
    return kept.causes[0] if kept is not None and kept.causes else None


def _headline(classification: Classification, run: Run | None) -> str:
    """Return what happened in one sentence, with why it probably did."""
    cause = _likely_cause(run)
    if cause is None:
        return classification.message
    return cause.headline(classification.message, classification.cause)


def _how(
    error: Exception,
    classification: Classification,
    run: Run | None,
    characters: int | None,
) -> str:
    """Return how it ended, and what happened where the headline says why.

    ``characters`` is how much of the answer had come, None where nothing was asked for.
    """
    how = how_it_ended(
        classification.cause,
        response=response_facts(error),
        characters=characters,
        status=classification.status_code,
        said=classification.detail,
        provider=classification.provider,
    )
    if _likely_cause(run) is None or classification.is_too_long:
        return how
    return what_came(
        classification.message,
        classification.cause,
        said=classification.detail,
        how=how,
    )


def _tokens(classification: Classification, run: Run | None) -> int | None:
    """Return how long a chat is that is too long, in tokens; 0 if nobody counted them.

    None for what failed for another reason.
    """
    cause = _likely_cause(run)
    if cause is not None and cause.rule.is_of_length:
        return classification.tokens or cause.tokens
    return classification.tokens if classification.is_too_long else None


def _them(classification: Classification, turn: Turn) -> Them | None:
    """Return whether other models fail as well; nothing of those that do so by design."""
    config = turn.chat.model
    if config.is_demo:
        return None
    return is_it_them(
        provider=classification.provider,
        model=config.model,
        failed_at=timezone.now(),
        owner=classification.owner,
        cause=classification.cause,
    )


def _around(turn: Turn, them: Them | None, tokens: int | None) -> Around:
    """Return what else there is; without a database all of it may be.

    ``tokens`` is how long a chat is that is too long, None of any other: where that is
    not in the messages, no new chat makes it shorter.
    """
    who = them["who_may_answer"] if them is not None else "other_models"
    try:
        if tokens is None:
            history, is_small = Turn.objects.before(turn).exists(), False
        else:
            history, is_small = _where_it_is_long(turn, tokens)
        elsewhere = ModelConfig.objects.enabled().exclude(
            provider=turn.chat.model.provider
        )
        return Around(
            history=history,
            is_small=is_small,
            other_models=who == "other_models",
            other_providers=who != "nobody" and elsewhere.exists(),
        )
    except DatabaseError:
        logger.warning("What else there is beside turn %s is not known", turn.pk)
        return Around(
            other_models=who == "other_models", other_providers=who != "nobody"
        )


def _where_it_is_long(turn: Turn, tokens: int) -> tuple[bool, bool]:
    """Return whether earlier messages are, and whether the last one surely is not.

    A token has a byte at least, so a text has no more tokens than bytes.
    """
    asked = turn.question.text if turn.question else ""  # it may have been deleted
    earlier = ChatMessage.objects.filter(turn__in=Turn.objects.before(turn))
    before = earlier.aggregate(size=Sum(Length("text")))["size"] or 0
    # In UTF-8 a character has four bytes at most.
    is_elsewhere = 2 * (len(asked.encode()) + 4 * before) < tokens
    is_small = len(asked) < before or 2 * len(asked.encode()) < tokens
    return before > 0 and not is_elsewhere, is_small


def _seconds(effort: Effort, run: Run | None) -> float:
    """Return how long all attempts took: what their debug run says, where it has each."""
    took = run.took if run is not None else None
    steps = run.steps if run is not None else ()
    began = steps[0].started_at if steps else None
    ended = steps[-1].finished_at if steps else None
    if began is None or ended is None or len(steps) != effort.attempts:
        return effort.seconds
    attempts = (ended - began).total_seconds()
    return time_of_attempts(attempts, took.total_seconds()) if took else attempts


def _failed_at(run: Run | None) -> datetime:
    """Return when a turn failed: when its run ended, if that is recorded."""
    ended = run.finished_at if run is not None else None
    return ended or timezone.now()


def recovery(effort: Effort, turn: Turn, run: Run) -> dict[str, Any] | None:
    """Return what is told of an answer that took several attempts; None of another one."""
    if not effort.failures:
        return None
    first = effort.failures[0]
    met = told_as_over(first.message, first.cause, first.provider)
    note = answered_at_last(effort.attempts, waited=effort.waited, first=met)
    return {
        "attempts": effort.attempts,
        "seconds": round(effort.seconds, 3),
        "message": met,
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
