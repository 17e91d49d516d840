"""Writes about turns: each one a short transaction that no model call is made in."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.text import Truncator

from chatd import clock
from chatd.enums import FinishReason, Role, TurnStatus
from chatd.models import MAX_TITLE_CHARACTERS, Chat, ChatMessage, Turn
from chatd.text import storable, storable_json
from chatd.turns.runner import get_runner

MAX_MESSAGE_CHARACTERS = 100_000
TITLE_WORDS = 8
LEASE = timedelta(seconds=60)
"""A runner that has not been heard of for this long has lost its turns."""
WHATEVER_ELSE = Q()


class InvalidMessage(ValueError):
    """A message that cannot be sent; its text is a plain sentence for the user."""


class TooManyTurns(Exception):
    """A person has as many messages waiting as may wait; the text says so to them."""


@dataclass(frozen=True, slots=True)
class ReadyTurn:
    """A turn that a runner may begin."""

    id: UUID
    owner_id: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ends, and what it leaves in the chat."""

    status: TurnStatus
    text: str = ""
    is_partial: bool = False
    finish_reason: FinishReason | None = None
    error: dict[str, Any] | None = None
    recovery: dict[str, Any] | None = None


def start_turn(*, chat: Chat, text: str) -> Turn:
    """Store a user's message and queue the turn that answers it.

    A chat has one active turn; a message sent meanwhile waits for it. Raises
    InvalidMessage, and TooManyTurns if too many of its owner's wait already.
    """
    text = _checked(text)
    if not chat.model.enabled:
        raise InvalidMessage(
            f"The model {chat.model} is switched off. Pick another one."
        )
    most = settings.TURN_LIMITS["queued_of_owner"]
    owners = get_user_model()._default_manager.select_for_update(no_key=True)
    with transaction.atomic():
        # Locked, so that of messages sent at once each one is counted.
        owners.filter(pk=chat.owner_id).values_list("pk").first()
        queued = Turn.objects.queued().filter(chat__owner_id=chat.owner_id)
        if queued.count() >= most:
            raise TooManyTurns(
                f"{most:,} of your messages wait for an answer already. "
                "Send this one when some of them are answered."
            )
        turn = Turn.objects.create(chat=chat, created_at=clock.now())
        ChatMessage.objects.create(chat=chat, turn=turn, role=Role.USER, text=text)
        chat.updated_at = turn.created_at
        chat.save(update_fields=["updated_at"])
        if not chat.title:
            title = Truncator(" ".join(text.split())).words(TITLE_WORDS)
            chat.title = title[:MAX_TITLE_CHARACTERS]
            # Not over one that was given meanwhile.
            Chat.objects.filter(pk=chat.pk, title="").update(title=chat.title)
        transaction.on_commit(partial(get_runner().enqueue, turn.id))
    return turn


def ready_turns(
    *, running: Mapping[UUID, int], limit: int, limit_of_owner: int
) -> list[ReadyTurn]:
    """Return up to ``limit`` turns to begin next, owners in turn, each one's oldest first.

    ``running`` are the turns that run already, with their owners: an owner who has many
    comes after one who has none, and no owner gets more than ``limit_of_owner``.
    """
    busy = Counter(running.values())
    nth = Window(
        RowNumber(), partition_by="chat__owner_id", order_by=("created_at", "id")
    )
    waiting = (
        Turn.objects.ready()
        .exclude(pk__in=list(running))
        .annotate(nth=nth)
        .filter(nth__lte=limit_of_owner)
        .values_list("pk", "chat__owner_id", "nth", "created_at")
        .order_by("nth", "created_at", "id")[: limit + len(running)]
    )
    places = [
        (busy[owner] + place, created, ReadyTurn(turn_id, owner))
        for turn_id, owner, place, created in waiting
        if busy[owner] + place <= limit_of_owner
    ]
    places.sort(key=itemgetter(0, 1))
    return [turn for _, _, turn in places[:limit]]


def request_stop(*, turn: Turn) -> None:
    """Ask for the end of a turn, from whichever process; nothing if it is over."""
    with transaction.atomic():
        was_queued = _end_if(
            turn,
            TurnStatus.QUEUED,
            TurnStatus.INTERRUPTED,
            stop_requested_at=clock.now(),
        )
        if not was_queued:
            Turn.objects.filter(
                pk=turn.pk, status=TurnStatus.IN_PROGRESS, stop_requested_at=None
            ).update(stop_requested_at=clock.now())
        transaction.on_commit(partial(get_runner().stop, turn.id))
    turn.refresh_from_db()


def claim_turn(*, turn_id: UUID, claim: UUID | None = None) -> Turn | None:
    """Take a queued turn for this runner; None if it is not to be run now.

    That is: another runner was faster, it was stopped or deleted, or its chat is busy or
    has an older message to answer first. A runner that lost the database's answer asks
    again with the same ``claim``, and gets the turn that it had claimed with it.
    """
    claim = claim or uuid4()
    try:
        with transaction.atomic():
            Turn.objects.ready().filter(pk=turn_id).update(
                status=TurnStatus.IN_PROGRESS,
                epoch=F("epoch") + 1,
                claim=claim,
                started_at=clock.now(),
                lease_expires_at=clock.now() + LEASE,
            )
    except IntegrityError:  # chatd_one_active_turn_per_chat
        return None
    return Turn.objects.claimed(claim).filter(pk=turn_id).first()


def finish_turn(
    *, turn: Turn, outcome: Outcome, on_commit: Callable[[], None] | None = None
) -> bool:
    """Store how a claimed turn ended, with its answer, and wake the chat's next one.

    Returns False, and stores nothing, if the turn is not this runner's any more. A runner
    that lost the database's answer asks again: what it had stored stays, and what follows
    from it, ``on_commit`` too, is done then.
    """
    with transaction.atomic():
        if not (_store(turn, outcome) or _has_stored(turn, outcome)):
            return False
        if on_commit is not None:
            transaction.on_commit(on_commit)
        _wake_next(turn)
    return True


def finish_abandoned_turn(*, turn: Turn, text: str) -> bool:
    """End a turn whose runner is gone as interrupted, with what is known of its answer.

    Returns False, and stores nothing, if somebody else was faster, or its runner is back.
    """
    outcome = Outcome(TurnStatus.INTERRUPTED, text, is_partial=True)
    with transaction.atomic():
        if not _store(turn, outcome, only_if=Q(lease_expires_at__lt=clock.now())):
            return False
        _wake_next(turn)
    return True


def _store(turn: Turn, outcome: Outcome, only_if: Q = WHATEVER_ELSE) -> bool:
    columns = {
        "error": storable_json(outcome.error),
        "recovery": storable_json(outcome.recovery),
    }
    if not _end_if(turn, TurnStatus.IN_PROGRESS, outcome.status, only_if, **columns):
        return False
    if outcome.text:
        ChatMessage.objects.create(
            chat_id=turn.chat_id,
            turn=turn,
            role=Role.ASSISTANT,
            text=storable(outcome.text),
            is_partial=outcome.is_partial,
            finish_reason=outcome.finish_reason or "",
        )
    Chat.objects.filter(pk=turn.chat_id).update(updated_at=clock.now())
    return True


def _has_stored(turn: Turn, outcome: Outcome) -> bool:
    """Return whether this runner's claim of a turn has ended so already.

    Others end a turn as interrupted only, which nothing more follows from.
    """
    ended = Turn.objects.filter(pk=turn.pk, epoch=turn.epoch, status=outcome.status)
    return ended.exists()


def _wake_next(turn: Turn) -> None:
    waiting = Turn.objects.queued().filter(chat_id=turn.chat_id)
    if (next_id := waiting.values_list("pk", flat=True).first()) is not None:
        transaction.on_commit(partial(get_runner().enqueue, next_id))


def renew_leases(*, turn_ids: list[UUID]) -> set[UUID]:
    """Extend the leases of running turns; return those that are to be ended."""
    running = Turn.objects.filter(pk__in=turn_ids, status=TurnStatus.IN_PROGRESS)
    running.update(lease_expires_at=clock.now() + LEASE)
    return turns_to_end(turn_ids=turn_ids)


def turns_to_end(*, turn_ids: list[UUID]) -> set[UUID]:
    """Return which of a runner's turns are to be ended.

    Those are the turns that somebody asked to stop, from whichever process, those that
    were deleted with their chat, and those that were taken from a runner as abandoned.
    """
    active = Turn.objects.active().filter(pk__in=turn_ids)
    unstopped = active.exclude(
        status=TurnStatus.IN_PROGRESS, stop_requested_at__isnull=False
    )
    return set(turn_ids) - set(unstopped.values_list("pk", flat=True))


def abandoned_turns() -> list[Turn]:
    """Return the turns that run, and whose runner is gone."""
    return list(Turn.objects.abandoned())


def _checked(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise InvalidMessage("Write a message first.")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidMessage(
            f"The message has {len(text):,} characters; "
            f"at most {MAX_MESSAGE_CHARACTERS:,} can be sent."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage("The message has characters that are not text.") from error
    return text


def _end_if(
    turn: Turn,
    expected: TurnStatus,
    status: TurnStatus,
    only_if: Q = WHATEVER_ELSE,
    **columns: Any,
) -> bool:
    """End a turn if it still is in the expected status, and in this runner's epoch."""
    mine = Turn.objects.filter(only_if, pk=turn.pk, status=expected, epoch=turn.epoch)
    updated = mine.update(
        status=status, finished_at=clock.now(), lease_expires_at=None, **columns
    )
    return bool(updated)
