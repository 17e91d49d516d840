"""The gate, and people by name, for administrators who switch full recording."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatdebug.access import StaffOnly
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.people import PEOPLE_FOUND, Person, names_of, people_like
from chatdebug.presentation import people as shown_people
from chatdebug.services.switches import set_switch
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SWITCHES = "/admin/chatdebug/recordingswitch/"
PEOPLE = f"{SWITCHES}people/"


class Captains(StaffOnly):
    """Of a host project whose owners are no accounts."""

    def people_like(self, text: str) -> Iterable[Person]:
        return [Person("ship-9", "Grace", text)]

    def names_of(self, ids: set[str]) -> dict[str, str]:
        return {"ship-9": "Grace"} if "ship-9" in ids else {}


@pytest.fixture
def admin() -> Client:
    return client_of(UserFactory(username="root", is_staff=True, is_superuser=True))


@pytest.fixture
def ada() -> User:
    return UserFactory(
        username="ada", email="ada@example.org", first_name="Ada", last_name="King"
    )


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, **query: str) -> str:
    response = client.get(PEOPLE, query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("text", ["ADA", "example.org", "king ada", " ada "])
def test_people_are_found_by_name_and_address(
    admin: Client, ada: User, text: str
) -> None:
    UserFactory(username="grace", email="grace@navy.example")
    found = page(admin, q=text)
    assert "<bdi>ada</bdi>" in found
    assert "Ada King ada@example.org" in found
    assert "<bdi>grace</bdi>" not in found


@pytest.mark.parametrize("text", ["nobody", "ada grace", "\0", "ada" * 40_000, "%"])
def test_what_fits_nobody_finds_nobody(ada: User, text: str) -> None:
    assert people_like(text) == []


def test_the_page_says_that_it_found_nobody(admin: Client, ada: User) -> None:
    assert "Nobody of that name." in page(admin, q="grace")


def test_a_search_finds_a_bounded_number_of_people() -> None:
    UserFactory.create_batch(PEOPLE_FOUND + 1)
    assert len(people_like("person")) == PEOPLE_FOUND


def test_a_person_is_switched_on_and_off_by_name(admin: Client, ada: User) -> None:
    assert "Record in full" in page(admin, q="ada")
    sent = {"key": str(ada.pk), "enabled": "on"}
    response = admin.post(f"{PEOPLE}?q=ada", sent)
    assert response.headers["Location"] == f"{PEOPLE}?q=ada"
    switch = RecordingSwitch.objects.get()
    assert (switch.scope, switch.key, switch.enabled) == (
        Scope.OWNER,
        str(ada.pk),
        True,
    )
    assert SwitchChange.objects.get().changed_by == "root"
    assert "· recorded in full" in page(admin, q="ada")
    assert "<bdi>ada</bdi>" in page(admin), "whoever is switched on is listed"
    assert ">ada</td>" in admin.get(SWITCHES).content.decode()
    admin.post(PEOPLE, {"key": str(ada.pk)})
    assert not RecordingSwitch.objects.get().enabled
    assert "<bdi>ada</bdi>" not in page(admin)


def day(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def test_a_person_is_recorded_until_the_end_of_a_day(admin: Client, ada: User) -> None:
    week = f'name="until" value="{day(7):%Y-%m-%d}"'
    assert week in page(admin, q="ada"), "a week is suggested"
    sent = {"key": str(ada.pk), "enabled": "on", "until": f"{day(2):%Y-%m-%d}"}
    admin.post(PEOPLE, sent)
    switch = RecordingSwitch.objects.get()
    assert timezone.localtime(switch.until).date() == day(3)
    shown = page(admin, q="ada")
    assert f"recorded in full until {day(2):%d %b %Y}" in shown
    assert f"</strong> until {day(2):%d %b %Y}" in shown, "in the list of all"
    assert SwitchChange.objects.get().until == switch.until
    admin.post(PEOPLE, sent)
    assert SwitchChange.objects.count() == 1, "nothing was changed"


def test_whose_day_is_over_is_recorded_no_longer(admin: Client, ada: User) -> None:
    sent = {"key": str(ada.pk), "enabled": "on", "until": f"{day(0):%Y-%m-%d}"}
    admin.post(PEOPLE, sent)
    assert "<bdi>ada</bdi>" in page(admin)
    RecordingSwitch.objects.update(until=timezone.now())
    assert "<bdi>ada</bdi>" not in page(admin)
    assert "Record in full" in page(admin, q="ada")
    listed = admin.get(SWITCHES).content.decode()
    assert 'alt="False"' in listed
    admin.post(PEOPLE, sent)
    changes = SwitchChange.objects.order_by("pk").values_list("old_value", "new_value")
    assert list(changes) == [(False, True), (False, True)]


@pytest.mark.parametrize("until", ["2020-01-01", "tomorrow", "9999-12-31", "\0"])
def test_a_day_that_is_over_or_none_switches_nobody(
    admin: Client, ada: User, until: str
) -> None:
    sent = {"key": str(ada.pk), "enabled": "on", "until": until}
    answer = admin.post(PEOPLE, sent, follow=True)
    assert "That day is over" in answer.content.decode()
    assert not RecordingSwitch.objects.exists()


def test_the_gate_closes_by_itself(admin: Client) -> None:
    admin.post(PEOPLE, {"key": "", "enabled": "on", "until": f"{day(1):%Y-%m-%d}"})
    assert f"It closes by itself after {day(1):%d %b %Y}." in page(admin)
    RecordingSwitch.objects.update(until=timezone.now())
    assert "It is closed" in page(admin)


def test_a_project_without_time_zones_has_days_too(
    admin: Client, ada: User, settings: LazySettings
) -> None:
    settings.USE_TZ = False
    tomorrow = datetime.now().date() + timedelta(days=1)  # noqa: DTZ005 - without zones
    sent = {"key": str(ada.pk), "enabled": "on", "until": f"{tomorrow:%Y-%m-%d}"}
    admin.post(PEOPLE, sent)
    assert f"until {tomorrow:%d %b %Y}" in page(admin)


@pytest.mark.parametrize("key", ["4711", "no-id", "x" * 65, "\0", "9" * 30])
def test_an_id_of_nobody_is_not_switched(admin: Client, key: str) -> None:
    assert admin.post(PEOPLE, {"key": key, "enabled": "on"}).status_code == 404
    assert not RecordingSwitch.objects.exists()
    assert not names_of([key])


def test_who_is_gone_can_be_switched_off(admin: Client, ada: User) -> None:
    key = str(ada.pk)
    set_switch(scope=Scope.OWNER, key=key, enabled=True, by=None)
    ada.delete()
    assert f"<bdi>{key}</bdi>" in page(admin)
    assert admin.post(PEOPLE, {"key": key}).status_code == 302
    assert not RecordingSwitch.objects.get().enabled


def test_the_gate_is_opened_and_closed(admin: Client) -> None:
    assert "It is closed: nothing is recorded in full" in page(admin)
    admin.post(PEOPLE, {"key": "", "enabled": "on"})
    assert "It is open" in page(admin)
    admin.post(PEOPLE, {"key": ""})
    assert "It is closed" in page(admin)
    changes = SwitchChange.objects.order_by("pk")
    assert [(one.scope, one.new_value) for one in changes] == [
        (Scope.DEPLOYMENT, True),
        (Scope.DEPLOYMENT, False),
    ]


def test_the_page_says_what_is_stored_how_long_and_who_reads_it(
    admin: Client, settings: LazySettings
) -> None:
    shown = page(admin)
    for words in ("prompts, answers and HTTP attempts", "7 days", "give a reason"):
        assert words in shown
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    assert "records all chats in full" in page(admin)


def test_only_those_who_may_change_switches_find_people(ada: User) -> None:
    viewer = UserFactory(is_staff=True)
    viewer.user_permissions.set(
        Permission.objects.filter(codename="view_recordingswitch")
    )
    client = client_of(viewer)
    assert client.get(PEOPLE, {"q": "ada"}).status_code == 403
    assert client.post(PEOPLE, {"key": str(ada.pk)}).status_code == 403
    assert PEOPLE not in client.get(SWITCHES).content.decode()
    viewer.user_permissions.add(
        *Permission.objects.filter(codename="change_recordingswitch")
    )
    client = client_of(User.objects.get(pk=viewer.pk))
    assert PEOPLE in client.get(SWITCHES).content.decode()
    assert "<bdi>ada</bdi>" in page(client, q="ada")
    assert client.put(PEOPLE).status_code == 405


def test_a_project_finds_owners_who_are_no_accounts(
    admin: Client, settings: LazySettings
) -> None:
    policy = f"{__name__}.Captains"
    settings.CHATDEBUG = {**settings.CHATDEBUG, "ACCESS_POLICY": policy}
    assert "<bdi>Grace</bdi>" in page(admin, q="captain")
    admin.post(PEOPLE, {"key": "ship-9", "enabled": "on"})
    assert RecordingSwitch.objects.get().key == "ship-9"
    assert ">Grace</td>" in admin.get(SWITCHES).content.decode()


def test_the_statements_do_not_grow_with_the_people(admin: Client) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as of_page:
            page(admin, q="person")
        with CaptureQueriesContext(connection) as of_list:
            admin.get(SWITCHES)
        counts.append((len(of_page), len(of_list)))
        for person in UserFactory.create_batch(5):
            set_switch(scope=Scope.OWNER, key=str(person.pk), enabled=True, by=None)
    (page_before, list_before), (page_after, list_after) = counts
    assert page_after <= page_before + 2  # whose switches are on, and their names
    assert list_after <= list_before + 1


def test_a_long_list_leads_to_all_of_it(
    admin: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_people, "SHOWN", 1)
    for person in (ada, UserFactory()):
        set_switch(scope=Scope.OWNER, key=str(person.pk), enabled=True, by=None)
    shown = page(admin)
    assert "scope__exact=owner&amp;enabled__exact=1" in shown
    listed = admin.get(f"{SWITCHES}?scope__exact=owner&enabled__exact=1")
    assert ">ada</td>" in listed.content.decode()


def test_a_hostile_name_is_shown_as_text(admin: Client) -> None:
    UserFactory(username="<script>alert(1)</script>")
    shown = page(admin, q="script")
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown
