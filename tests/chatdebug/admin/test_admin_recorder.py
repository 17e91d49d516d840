"""The admin's switches, their audit, and the state of the writers."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from chatdebug.models import RecordingSwitch, SwitchChange, WriterState
from chatdebug.models.runs import new_id
from chatdebug.models.switches import Scope
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SWITCHES = "/admin/chatdebug/recordingswitch/"
WRITERS = "/admin/chatdebug/writerstate/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(UserFactory(username="ada", is_staff=True, is_superuser=True))
    return client


def post(client: Client, url: str, **fields: Any) -> Any:
    response = client.post(url, fields)
    assert response.status_code in (200, 302)
    return response


def test_a_new_switch_is_on_and_audited(admin: Client):
    post(admin, f"{SWITCHES}add/", scope="chat", key="7", enabled="on")
    switch = RecordingSwitch.objects.get()
    assert (switch.scope, switch.key, switch.enabled) == (Scope.CHAT, "7", True)
    change = SwitchChange.objects.get()
    assert (change.old_value, change.new_value, change.changed_by) == (
        False,
        True,
        "ada",
    )


def test_switching_off_is_audited(admin: Client):
    switch = RecordingSwitch.objects.create(scope=Scope.DEPLOYMENT, enabled=True)
    post(admin, f"{SWITCHES}{switch.pk}/change/")
    switch.refresh_from_db()
    assert not switch.enabled
    change = SwitchChange.objects.get()
    assert (change.old_value, change.new_value) == (True, False)


def test_a_switch_of_a_chat_ends_by_itself(admin: Client):
    fields = {"scope": "chat", "key": "7", "enabled": "on"}
    past = {"until_0": "2020-01-01", "until_1": "00:00"}
    assert "That day is over" in post(admin, f"{SWITCHES}add/", **fields, **past).text
    assert not RecordingSwitch.objects.exists()
    day = timezone.localdate() + timedelta(days=3)
    post(admin, f"{SWITCHES}add/", **fields, until_0=f"{day}", until_1="12:00")
    switch = RecordingSwitch.objects.get()
    assert timezone.localtime(switch.until).date() == day
    assert SwitchChange.objects.get().until == switch.until


def test_saving_a_switch_as_it_is_leaves_no_change(admin: Client):
    switch = RecordingSwitch.objects.create(scope=Scope.DEPLOYMENT, enabled=True)
    post(admin, f"{SWITCHES}{switch.pk}/change/", enabled="on")
    assert not SwitchChange.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "chat", "key": "7"},
        {"scope": "chat", "key": "", "enabled": "on"},
        # People are found by name.
        {"scope": "owner", "key": "7", "enabled": "on"},
        {"scope": "deployment", "key": "7", "enabled": "on"},
        {"scope": "chat", "key": "taken", "enabled": "on"},
    ],
)
def test_a_switch_without_sense_is_refused(admin: Client, fields: dict[str, str]):
    RecordingSwitch.objects.create(scope=Scope.CHAT, key="taken")
    response = post(admin, f"{SWITCHES}add/", **fields)
    assert response.context["adminform"].form.errors
    assert RecordingSwitch.objects.count() == 1


def test_a_switch_cannot_be_deleted(admin: Client):
    switch = RecordingSwitch.objects.create(scope=Scope.DEPLOYMENT, enabled=True)
    url = f"{SWITCHES}{switch.pk}/delete/"
    assert admin.post(url, {"post": "yes"}).status_code == 403


def test_the_audit_of_the_switches_is_listed(admin: Client):
    post(admin, f"{SWITCHES}add/", scope="chat", key="chat-17", enabled="on")
    listed = admin.get("/admin/chatdebug/switchchange/").content.decode()
    assert "chat-17" in listed
    assert "ada" in listed


def test_the_state_of_each_writer_is_listed(admin: Client):
    now = timezone.now()
    for host, seen_at in (("here", now), ("gone", now - timedelta(days=1))):
        WriterState.objects.create(
            id=new_id(),
            host=host,
            pid=4711,
            seen_at=seen_at,
            spooled=3,
            counters={"written": 12_345, "dropped": 67_890},
            last_error="OperationalError",
        )
    listed = admin.get(WRITERS).content.decode()
    for words in ("Recorder", "here", "12,345", "67,890", "OperationalError"):
        assert words in listed
    assert listed.index("here") < listed.index("gone")
    assert listed.count("icon-yes") == listed.count("icon-no") == 1
