"""The chat's API, as a program sees it."""

import json
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from chatd.enums import TurnStatus
from chatd.models import Chat, Turn
from chatd.turns.lifecycle import Outcome, claim_turn, finish_turn
from tests.factories import (
    ChatFactory,
    ModelConfigFactory,
    TurnFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

CHATS = "/api/v1/chats/"


@pytest.fixture
def owner() -> Any:
    return UserFactory()


@pytest.fixture
def api(owner: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture
def chat(owner: Any) -> Chat:
    return ChatFactory(owner=owner)


def address(chat: Chat, *parts: object) -> str:
    return "/".join([f"{CHATS}{chat.pk}", *map(str, parts), ""])


def test_a_chat_is_created_with_a_model_and_a_title(api: APIClient, owner: Any) -> None:
    ModelConfigFactory(name="demo")
    response = api.post(CHATS, {"model": "demo", "title": "Ships"})
    assert response.status_code == 201
    chat = Chat.objects.get()
    assert (chat.owner, chat.title) == (owner, "Ships")
    assert response.json()["id"] == str(chat.pk)
    assert response.json()["model"] == "demo"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model"),
        ({"model": "no-such-model"}, "model"),
        ({"model": "switched-off"}, "model"),
        ({"model": "demo\0"}, "model"),
        ({"model": "\ud800"}, "model"),
        ({"model": 1}, "model"),
        ({"model": ["demo"]}, "model"),
        ({"model": "demo", "title": "x" * 201}, "title"),
    ],
)
def test_a_bad_chat_is_refused_by_field(
    api: APIClient, body: dict[str, object], field: str
) -> None:
    ModelConfigFactory(name="demo")
    ModelConfigFactory(name="switched-off", enabled=False)
    response = api.post(CHATS, json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert [error["name"] for error in response.json()["errors"]] == [field]


def test_the_list_holds_a_persons_own_chats_latest_first(
    api: APIClient, owner: Any
) -> None:
    first, second = ChatFactory(owner=owner), ChatFactory(owner=owner)
    ChatFactory()
    listed = api.get(CHATS).json()["results"]
    assert [entry["id"] for entry in listed] == [str(second.pk), str(first.pk)]


def test_a_chat_is_renamed_and_deleted(api: APIClient, chat: Chat) -> None:
    response = api.patch(address(chat), {"title": "New name"})
    assert response.json()["title"] == "New name"
    assert api.delete(address(chat)).status_code == 204
    assert not Chat.objects.exists()


def test_a_message_starts_a_turn(api: APIClient, chat: Chat) -> None:
    response = api.post(address(chat, "messages"), {"text": "Hello"})
    assert response.status_code == 202
    turn = Turn.objects.get()
    assert response.json()["turn"]["id"] == str(turn.pk)
    assert response.json()["turn"]["status"] == "queued"
    assert response.json()["message"]["text"] == "Hello"


@pytest.mark.parametrize("body", [{}, {"text": " "}, {"text": "x" * 100_001}])
def test_a_bad_message_is_refused_with_the_reason(
    api: APIClient, chat: Chat, body: dict[str, str]
) -> None:
    response = api.post(address(chat, "messages"), body)
    assert response.status_code == 400
    assert [error["name"] for error in response.json()["errors"]] == ["text"]
    assert not Turn.objects.exists()


def test_a_body_that_is_no_json_is_refused(api: APIClient, chat: Chat) -> None:
    response = api.generic(
        "POST", address(chat, "messages"), "{", content_type="application/json"
    )
    assert response.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_turn_can_be_followed_to_its_answer(api: APIClient, chat: Chat) -> None:
    sent = api.post(address(chat, "messages"), {"text": "Hello"}).json()
    turn = claim_turn(turn_id=sent["turn"]["id"])
    assert turn is not None
    assert api.get(address(chat, "turns", turn.pk)).json()["status"] == "in_progress"
    finish_turn(turn=turn, outcome=Outcome(TurnStatus.COMPLETED, "Hi."))
    followed = api.get(address(chat, "turns", turn.pk)).json()
    assert followed["status"] == "completed"
    assert [message["text"] for message in followed["messages"]] == ["Hello", "Hi."]
    listed = api.get(address(chat, "messages")).json()["results"]
    assert [message["role"] for message in listed] == ["user", "assistant"]


@pytest.mark.django_db(transaction=True)
def test_a_failed_turn_says_what_went_wrong(api: APIClient, chat: Chat) -> None:
    sent = api.post(address(chat, "messages"), {"text": "Hello"}).json()
    turn = claim_turn(turn_id=sent["turn"]["id"])
    assert turn is not None
    error = {"kind": "auth", "message": "No.", "run_id": ""}
    finish_turn(turn=turn, outcome=Outcome(TurnStatus.ERROR, error=error))
    assert api.get(address(chat, "turns", turn.pk)).json()["error"] == error


def test_a_failed_turn_says_whether_it_is_them(api: APIClient, chat: Chat) -> None:
    told = {
        "sentence": "Other models of OpenAI have answered since 23:35 UTC.",
        "status_page": "",
        "who_may_answer": "other_models",
    }
    error = {"provider": "openai", "owner": "provider", "them": told}
    turn = TurnFactory(chat=chat, status=TurnStatus.ERROR, error=error)
    fine = TurnFactory(chat=chat)
    assert api.get(address(chat, "turns", turn.pk)).json()["is_it_them"] == told
    assert api.get(address(chat, "turns", fine.pk)).json()["is_it_them"] is None


def test_a_turn_can_be_stopped(api: APIClient, chat: Chat) -> None:
    sent = api.post(address(chat, "messages"), {"text": "Hello"}).json()
    response = api.post(address(chat, "turns", sent["turn"]["id"], "stop"))
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["stopped"]) == (
        "interrupted",
        True,
    )


def test_the_models_say_nothing_of_addresses_and_keys(api: APIClient) -> None:
    ModelConfigFactory(
        name="demo", base_url="https://secret.example", api_key_variable="A_KEY"
    )
    ModelConfigFactory(name="off", enabled=False)
    text = api.get("/api/v1/models/").content.decode()
    assert "demo" in text
    assert "off" not in text
    assert "secret.example" not in text
    assert "A_KEY" not in text


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        ("get", ()),
        ("patch", ()),
        ("delete", ()),
        ("get", ("messages",)),
        ("post", ("messages",)),
        ("get", ("turns", uuid4())),
        ("post", ("turns", uuid4(), "stop")),
    ],
)
def test_another_persons_chat_is_not_found(
    api: APIClient, method: str, parts: tuple[object, ...]
) -> None:
    foreign = ChatFactory()
    response = getattr(api, method)(address(foreign, *parts), {"text": "x"})
    assert response.status_code == 404


def test_a_turn_of_another_chat_is_not_found(api: APIClient, chat: Chat) -> None:
    other = ChatFactory(owner=chat.owner)
    sent = api.post(address(other, "messages"), {"text": "Hello"}).json()
    assert api.get(address(chat, "turns", sent["turn"]["id"])).status_code == 404


def test_without_signing_in_there_is_nothing(chat: Chat) -> None:
    assert APIClient().get(address(chat)).status_code in (401, 403)
