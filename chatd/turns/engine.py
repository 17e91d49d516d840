"""Runs one turn from its claim to its end. Nothing here knows of requests or viewers."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import InterfaceError, InternalError, OperationalError
from pydantic_ai.messages import ModelMessage

from chatd.enums import Role, TurnStatus
from chatd.llm.configured import configured_model
from chatd.llm.history import build_history
from chatd.models import ChatMessage, ModelConfig, Turn
from chatd.services import turns
from chatd.services.turns import Outcome
from chatd.turns.answer import Answer
from chatd.turns.bus import get_bus
from chatd.turns.generation import Generation
from chatd.turns.policy import turn_policy
from chatd.turns.threads import in_thread, undisturbed
from chatdebug.errors import classify, code_frames
from chatdebug.levels import level_of
from chatdebug.recorder import Level, Run, RunKind, logical_call, record_run

logger = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
"""What a database raises that is gone, starting, locked, full, or (the last) read-only."""
ADVICE_WITHOUT_RUN = "Try again. If it happens again, report it with the turn's id, which is in the details."
UNSAFE_ADVICE = "The evidence of this failure could not be made safe yet: its debug run may be missing after a restart."
FINISH_WAITS = (0.2, 0.5, 1, 2, 5, 10, 20)
"""Seconds between the tries to store an outcome while the database does not answer."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that a turn needs to know from the database before it calls the model."""

    turn: Turn
    config: ModelConfig
    level: Level
    history: list[ModelMessage]
    question: ChatMessage

    def record(self) -> record_run:
        """Return the recording of this turn."""
        chat = self.turn.chat
        return record_run(
            chat_id=chat.pk,
            owner_id=chat.owner_id,
            kind=RunKind.CHAT_TURN,
            level=self.level,
            provider=self.config.provider,
            model=self.config.model,
            model_config_id=self.config.pk,
            trigger_message_id=self.question.pk,
            history_tip_message_id=self.question.pk,
            label=self.question.text,
        )


async def run_turn(turn_id: UUID) -> None:
    """Run a queued turn, if it can be claimed.

    A cancellation ends it as interrupted and is raised again; no other error is.
    """
    # Shielded: a turn that was claimed must be ended by this task, however early it stops.
    assignment = await undisturbed(in_thread(_claim, turn_id))
    if assignment is None:
        if await in_thread(_is_over, turn_id):
            get_bus().close(turn_id)  # it was stopped while it waited
        return
    bus = get_bus()
    bus.open(turn_id, epoch=assignment.turn.epoch)
    answer = Answer(bus, turn_id)
    recording = assignment.record()
    try:
        _raise_if_cancelled()
        await _answer(assignment, recording, answer)
    except asyncio.CancelledError:
        outcome = Outcome(TurnStatus.INTERRUPTED, answer.text, is_partial=True)
        await undisturbed(_store(assignment.turn, outcome))
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the turn has failed
        outcome = _failure(error, answer.text, recording.run)
        await undisturbed(_store(assignment.turn, outcome))
    finally:
        bus.close(turn_id)


def _is_over(turn_id: UUID) -> bool:
    return not Turn.objects.active().filter(pk=turn_id).exists()


def _raise_if_cancelled() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _claim(turn_id: UUID) -> Assignment | None:
    turn = turns.claim_turn(turn_id=turn_id)
    if turn is None:
        return None
    chat = turn.chat
    earlier = list(Turn.objects.as_of(turn))
    messages = [message for past in earlier for message in past.messages.all()]
    question = turn.messages.get(role=Role.USER)
    return Assignment(
        turn=turn,
        config=chat.model,
        level=level_of(chat_id=str(chat.pk), owner_id=str(chat.owner_id)),
        history=build_history([*messages, question]),
        question=question,
    )


async def _answer(
    assignment: Assignment, recording: record_run, answer: Answer
) -> None:
    """Get the answer and commit it.

    A failure leaves the recording's block, and so reaches whoever shows it, only when
    its evidence is durable.
    """
    config = assignment.config
    async with recording as run:
        with logical_call(run):
            generation = Generation(
                model=configured_model(config),
                provider=config.provider,
                policy=turn_policy(config.provider),
                answer=answer,
            )
            say = partial(get_bus().publish_status, assignment.turn.id)
            await generation.run(assignment.history, say=say)
        await _commit(assignment.turn, answer.text, run)


async def _commit(turn: Turn, text: str, run: Run) -> None:
    outcome = Outcome(TurnStatus.COMPLETED, text)
    await undisturbed(_store(turn, outcome, on_commit=run.complete))


async def _store(
    turn: Turn, outcome: Outcome, *, on_commit: Callable[[], None] | None = None
) -> None:
    """Store an outcome; a database that is away for a moment does not lose it."""
    for wait in (*FINISH_WAITS, None):
        try:
            await in_thread(
                turns.finish_turn, turn=turn, outcome=outcome, on_commit=on_commit
            )
        except DATABASE_AWAY:
            if wait is None:
                raise
            logger.warning("The outcome of turn %s is not stored yet", turn.id)
            await asyncio.sleep(wait)
        else:
            return


def _place(error: Exception) -> str:
    """Return where an error was raised, for the log."""
    for frame in code_frames(error)[-1:]:
        return f" at {frame['file']}:{frame['line']} in {frame['function']}"
    return ""


def _failure(error: Exception, text: str, run: Run) -> Outcome:
    verdict = classify(error, provider=run.facts.provider)
    # Not the error's own text, which may quote a prompt or a key.
    logger.warning(
        "A turn of chat %s failed: %s, %s%s",
        run.facts.chat_id,
        type(error).__name__,
        verdict.rule,
        _place(error),
    )
    # Without a run it failed outside of a model call, or the level is off.
    stored = run.stored_run
    has_no_run = verdict.captured and stored is None
    advice = ADVICE_WITHOUT_RUN if has_no_run else verdict.advice
    if not run.evidence_is_safe:
        advice = f"{advice} {UNSAFE_ADVICE}"
    shown: dict[str, Any] = {
        "kind": verdict.kind.value,
        "message": verdict.message,
        "advice": advice,
        "detail": verdict.detail,
        "provider": verdict.provider,
        "status_code": verdict.status_code,
        "retryable": verdict.retryable,
        "rule": verdict.rule,
        "run_id": str(stored.id) if stored is not None else "",
        # Of another chat, maybe another owner's: its page is not this owner's to open.
        "run_elsewhere": stored is not None and stored.chat_id != run.facts.chat_id,
    }
    return Outcome(TurnStatus.ERROR, text, is_partial=bool(text), error=shown)
