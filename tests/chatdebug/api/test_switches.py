"""The endpoints that switch full recording, and which status tells what."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from chatd.models import Chat
from chatdebug.enums import Level
from chatdebug.levels import level_of
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch, switch_on_until
from tests.chatdebug.api.test_runs import client_of
from tests.factories import ChatFactory, UserFactory

pytestmark = pytest.mark.django_db

GATE = "/api/v1/config/debug-logging/"
OWN = "/api/v1/config/user-debug-logging/"


@pytest.fixture
def admin() -> APIClient:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def chat() -> Chat:
    return ChatFactory()


@pytest.fixture
def forced(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}


def chat_switch(chat: Chat) -> str:
    return f"/api/v1/chats/{chat.pk}/debug/logging/"


def level(chat: Chat) -> Level:
    return level_of(chat_id=str(chat.pk), owner_id=str(chat.owner_id))


def open_gate(admin: APIClient) -> None:
    assert admin.put(GATE, {"allow_users": True}).status_code == 204


def test_an_administrator_opens_the_gate(admin: APIClient) -> None:
    assert admin.get(GATE).json() == {
        "allow_users": False,
        "forced_by_deployment": False,
    }
    open_gate(admin)
    assert admin.get(GATE).json()["allow_users"] is True


def test_the_gate_is_hidden_from_others_and_closed_to_them(chat: Chat) -> None:
    client = client_of(chat.owner)
    assert client.get(GATE).status_code == 404
    assert client.put(GATE, {"allow_users": True}).status_code == 403
    assert not RecordingSwitch.objects.exists()


def test_a_bad_body_is_a_bad_request(admin: APIClient) -> None:
    assert admin.put(GATE, {}).status_code == 400
    assert admin.put(GATE, {"allow_users": "perhaps"}).status_code == 400


def test_the_gate_may_be_changed_while_logging_is_forced(
    admin: APIClient, forced: None
) -> None:
    open_gate(admin)
    assert admin.get(GATE).json()["forced_by_deployment"] is True


def test_a_person_opts_in_only_while_the_gate_is_open(
    admin: APIClient, chat: Chat
) -> None:
    client = client_of(chat.owner)
    wanted = {"debug_logging_enabled": True}
    assert client.put(OWN, wanted).status_code == 403
    assert level(chat) is Level.ERRORS
    open_gate(admin)
    assert client.put(OWN, wanted).status_code == 204
    assert level(chat) is Level.FULL
    assert client.get(OWN).json() == {
        "debug_logging_enabled": True,
        "until": None,
        "user_toggle_allowed": True,
        "forced_by_deployment": False,
    }


def test_closing_the_gate_keeps_the_opt_in_but_not_its_effect(
    admin: APIClient, chat: Chat
) -> None:
    client = client_of(chat.owner)
    open_gate(admin)
    client.put(OWN, {"debug_logging_enabled": True})
    admin.put(GATE, {"allow_users": False})
    assert level(chat) is Level.ERRORS
    assert client.get(OWN).json()["debug_logging_enabled"] is False
    open_gate(admin)
    assert level(chat) is Level.FULL


def test_nobody_switches_while_logging_is_forced(chat: Chat, forced: None) -> None:
    client = client_of(chat.owner)
    wanted = {"debug_logging_enabled": False}
    assert client.put(OWN, wanted).status_code == 409
    assert client.put(chat_switch(chat), wanted).status_code == 409
    assert client.get(OWN).json() == {
        "debug_logging_enabled": True,
        "until": None,
        "user_toggle_allowed": False,
        "forced_by_deployment": True,
    }
    assert level(chat) is Level.FULL


def test_one_chat_is_switched_by_its_owner_alone(admin: APIClient, chat: Chat) -> None:
    client = client_of(chat.owner)
    wanted = {"debug_logging_enabled": True}
    assert client.put(chat_switch(chat), wanted).status_code == 403
    open_gate(admin)
    assert client_of(UserFactory()).put(chat_switch(chat), wanted).status_code == 404
    assert client.put(chat_switch(chat), wanted).status_code == 204
    assert level(chat) is Level.FULL
    assert level(ChatFactory(owner=chat.owner)) is Level.ERRORS
    assert client.get(chat_switch(chat)).json()["debug_logging_enabled"] is True


def test_a_change_is_audited_with_old_and_new_value(admin: APIClient) -> None:
    open_gate(admin)
    change = SwitchChange.objects.get()
    assert (change.scope, change.old_value, change.new_value) == (
        "deployment",
        False,
        True,
    )
    assert change.changed_by.startswith("person-")


def test_what_does_not_change_writes_nothing(admin: APIClient) -> None:
    assert admin.put(GATE, {"allow_users": False}).status_code == 204
    assert not RecordingSwitch.objects.exists()
    open_gate(admin)
    open_gate(admin)
    assert SwitchChange.objects.count() == 1


@pytest.mark.parametrize("address", [GATE, OWN])
def test_nothing_is_said_without_signing_in(address: str) -> None:
    anonymous: Any = APIClient()
    assert anonymous.get(address).status_code in (401, 403)
    assert anonymous.put(address, {}).status_code in (401, 403)


def test_a_switch_says_when_it_ends_by_itself(admin: APIClient, chat: Chat) -> None:
    open_gate(admin)
    client, until = client_of(chat.owner), timezone.now() + timedelta(days=2)
    owner = str(chat.owner_id)
    switch_on_until(scope=Scope.OWNER, key=owner, until=until, by=None)
    for address in (OWN, chat_switch(chat)):
        assert datetime.fromisoformat(client.get(address).json()["until"]) == until
    assert client.put(OWN, {"debug_logging_enabled": True}).status_code == 204
    assert RecordingSwitch.objects.get(key=owner).until == until
    RecordingSwitch.objects.filter(key=owner).update(until=timezone.now())
    answer = client.get(OWN).json()
    assert (answer["debug_logging_enabled"], answer["until"]) == (False, None)


def test_two_first_changes_at_once_are_one_switch(admin: APIClient) -> None:
    """The other one's row comes into sight after this one has looked for it."""
    made: list[RecordingSwitch] = []

    def be_faster(execute: Any, sql: str, *args: Any) -> Any:
        found = execute(sql, *args)
        if not made and sql.startswith("SELECT") and "recordingswitch" in sql:
            made.append(RecordingSwitch(scope=Scope.DEPLOYMENT, enabled=True))
            made[0].save()
        return found

    by = UserFactory()
    with connection.execute_wrapper(be_faster):
        is_change = set_switch(scope=Scope.DEPLOYMENT, key="", enabled=True, by=by)
    assert not is_change
    assert RecordingSwitch.objects.get() == made[0]
    assert not SwitchChange.objects.exists()


def test_a_long_name_is_cut_where_a_change_is_noted(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_user_model(), "__str__", lambda _: "n" * 300)
    open_gate(admin)
    assert SwitchChange.objects.get().changed_by == "n" * 200
