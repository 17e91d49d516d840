"""The admin of the chat: nothing of what people said is on its pages."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from chatd.enums import TurnStatus
from chatd.models import Chat, ChatMessage, ModelConfig, Turn
from chatdebug.models import ChatRun, ChatStep, ContentReading, RecordingSwitch
from tests.factories import (
    ChatFactory,
    ChatRunFactory,
    ChatStepFactory,
    ModelConfigFactory,
    TurnFactory,
    UserFactory,
)
from tests.statements import collected_statements

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


@pytest.mark.parametrize("name", ["chat", "turn"])
def test_a_list_counts_no_whole_table(admin: Client, turn: Turn, name: str):
    with collected_statements() as statements:
        shown = admin.get(f"/admin/chatd/{name}/").content.decode()
    assert str(turn.chat_id) in shown
    listed = [sql for sql in statements if f'FROM "chatd_{name}"' in sql]
    assert listed
    assert [sql for sql in listed if "COUNT(" in sql] == []


def test_chats_and_turns_are_read_only(admin: Client, turn: Turn):
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


GATEWAY = {
    "name": "gateway",
    "provider": "openai_compatible",
    "model": "m",
    "base_url": "https://gateway.example/v1",
    "api_key_variable": "GATEWAY_API_KEY",
    "position": 0,
    "enabled": "on",
}


@pytest.fixture
def editor() -> Client:
    user = UserFactory(is_staff=True)
    permissions = Permission.objects.filter(codename__endswith="_modelconfig")
    user.user_permissions.set(permissions)
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, config: ModelConfig | None = None, /, **fields: Any) -> bool:
    url = address(config) if config else "/admin/chatd/modelconfig/add/"
    return client.post(url, GATEWAY | fields).status_code == 302


def test_a_key_goes_to_a_new_place_when_a_superuser_says_so(
    admin: Client, editor: Client
) -> None:
    assert not save(editor, confirm_key="on")
    assert not save(admin)
    assert save(admin, confirm_key="on")
    assert ModelConfig.objects.get().key_origin == "https://gateway.example"
    assert save(editor, name="another"), "it is known by now"


def test_the_address_of_a_model_with_a_key_is_not_changed_by_its_editors(
    admin: Client, editor: Client
) -> None:
    save(admin, confirm_key="on")
    config = ModelConfig.objects.get()
    for base_url in ("https://evil.example/v1", "https://gateway.example:8443/v1"):
        assert not save(editor, config, base_url=base_url, confirm_key="on")
    config.refresh_from_db()
    assert config.base_url == "https://gateway.example/v1"
    assert save(editor, config, base_url="https://gateway.example/v2")


def test_a_key_may_go_to_its_own_provider(editor: Client) -> None:
    openai = {"provider": "openai", "base_url": ""}
    assert save(editor, **openai, api_key_variable="OPENAI_API_KEY")
    assert not save(editor, **openai, name="b", api_key_variable="GATEWAY_API_KEY")
    assert not save(editor, name="c", api_key_variable="OPENAI_API_KEY")


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key_variable": "SECRET_KEY"},
        {"api_key_variable": "DATABASE_URL"},
        {"base_url": "http://169.254.169.254/latest/meta-data/?x="},
        {"base_url": "https://user:password@gateway.example/v1"},
        {"base_url": "https://gateway.example/v1?api_key=abc"},
        {"base_url": "ftp://gateway.example/"},
        {"base_url": ""},
    ],
)
def test_addresses_and_keys_that_are_not_allowed_are_refused_to_superusers_too(
    admin: Client, fields: dict[str, str]
) -> None:
    assert not save(admin, confirm_key="on", **fields)
    assert not ModelConfig.objects.exists()


def test_the_log_tells_the_old_and_the_new_address(admin: Client) -> None:
    config = ModelConfigFactory(base_url="https://name:secret@old.example/v1")
    assert save(admin, config, confirm_key="on")
    entry = LogEntry.objects.latest("pk").get_change_message()
    assert "from https://old.example/v1 to https://gateway.example/v1" in entry
    assert "from none to GATEWAY_API_KEY" in entry
    assert "secret" not in entry


def everything() -> str:
    """Every row of every table, as text."""
    rows = []
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows.append(f"{table}: {cursor.fetchall()}")
    return "\n".join(rows)


def recorded(owner_id: str, chat_id: str) -> ChatRun:
    """A run at the full level, with words in each place that holds some."""
    words = {"text": "words-of-owner"}
    run: ChatRun = ChatRunFactory(
        chat_id=chat_id, owner_id=owner_id, summary={"first_message": "words-of-owner"}
    )
    ChatStepFactory(run=run, normalized_request=words, error=words, attempts=[words])
    return run


@pytest.mark.django_db(transaction=True)
def test_an_account_is_deleted_with_all_that_its_owner_wrote(
    admin: Client, turn: Turn
) -> None:
    owner, kept = turn.chat.owner, TurnFactory()
    ChatMessage.objects.filter(chat=turn.chat).update(text="words-of-message")
    run = recorded(str(owner.pk), str(turn.chat.pk))
    # Of a chat that went by another way than the service: by hand, in an older release.
    recorded(str(owner.pk), str(uuid4()))
    other = recorded(str(kept.chat.owner_id), str(kept.chat.pk))
    ChatRun.objects.filter(pk=other.pk).update(summary={})
    ChatStep.objects.filter(run=other).delete()
    switch = RecordingSwitch.objects.create(scope="owner", key=owner.pk, enabled=True)
    reading = f"/admin/chatdebug/chatrun/{run.pk}/reading/"
    admin.post(reading, {"reason": "before it goes"})
    for read in (run, run.steps.get()):
        page = reverse(
            f"admin:chatdebug_{read._meta.model_name}_change", args=[read.pk]
        )
        assert "words-of-owner" in admin.get(page).content.decode()
    assert ContentReading.objects.count() == 1

    url = f"/admin/auth/user/{owner.pk}/delete/"
    shown = admin.get(url).content.decode()
    assert f"{owner}, with 1 chats" in shown
    assert "words-of-title" not in shown
    assert admin.post(url, {"post": "yes"}).status_code == 302
    assert not type(owner).objects.filter(pk=owner.pk).exists()
    assert list(Chat.objects.all()) == [kept.chat]
    assert list(ChatRun.objects.all()) == [other]
    assert not RecordingSwitch.objects.filter(pk=switch.pk).exists()
    assert ContentReading.objects.count() == 1, "that somebody has read it is kept"
    assert "words-of" not in everything()


def test_accounts_are_deleted_several_at_once(admin: Client, turn: Turn) -> None:
    owner = turn.chat.owner
    chosen = {"action": "delete_selected", "_selected_action": [owner.pk]}
    assert "words-of" not in admin.post("/admin/auth/user/", chosen).content.decode()
    admin.post("/admin/auth/user/", chosen | {"post": "yes"})
    assert not type(owner).objects.filter(pk=owner.pk).exists()
    assert not Turn.objects.exists()


def test_staff_who_may_change_accounts_get_no_more_rights_by_it() -> None:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    client = Client()
    client.force_login(user)
    superuser, other = UserFactory(is_superuser=True, is_staff=True), UserFactory()
    for page in ("password", "delete"):
        url = f"/admin/auth/user/{superuser.pk}/{page}/"
        assert client.post(url, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [superuser.pk]}
    client.post("/admin/auth/user/", chosen | {"post": "yes"})
    fields = {"username": "renamed", "is_superuser": "on", "is_staff": "on"}
    fields |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    response = client.post(f"/admin/auth/user/{other.pk}/change/", fields)
    assert response.status_code == 302
    superuser.refresh_from_db()
    other.refresh_from_db()
    assert (other.username, other.is_staff, other.is_superuser) == (
        "renamed",
        False,
        False,
    )
