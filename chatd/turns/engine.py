"""Runs one turn from its claim to its end. Nothing here knows of requests or viewers."""

import asyncio
import logging
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID, uuid4

from django.db import InterfaceError, InternalError, OperationalError
from pydantic_ai.messages import ModelMessage

from chatd.enums import FinishReason, Role, TurnStatus
from chatd.llm.configured import configured_model
from chatd.llm.history import build_history
from chatd.models import ChatMessage, ModelConfig, Turn
from chatd.turns import lifecycle
from chatd.turns.answer import Answer
from chatd.turns.bus import get_bus
from chatd.turns.effort import Effort
from chatd.turns.failures import (
    NOT_STORED,
    classified_failure,
    failure_outcome,
    recovery,
    untold_failure,
)
from chatd.turns.generation import Generation
from chatd.turns.lifecycle import Outcome
from chatd.turns.policy import turn_policy
from chatd.turns.threads import in_thread, shielded
from chatdebug.levels import level_of
from chatdebug.recorder import (
    Interruption,
    Level,
    Run,
    RunKind,
    logical_call,
    record_run,
)

logger = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
"""What a database raises that is gone, starting, locked, full, or (the last) read-only."""
PERSIST_WAITS = (0.2, 0.5, 1, 2, 5, 10, 20)
"""Seconds between the tries of a unit of work while the database does not answer."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that a claimed turn needs to know from the database to call the model."""

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
            queued_at=self.turn.created_at,
            claimed_at=self.turn.started_at,
            context_window=self.config.context_window,
            evidence=self.config.evidence,
        )


async def run_turn(turn_id: UUID) -> bool:
    """Run a queued turn, if it can be claimed; return whether it was.

    A cancellation ends it as interrupted and is raised again; no other error is.
    """
    # Shielded: a turn that was claimed must be ended by this task, however early it stops,
    # and the viewers of one that is over must hear of it.
    turn = await shielded(_claim(turn_id))
    if turn is None:
        return False
    await TurnRun(turn).to_its_end()
    return True


async def _claim(turn_id: UUID) -> Turn | None:
    """Claim a turn; of one that is over already, tell its viewers."""
    claim = partial(lifecycle.claim_turn, turn_id=turn_id, claim=uuid4())
    turn = await persisted(claim)
    if turn is None:
        waits_or_runs = Turn.objects.active().filter(pk=turn_id)
        if not await persisted(partial(waits_or_runs.exists)):
            get_bus().close(turn_id)
    return turn


async def persisted[R](work: "partial[R]") -> R:
    """Do a unit of database work; a database that is away for a moment is waited for.

    It may be done more than once, where only the database's answer was lost.
    """
    for wait in (*PERSIST_WAITS, None):
        try:
            return await in_thread(work)
        except DATABASE_AWAY:
            if wait is None:
                raise
            logger.warning("The database does not answer: %s", work.func.__name__)
            await asyncio.sleep(wait)
    raise AssertionError  # the last wait is None


class TurnRun:
    """One claimed turn, until its outcome is stored. Whatever happens, it is ended."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._bus = get_bus()
        self._answer: Answer | None = None
        self._run: Run | None = None
        self._effort = Effort()

    async def to_its_end(self) -> None:
        """Get the answer and store the outcome; raises only a cancellation."""
        try:
            await self._get_answer()
        except asyncio.CancelledError:
            outcome = Outcome(TurnStatus.INTERRUPTED, self._text, is_partial=True)
            await shielded(self._end(outcome))
            await shielded(self._tell_who_stopped())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the turn has failed
            await shielded(self._fail(error))
        finally:
            self._bus.close(self._turn.id)

    @property
    def _text(self) -> str:
        return self._answer.text if self._answer is not None else ""

    async def _get_answer(self) -> None:
        """Get the answer and commit it.

        A failure leaves the recording's block, and so reaches whoever shows it, only when
        its evidence is durable.
        """
        turn, config = self._turn, self._turn.chat.model
        policy = turn_policy(config.provider)
        self._answer = Answer(self._bus, turn.id, max_characters=policy.max_characters)
        self._bus.open(turn.id, epoch=turn.epoch)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # while it was claimed
        assignment = await persisted(partial(_prepare, turn))
        async with assignment.record() as run:
            self._run = run
            with logical_call(run):
                model = await configured_model(config)
                generation = Generation(
                    model=model,
                    provider=config.provider,
                    policy=policy,
                    answer=self._answer,
                    effort=self._effort,
                )
                publish_status = partial(self._bus.publish_status, turn.id)
                reason = await generation.run(
                    assignment.history, publish_status=publish_status
                )
            outcome = Outcome(
                TurnStatus.COMPLETED,
                self._text,
                is_partial=reason is FinishReason.TOO_LONG,
                finish_reason=reason,
                recovery=recovery(self._effort, turn, run),
            )
            await shielded(persisted(self._finish(outcome, run)))

    def _finish(self, outcome: Outcome, run: Run | None = None) -> "partial[bool]":
        on_commit = run.complete if run is not None else None
        return partial(
            lifecycle.finish_turn, turn=self._turn, outcome=outcome, on_commit=on_commit
        )

    async def _fail(self, error: Exception) -> None:
        if self._run is None:
            await self._record(error)
        try:
            found = classified_failure(error, self._turn)
            outcome = await in_thread(
                failure_outcome,
                error,
                found,
                self._turn,
                self._text,
                self._run,
                self._effort,
            )
        except Exception as odd:  # noqa: BLE001 - what an exception's own code does
            # Without a traceback: it would end with the text of the failure itself.
            logger.warning(
                "The failure of turn %s cannot be told: %s",
                self._turn.id,
                type(odd).__name__,
            )
            outcome = untold_failure(self._turn, self._text, self._run)
        await self._end(outcome)

    async def _end(self, outcome: Outcome) -> None:
        """Store an outcome, or, if that is refused, that there is a failure at least."""
        try:
            await persisted(self._finish(outcome))
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - no text may leave the turn hanging
            logger.warning(
                "The outcome of turn %s was refused: %s",
                self._turn.id,
                type(error).__name__,
            )
            if self._run is None or self._run.stored_id is None:
                await self._record(error)
            run_id = str(self._run.stored_id or "") if self._run is not None else ""
            # Without the answer first, then without the texts of the error as well.
            shown = (outcome.error or NOT_STORED) | {"run_id": run_id}
            failed = Outcome(TurnStatus.ERROR, error=shown)
            try:
                await persisted(self._finish(failed))
            except DATABASE_AWAY:
                raise
            except Exception:  # noqa: BLE001 - what was refused is in these texts
                failed = replace(failed, error=NOT_STORED | {"run_id": run_id})
                await persisted(self._finish(failed))

    async def _tell_who_stopped(self) -> None:
        """Let the record of an interrupted turn, if there is one, say that its user did it.

        A turn that ends with its process or its chat is interrupted as well.
        """
        if self._run is None or self._run.stored_id is None:
            return
        stopped = Turn.objects.filter(pk=self._turn.pk).exclude(stop_requested_at=None)
        try:
            if await in_thread(stopped.exists):
                self._run.interrupt(Interruption.USER)
        except Exception:
            logger.exception("Nobody knows who stopped turn %s", self._turn.id)

    async def _record(self, error: Exception) -> None:
        """Record a failure outside of the recording of the turn."""
        turn, config = self._turn, self._turn.chat.model
        try:
            level = await in_thread(
                level_of, chat_id=str(turn.chat_id), owner_id=str(turn.chat.owner_id)
            )
            async with record_run(
                chat_id=turn.chat_id,
                owner_id=turn.chat.owner_id,
                level=level,
                provider=config.provider,
                model=config.model,
                model_config_id=config.pk,
                evidence=config.evidence,
            ) as run:
                self._run = run
                run.fail(error)
        except Exception:
            logger.exception("The failure of turn %s was not recorded", turn.id)


def _prepare(turn: Turn) -> Assignment:
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
