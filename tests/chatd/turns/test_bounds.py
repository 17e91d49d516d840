"""What one turn, and one person's turns, may take."""

from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from chatd.enums import Role
from chatd.models import Chat, Turn
from chatd.turns.lifecycle import TooManyTurns, ready_turns, start_turn
from tests.chatd.turns.site import answer, run_on_site
from tests.chatd.turns.test_breaks import policy, text_of, turn_of
from tests.chatd.turns.test_wire_cases import chat_of
from tests.factories import ChatFactory, UserFactory
from tests.optional import present
from tests.replay import Replay
from tests.wire import PROTOCOLS, beginning, event, response, whole_answer, words

__all__ = ["policy"]
pytestmark = pytest.mark.django_db(transaction=True)


def bounded(settings: LazySettings, **bounds: Any) -> None:
    settings.TURN_POLICY = {**settings.TURN_POLICY, **bounds}


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_that_grows_too_long_is_cut_and_says_so(
    protocol: str, settings: LazySettings
) -> None:
    bounded(settings, max_characters=10)
    replay = Replay(
        {
            "case": [
                *beginning(protocol),
                *words(protocol, "0123456789+", "more"),
                "open",
            ]
        }
    )
    chat = chat_of(replay, "case", protocol)

    async def body() -> None:
        async with replay:
            await answer(chat)
            await replay.left.wait()  # the provider's socket is closed

    run_on_site(body)
    turn = chat.turns.get()
    reply = turn.messages.get(role=Role.ASSISTANT)
    assert (turn.status, turn.error) == ("completed", None)
    assert (reply.text, reply.is_partial) == ("0123456789", True)
    assert "longer than is kept" in reply.note


@pytest.mark.usefixtures("policy")
def test_an_answer_as_long_as_may_be_is_whole(settings: LazySettings) -> None:
    bounded(settings, max_characters=11)
    turn, _, _ = turn_of(whole_answer("openai"), "openai")
    reply = turn.messages.get(role=Role.ASSISTANT)
    assert (reply.text, reply.is_partial, reply.note) == ("Hello world", False, "")


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_response_with_too_many_bytes_is_cut_and_says_so(
    protocol: str, settings: LazySettings
) -> None:
    bounded(settings, max_bytes=20_000)
    filler = ": still there\n\n" * 100
    sent = [*beginning(protocol), *words(protocol, "Hello"), *[filler] * 50, "open"]
    turn, replay, _ = turn_of(sent, protocol)
    reply = turn.messages.get(role=Role.ASSISTANT)
    assert (turn.status, reply.text, reply.is_partial) == ("completed", "Hello", True)
    assert reply.note
    assert replay.hits["case"] == 1


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("line", ["data: ", ": ", "", "event: ", "data: {"])
def test_a_line_without_an_end_is_not_kept_in_memory(line: str) -> None:
    megabyte = "x" * (1024 * 1024)
    sent = [*beginning("openai"), *words("openai", "Hello"), line, *[megabyte] * 20]
    turn, replay, _ = turn_of(sent, "openai")
    assert (turn.status, text_of(turn)) == ("error", "Hello")
    assert present(turn.error)["kind"] == "generic"
    assert "more than 8,388,608 bytes" in str(
        present(turn.error)["detail"]
    ) or "no answer" in str(present(turn.error)["detail"])
    assert replay.hits["case"] == 1


@pytest.mark.usefixtures("policy")
def test_a_very_long_event_is_read() -> None:
    sent = whole_answer("openai", "x" * 900_000)
    turn, _, _ = turn_of(sent, "openai")
    assert len(text_of(turn) or "") == 900_000


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_a_body_that_is_huge_is_read_in_part(status: str) -> None:
    body = "<html>" + "x" * 5_000_000
    turn, _, _ = turn_of([response(body, kind="text/html", status=status)], "openai")
    assert present(turn.error)["kind"] == "generic"
    assert len(present(turn.error)["detail"]) <= 500


@pytest.mark.usefixtures("policy")
def test_a_bomb_of_gzip_does_not_go_off() -> None:
    import gzip

    packed = gzip.compress(event({"choices": []}).encode() + b"\n" * 200_000_000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    turn, _, _ = turn_of([head + packed.decode("latin-1")], "openai")
    assert turn.status == "error"


def waiting(owner: Any, count: int) -> list[Turn]:
    chats = [ChatFactory(owner=owner) for _ in range(count)]
    return [start_turn(chat=chat, text="Hello") for chat in chats]


def owners_of(turn_ids: list[UUID]) -> list[int]:
    owners = dict(Turn.objects.values_list("pk", "chat__owner_id"))
    return [owners[turn_id] for turn_id in turn_ids]


def test_owners_are_served_in_turn() -> None:
    many, few = UserFactory(), UserFactory()
    first = waiting(many, 5)
    last = waiting(few, 2)
    ready = ready_turns(running={}, limit=4, limit_of_owner=9)
    assert [turn.id for turn in ready] == [
        first[0].id,
        last[0].id,
        first[1].id,
        last[1].id,
    ]


def test_who_has_turns_running_comes_after_who_has_none() -> None:
    busy, other = UserFactory(), UserFactory()
    running = {turn.id: busy.pk for turn in waiting(busy, 3)}
    waiting(busy, 2)
    waiting(other, 2)
    ready = ready_turns(running=running, limit=3, limit_of_owner=9)
    assert [turn.owner_id for turn in ready] == [other.pk, other.pk, busy.pk]


def test_no_owner_gets_more_than_their_share() -> None:
    owner = UserFactory()
    running = {turn.id: owner.pk for turn in waiting(owner, 2)}
    waiting(owner, 5)
    assert len(ready_turns(running=running, limit=9, limit_of_owner=3)) == 1
    assert not ready_turns(running=running, limit=9, limit_of_owner=2)


def test_only_the_next_turn_of_a_chat_is_ready() -> None:
    chat = ChatFactory()
    first, *_ = (start_turn(chat=chat, text="Hello") for _ in range(3))
    ready = ready_turns(running={}, limit=9, limit_of_owner=9)
    assert [turn.id for turn in ready] == [first.id]


def full_queue(settings: LazySettings) -> Chat:
    settings.TURN_LIMITS = {**settings.TURN_LIMITS, "queued_of_owner": 2}
    chat: Chat = ChatFactory(model__provider="demo")
    waiting(chat.owner, 2)
    return chat


def test_too_many_waiting_messages_are_refused_with_a_sentence(
    settings: LazySettings,
) -> None:
    chat = full_queue(settings)
    with pytest.raises(TooManyTurns, match="2 of your messages wait"):
        start_turn(chat=chat, text="Hello")
    assert not chat.messages.exists()
    start_turn(chat=ChatFactory(), text="Hello")  # somebody else's


@pytest.mark.parametrize("is_htmx", [True, False])
def test_the_page_refuses_with_429(
    settings: LazySettings, client: Client, *, is_htmx: bool
) -> None:
    chat = full_queue(settings)
    client.force_login(chat.owner)
    headers = {"HX-Request": "true"} if is_htmx else {}
    address = reverse("message-send", args=[chat.pk])
    refused = client.post(address, {"text": "Hello"}, headers=headers)
    assert refused.status_code == 429
    assert "of your messages wait" in refused.text


def test_the_first_message_of_a_new_chat_is_refused_too(
    settings: LazySettings, client: Client
) -> None:
    chat = full_queue(settings)
    client.force_login(chat.owner)
    sent = {"model": chat.model.name, "text": "Hello"}
    refused = client.post(reverse("chat-list"), sent)
    assert refused.status_code == 429
    assert Chat.objects.owned_by(chat.owner).count() == 3


def test_the_api_refuses_with_429(settings: LazySettings, client: Client) -> None:
    chat = full_queue(settings)
    client.force_login(chat.owner)
    refused = client.post(
        f"/api/v1/chats/{chat.pk}/messages/",
        {"text": "Hello"},
        content_type="application/json",
    )
    assert refused.status_code == 429
    assert "of your messages wait" in refused.json()["detail"]


@pytest.mark.usefixtures("policy")
def test_the_page_and_the_api_say_that_an_answer_was_cut_off(client: Client) -> None:
    turn, _, chat = turn_of(whole_answer("openai", reason="length"), "openai")
    client.force_login(chat.owner)
    sentence = "came to its limit of length"
    assert sentence in client.get(reverse("chat", args=[chat.pk])).text
    (_, reply) = client.get(f"/api/v1/chats/{chat.pk}/messages/").json()["results"]
    assert sentence in reply["note"]
    assert reply["finish_reason"] == "length"
    assert turn.status == "completed"
