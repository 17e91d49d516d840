"""Turns in the database: who may claim them, how they end, what waits."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.utils import timezone

from chatd.enums import Role, TurnStatus
from chatd.models import Chat, Turn
from chatd.services.chats import rename_chat
from chatd.turns.lifecycle import (
    MAX_MESSAGE_CHARACTERS,
    InvalidMessage,
    Outcome,
    abandoned_turns,
    claim_turn,
    finish_abandoned_turn,
    finish_turn,
    renew_leases,
    request_stop,
    start_turn,
)
from chatd.turns.runner import get_runner
from chatd.turns.runners.null import NullRunner
from tests.chatd.turns.site import is_end_of_turn
from tests.factories import ChatFactory
from tests.statements import lost_commit

pytestmark = pytest.mark.django_db(transaction=True)


class RunnerSpy(NullRunner):
    """Notes what a runner is told."""

    def __init__(self) -> None:
        self.enqueued: list[UUID] = []
        self.stopped: list[UUID] = []

    def enqueue(self, turn_id: UUID) -> None:
        self.enqueued.append(turn_id)

    def stop(self, turn_id: UUID) -> None:
        self.stopped.append(turn_id)


@pytest.fixture
def runner(settings: LazySettings) -> RunnerSpy:
    settings.RUNNER = f"{__name__}.RunnerSpy"
    runner = get_runner()
    assert isinstance(runner, RunnerSpy)
    return runner


@pytest.fixture
def chat() -> Chat:
    return ChatFactory(title="")


def claimed(chat: Chat) -> Turn:
    turn = claim_turn(turn_id=start_turn(chat=chat, text="Hello").id)
    assert turn is not None
    return turn


def test_a_message_is_stored_with_the_turn_that_answers_it(
    chat: Chat, runner: RunnerSpy
) -> None:
    turn = start_turn(chat=chat, text="  What is a ballast?\n")
    message = turn.messages.get()
    assert (message.role, message.text) == (Role.USER, "What is a ballast?")
    assert turn.status == TurnStatus.QUEUED
    assert runner.enqueued == [turn.id]


def test_a_chat_is_called_after_its_first_message(chat: Chat) -> None:
    start_turn(chat=chat, text="one two three four five six seven eight nine")
    start_turn(chat=chat, text="another")
    chat.refresh_from_db()
    assert chat.title == "one two three four five six seven eight…"


def test_a_message_does_not_undo_a_name_that_was_given_meanwhile(chat: Chat) -> None:
    for name in ("Ballast", "Sails"):
        rename_chat(chat=Chat.objects.get(pk=chat.pk), title=name)
        start_turn(chat=chat, text="Hello")  # as it was loaded before that
        assert Chat.objects.get(pk=chat.pk).title == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  \n", "Write a message first."),
        ("\x00", "Write a message first."),
        ("x" * (MAX_MESSAGE_CHARACTERS + 1), "at most 100,000"),
        ("half a \ud800 character", "not text"),
    ],
)
def test_a_message_that_cannot_be_sent_says_why(
    chat: Chat, text: str, sentence: str
) -> None:
    with pytest.raises(InvalidMessage, match=sentence):
        start_turn(chat=chat, text=text)
    assert not chat.turns.exists()


def test_a_model_that_is_switched_off_takes_no_messages(chat: Chat) -> None:
    chat.model.enabled = False
    chat.model.save()
    with pytest.raises(InvalidMessage, match="switched off"):
        start_turn(chat=chat, text="Hello")


def test_a_turn_is_claimed_once(chat: Chat) -> None:
    turn = start_turn(chat=chat, text="Hello")
    first = claim_turn(turn_id=turn.id)
    assert first is not None
    assert (first.status, first.epoch) == (TurnStatus.IN_PROGRESS, 1)
    assert claim_turn(turn_id=turn.id) is None


def test_a_second_message_waits_for_the_first(chat: Chat, runner: RunnerSpy) -> None:
    first = claimed(chat)
    second = start_turn(chat=chat, text="And then?")
    assert claim_turn(turn_id=second.id) is None
    runner.enqueued.clear()
    assert finish_turn(turn=first, outcome=Outcome(TurnStatus.COMPLETED, "Yes."))
    assert runner.enqueued == [second.id]
    assert claim_turn(turn_id=second.id) is not None


def test_messages_are_answered_in_their_order(chat: Chat) -> None:
    first = start_turn(chat=chat, text="First")
    second = start_turn(chat=chat, text="Second")
    assert claim_turn(turn_id=second.id) is None
    assert claim_turn(turn_id=first.id) is not None


def test_the_answer_and_the_outcome_are_stored_together(chat: Chat) -> None:
    turn = claimed(chat)
    said: list[str] = []
    outcome = Outcome(TurnStatus.COMPLETED, "A weight.")
    assert finish_turn(turn=turn, outcome=outcome, on_commit=lambda: said.append("ok"))
    turn.refresh_from_db()
    answer = turn.messages.get(role=Role.ASSISTANT)
    assert (turn.status, answer.text, said) == ("completed", "A weight.", ["ok"])
    assert turn.finished_at is not None


def test_a_runner_that_lost_the_answer_to_its_end_hears_of_it_again(
    chat: Chat, runner: RunnerSpy
) -> None:
    turn = claimed(chat)
    waiting = start_turn(chat=chat, text="And then?")
    runner.enqueued.clear()
    said: list[str] = []
    outcome = Outcome(TurnStatus.COMPLETED, "A weight.")
    end = partial(
        finish_turn, turn=turn, outcome=outcome, on_commit=lambda: said.append("ok")
    )
    with lost_commit(is_end_of_turn), pytest.raises(OperationalError):
        end()
    assert (said, runner.enqueued) == ([], [])
    assert end()
    assert (said, runner.enqueued) == (["ok"], [waiting.id])
    assert turn.messages.filter(role=Role.ASSISTANT).count() == 1


def test_a_runner_that_lost_its_turn_stores_nothing(chat: Chat) -> None:
    turn = claimed(chat)
    Turn.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    (abandoned,) = abandoned_turns()
    assert finish_abandoned_turn(turn=abandoned, text="As far as")
    assert not finish_abandoned_turn(turn=abandoned, text="twice")
    said: list[str] = []
    outcome = Outcome(TurnStatus.COMPLETED, "late")
    assert not finish_turn(
        turn=turn, outcome=outcome, on_commit=lambda: said.append("ok")
    )
    turn.refresh_from_db()
    assert turn.status == TurnStatus.INTERRUPTED
    assert not turn.was_stopped
    assert said == []
    answer = turn.messages.get(role=Role.ASSISTANT)
    assert (answer.text, answer.is_partial) == ("As far as", True)


def test_the_next_message_of_a_chat_is_answered_when_its_turn_was_abandoned(
    chat: Chat, runner: RunnerSpy
) -> None:
    claimed(chat)
    waiting = start_turn(chat=chat, text="And then?")
    Turn.objects.filter(status="in_progress").update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    runner.enqueued.clear()
    (abandoned,) = abandoned_turns()
    assert finish_abandoned_turn(turn=abandoned, text="")
    assert runner.enqueued == [waiting.id]


def test_a_runner_that_is_back_in_time_keeps_its_turn(chat: Chat) -> None:
    turn = claimed(chat)
    Turn.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    (abandoned,) = abandoned_turns()
    renew_leases(turn_ids=[turn.id])
    assert not finish_abandoned_turn(turn=abandoned, text="")
    assert finish_turn(turn=turn, outcome=Outcome(TurnStatus.COMPLETED, "Yes."))


def test_a_queued_turn_is_stopped_at_once(chat: Chat) -> None:
    turn = start_turn(chat=chat, text="Hello")
    request_stop(turn=turn)
    assert turn.status == TurnStatus.INTERRUPTED
    assert turn.was_stopped
    assert claim_turn(turn_id=turn.id) is None


def test_a_running_turn_is_marked_and_its_runner_told(
    chat: Chat, runner: RunnerSpy
) -> None:
    turn = claimed(chat)
    request_stop(turn=turn)
    assert turn.status == TurnStatus.IN_PROGRESS
    assert turn.stop_requested_at is not None
    assert runner.stopped == [turn.id]


def test_stopping_a_finished_turn_changes_nothing(chat: Chat) -> None:
    turn = claimed(chat)
    finish_turn(turn=turn, outcome=Outcome(TurnStatus.COMPLETED, "Done"))
    request_stop(turn=turn)
    assert turn.status == TurnStatus.COMPLETED
    assert turn.stop_requested_at is None


def test_renewing_leases_finds_what_another_process_stopped(chat: Chat) -> None:
    kept, stopped = claimed(chat), claimed(ChatFactory())
    queued = start_turn(chat=ChatFactory(), text="waits")
    Turn.objects.update(lease_expires_at=timezone.now())
    request_stop(turn=stopped)
    lost = claimed(ChatFactory())
    finish_turn(turn=lost, outcome=Outcome(TurnStatus.INTERRUPTED))
    deleted = UUID(int=1)
    ids = [kept.id, stopped.id, queued.id, lost.id, deleted]
    assert renew_leases(turn_ids=ids) == {stopped.id, lost.id, deleted}
    kept.refresh_from_db()
    assert kept.lease_expires_at is not None
    assert kept.lease_expires_at > timezone.now()
    assert abandoned_turns() == []


if connection.vendor == "postgresql":  # a file of SQLite's is on one host

    @pytest.mark.parametrize("minutes", [-10, 10])
    def test_the_clock_of_a_host_changes_neither_order_nor_leases(
        chat: Chat, monkeypatch: pytest.MonkeyPatch, minutes: int
    ) -> None:
        with monkeypatch.context() as other_host:
            wrong = timezone.now() + timedelta(minutes=minutes)
            other_host.setattr(timezone, "now", lambda: wrong)
            first = claimed(chat)
            assert abandoned_turns() == []
            renew_leases(turn_ids=[first.id])
        assert abandoned_turns() == []
        second = start_turn(chat=chat, text="And then?")
        assert list(Turn.objects.as_of(second)) == [first]
        stored = Turn.objects.get(pk=first.pk)
        assert stored.lease_expires_at is not None
        assert stored.lease_expires_at - timezone.now() < timedelta(minutes=2)
