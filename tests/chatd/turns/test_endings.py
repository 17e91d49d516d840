"""A turn that was claimed is ended, whatever fails on its way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models.signals import pre_save

from chatd.enums import Role
from chatd.models import Chat, ChatMessage, Turn
from chatd.turns import engine
from chatd.turns.bus import get_bus
from chatd.turns.lifecycle import Outcome, claim_turn, finish_turn, start_turn
from chatdebug.models import ChatRun
from tests.chatd.turns.site import (
    answer,
    is_end_of_turn,
    new_chat,
    run_on_site,
    send,
    watch,
)
from tests.optional import present
from tests.statements import lost_commit, refused_statements

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick", "soon"),
]

REFUSALS = [
    DataError("text fields cannot contain NUL"),
    IntegrityError("UNIQUE constraint failed"),
    ValueError("embedded null byte"),
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a database that is away be asked again at once."""
    monkeypatch.setattr(engine, "PERSIST_WAITS", (0.01, 0.01, 0.01))


@contextmanager
def refused_answers(error: Exception) -> Iterator[None]:
    """Let no answer be stored."""

    def refuse(instance: ChatMessage, **kwargs: Any) -> None:
        if instance.role == Role.ASSISTANT:
            raise error

    pre_save.connect(refuse, sender=ChatMessage)
    try:
        yield
    finally:
        pre_save.disconnect(refuse, sender=ChatMessage)


def run_of(chat: Chat) -> ChatRun:
    return ChatRun.objects.of_chat(str(chat.pk)).get()


@pytest.mark.parametrize("error", REFUSALS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("model", ["demo", "fault-eof"])
def test_an_outcome_that_is_refused_ends_the_turn_with_evidence(
    model: str, error: Exception
) -> None:
    chat = new_chat(model)

    async def body() -> None:
        turn = await send(chat)
        events = await watch(turn)
        assert events[-1].name == "end"

    with refused_answers(error):
        run_on_site(body)
    turn = chat.turns.get()
    assert turn.status == "error"
    assert present(turn.error)["kind"] == "generic"
    assert present(turn.error)["run_id"] == str(run_of(chat).id)
    assert run_of(chat).status == "error"
    assert not turn.messages.filter(role=Role.ASSISTANT).exists()


def test_a_refused_outcome_leaves_the_chat_free_for_the_next_message() -> None:
    chat = new_chat("demo")

    async def body() -> None:
        with refused_answers(DataError("no")):
            await answer(chat)
        assert (await answer(chat)).status == "completed"

    run_on_site(body)


def test_a_stopped_turn_whose_part_is_refused_ends_too() -> None:
    chat = new_chat("demo-long")

    async def body() -> None:
        turn = await send(chat)
        async for event in get_bus().subscribe(turn.id):
            if event.data:
                break

    with refused_answers(DataError("no")):
        run_on_site(body)  # its end interrupts the turn
    turn = chat.turns.get()
    assert not turn.is_active
    assert present(turn.error)["run_id"] == str(run_of(chat).id)


@pytest.mark.parametrize(
    "what", ["chatd_chatmessage", "chatdebug_recordingswitch", 'FROM "chatd_turn"']
)
@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("closed")])
def test_a_hiccup_after_the_claim_is_waited_for(what: str, error: Exception) -> None:
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="Hello")
    is_claimed = []

    def matches(sql: str) -> bool:
        is_claimed.extend([1] if "started_at" in sql and "UPDATE" in sql else [])
        return bool(is_claimed) and sql.startswith("SELECT") and what in sql

    async def body() -> None:
        await watch(turn)

    with refused_statements(matches, error, times=2) as refused:
        run_on_site(body)
    assert refused
    turn.refresh_from_db()
    assert turn.status == "completed"


@pytest.mark.parametrize("what", ["chatd_chatmessage", "chatdebug_recordingswitch"])
def test_what_goes_on_failing_after_the_claim_ends_the_turn_at_once(what: str) -> None:
    chat = new_chat("demo")
    turn = start_turn(chat=chat, text="Hello")
    is_claimed = []

    def matches(sql: str) -> bool:
        is_claimed.extend([1] if "started_at" in sql and "UPDATE" in sql else [])
        return bool(is_claimed) and sql.startswith("SELECT") and what in sql

    async def body() -> None:
        await watch(turn)

    with refused_statements(matches, OperationalError("no such table"), times=9):
        run_on_site(body)
    turn.refresh_from_db()
    assert not turn.is_active


class Unreadable(dict[str, Any]):
    """What an exception says of its response, and does not let be read."""

    def get(self, *names: Any) -> Any:
        raise ZeroDivisionError


class SaysNothing(Exception):
    chatdebug_response = Unreadable(status=500)


class HidesItsPlace(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name == "__traceback__":
            raise ZeroDivisionError
        return super().__getattribute__(name)


def chat_that_fails(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> Chat:
    """Return a chat whose turn failed with an error of our own, after its claim."""

    def broken(messages: object) -> None:
        raise error

    monkeypatch.setattr(engine, "build_history", broken)
    chat = new_chat("demo")

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    return chat


@pytest.mark.parametrize("error", [ZeroDivisionError, SaysNothing, HidesItsPlace])
def test_an_error_of_our_own_after_the_claim_leaves_evidence(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = chat_that_fails(error, monkeypatch)
    turn = chat.turns.get()
    assert (turn.status, present(turn.error)["kind"]) == ("error", "generic")
    run = run_of(chat)
    assert present(turn.error)["run_id"] == str(run.id)
    assert present(run.steps.get().error)["type"] == error.__name__


@pytest.mark.parametrize("what", ["classified_failure", "failure_outcome"])
def test_a_failure_that_cannot_be_told_ends_the_turn_too(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*failure: object) -> None:
        raise RuntimeError(what)

    monkeypatch.setattr(engine, what, broken)
    chat = chat_that_fails(ZeroDivisionError, monkeypatch)
    turn = chat.turns.get()
    assert turn.status == "error"
    assert "not known" in present(turn.error)["message"]
    assert present(turn.error)["run_id"] == str(run_of(chat).id)


def test_a_configuration_that_no_model_can_be_built_of_leaves_evidence() -> None:
    chat = new_chat("m", provider="openai_compatible")  # it has no base URL

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    turn = chat.turns.get()
    assert present(turn.error)["run_id"] == str(run_of(chat).id)
    assert run_of(chat).steps.count() == 1


def test_a_claim_whose_answer_was_lost_is_claimed_again() -> None:
    turn = start_turn(chat=new_chat("demo"), text="Hello")
    first = claim_turn(turn_id=turn.id)
    assert first is not None
    again = claim_turn(turn_id=turn.id, claim=first.claim)
    assert again is not None
    assert again.epoch == first.epoch
    assert claim_turn(turn_id=turn.id) is None


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("model", ["demo", "fault-500-then-ok"])
def test_an_answer_whose_commit_lost_its_answer_is_the_end_of_its_run_too(
    model: str, settings: LazySettings, *, is_full: bool
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": is_full}
    chat = new_chat(model)

    async def body() -> None:
        await answer(chat)

    with lost_commit(is_end_of_turn) as stored:
        run_on_site(body)
    assert stored
    turn = chat.turns.get()
    assert (turn.status, turn.error) == ("completed", None)
    assert turn.messages.filter(role=Role.ASSISTANT).count() == 1
    has_run = is_full or model != "demo"
    runs = ChatRun.objects.of_chat(str(chat.pk))
    assert [run.status for run in runs] == ["completed"] * has_run


@pytest.mark.parametrize("text", ["a\x00b", "half \ud83d", "\udc4d", "\ud83d\udc4d"])
def test_no_text_of_an_outcome_can_keep_it_from_being_stored(text: str) -> None:
    chat = new_chat("demo")
    turn = claim_turn(turn_id=start_turn(chat=chat, text="Hello").id)
    assert turn is not None
    error = {"message": text, "detail": [text, {text: text}], "status_code": 500}
    finish_turn(turn=turn, outcome=Outcome("error", text, error=error))  # type: ignore[arg-type]
    stored = Turn.objects.get(pk=turn.pk)
    assert stored.status == "error"
    message = present(stored.messages.last())
    for kept in (present(stored.error)["message"], message.text):
        assert kept.encode()
        assert "\x00" not in kept
