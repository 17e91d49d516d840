"""The admin of the chat: nothing of what people said is on its pages."""

import pytest
from django.test import Client
from django.urls import reverse

from chatd.enums import TurnStatus
from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from tests.factories import ChatFactory, ModelConfigFactory, TurnFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def turn() -> Turn:
    error = {"kind": "generic", "rule": "fallback.generic", "detail": "words-of-error"}
    return TurnFactory(
        chat=ChatFactory(title="words-of-title"),
        status=TurnStatus.ERROR,
        error=error,
    )


def address(row: Chat | ModelConfig | Turn, page: str = "change") -> str:
    return reverse(f"admin:chatd_{row._meta.model_name}_{page}", args=[row.pk])


def test_chats_and_turns_are_shown_without_what_was_said(admin: Client, turn: Turn):
    ChatMessage.objects.update(text="words-of-message")
    for url in (
        "/admin/chatd/chat/",
        "/admin/chatd/turn/",
        address(turn.chat),
        address(turn),
    ):
        shown = admin.get(url).content.decode()
        assert str(turn.chat_id) in shown
        assert "words-of" not in shown


def test_a_turn_shows_the_kind_of_its_error_and_the_rule(admin: Client, turn: Turn):
    assert "generic" in admin.get("/admin/chatd/turn/").content.decode()
    assert "fallback.generic" in admin.get(address(turn)).content.decode()


def test_chats_and_turns_are_only_looked_at(admin: Client, turn: Turn):
    for row in (turn, turn.chat):
        assert admin.post(address(row), {"title": "mine"}).status_code == 403
        assert admin.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    assert Chat.objects.get().title == "words-of-title"


def test_a_model_is_switched_off(admin: Client):
    config = ModelConfigFactory()
    fields = {"name": config.name, "provider": "demo", "model": "demo", "position": 0}
    assert admin.post(address(config), fields).status_code == 302
    config.refresh_from_db()
    assert not config.enabled


def test_a_model_in_use_is_not_deleted_and_its_chats_are_not_named(
    admin: Client, turn: Turn
):
    shown = admin.get(address(turn.chat.model, "delete")).content.decode()
    assert "Cannot delete" in shown
    assert "words-of-title" not in shown
    admin.post(address(turn.chat.model, "delete"), {"post": "yes"})
    assert ModelConfig.objects.exists()
