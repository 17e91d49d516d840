"""All of a person's runs: found by name or id, downloaded for a reason, and deleted."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from chatdebug import downloads
from chatdebug.models import AuditEntry, ChatRun, ContentReading
from chatdebug.presentation.readings import Readings
from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

RUNS = "/admin/chatdebug/chatrun/"
PAGE = f"{RUNS}person/"


@pytest.fixture
def ada() -> User:
    return UserFactory(username="ada", email="ada@example.org")


@pytest.fixture
def admin() -> Client:
    return client_of(UserFactory(username="root", is_staff=True, is_superuser=True))


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(*permissions: str) -> Client:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return client_of(user)


def recorded(owner: User | str, text: str = "planted") -> ChatRun:
    owner_id = owner if isinstance(owner, str) else str(owner.pk)
    run = ChatRunFactory(owner_id=owner_id)
    ChatStepFactory(run=run, normalized_response={"text": text})
    return run


def page(client: Client, **query: str) -> str:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return " ".join(response.text.split())


def downloaded(client: Client, owner: User, **fields: str) -> Any:
    sent = {"key": str(owner.pk), "do": "download", **fields}
    return client.post(f"{PAGE}?q=ada", sent, follow=True)


def test_the_page_says_where_in_the_admin_it_is(admin: Client) -> None:
    crumbs = re.findall(r'<ol class="breadcrumbs">.*?</ol>', page(admin), re.DOTALL)
    assert re.findall(r'href="([^"]+)"', crumbs[0]) == [
        "/admin/",
        "/admin/chatdebug/",
        RUNS,
    ]


def test_people_are_found_by_name_and_id_with_the_number_of_their_runs(
    admin: Client, ada: User
) -> None:
    for _ in range(3):
        recorded(ada)
    recorded("ship-9")
    assert PAGE in admin.get(RUNS).text
    assert "<bdi>ada</bdi></strong> <bdi>ada@example.org</bdi> · 3 runs" in page(
        admin, q="ada@"
    )
    assert "· 3 runs" in page(admin, q=str(ada.pk))
    assert "<bdi>ship-9</bdi></strong> · 1 run" in page(admin, q=" ship-9 ")
    for nobody in ("grace", "x" * 65):
        assert "Nobody of that name or id." in page(admin, q=nobody)


def test_all_of_a_persons_runs_are_downloaded_for_a_reason_that_they_see(
    admin: Client, ada: User
) -> None:
    run = recorded(ada)
    recorded(UserFactory())
    answer = downloaded(admin, ada, reason="her request of Monday")
    assert "person-runs.json" in answer.headers["Content-Disposition"]
    document = json.loads(b"".join(answer.streaming_content))
    assert [one["id"] for one in document["runs"]] == [str(run.pk)]
    assert document["runs"][0]["steps"][0]["normalized_response"]["text"] == "planted"
    reading = ContentReading.objects.get()
    assert (reading.owner_id, reading.chat_id, reading.run_id) == (str(ada.pk), "", "")
    (line,) = Readings.of_owner(str(ada.pk)).lines
    assert (line.what, line.reason) == (
        "the content of all runs",
        "her request of Monday",
    )


def test_without_a_reason_nothing_is_sent_and_nothing_is_held(
    admin: Client, ada: User
) -> None:
    recorded(ada)
    for _ in range(downloads.AT_ONCE + 1):
        answer = downloaded(admin, ada, reason=" ")
        assert "Say why you need to read it." in answer.text
        assert "planted" not in answer.text
    assert not ContentReading.objects.exists()


def test_ones_own_runs_need_no_reason() -> None:
    user = UserFactory(username="ada", is_staff=True, is_superuser=True)
    recorded(user)
    answer = downloaded(client_of(user), user)
    assert b"planted" in b"".join(answer.streaming_content)
    assert not ContentReading.objects.exists()


def test_who_is_to_be_erased_is_asked_for_first(admin: Client, ada: User) -> None:
    recorded(ada)
    kept = recorded(UserFactory())
    sent = {"key": str(ada.pk), "do": "erase"}
    asked = " ".join(admin.post(PAGE, sent).text.split())
    assert "1 run of ada will be deleted, with what is on its way" in asked
    assert ChatRun.objects.count() == 2
    done = admin.post(PAGE, {**sent, "confirmed": "yes"}, follow=True)
    assert "1 run of ada was deleted." in done.text
    assert AuditEntry.objects.get().object_id == str(ada.pk)
    assert kept in ChatRun.objects.all()


def test_a_person_without_an_account_is_erased_too(admin: Client) -> None:
    recorded("ship-9")
    sent = {"key": "ship-9", "do": "erase", "confirmed": "yes"}
    assert "1 run of ship-9 was deleted." in admin.post(PAGE, sent, follow=True).text


@pytest.mark.parametrize("key", ["", "4711", "no-id", "x" * 65, "\0"])
def test_nobody_is_neither_downloaded_nor_erased(admin: Client, key: str) -> None:
    run = recorded("")
    for do in ("download", "erase"):
        sent = {"key": key, "do": do, "confirmed": "yes", "reason": "why"}
        assert admin.post(PAGE, sent).status_code == 404
    assert ChatRun.objects.get() == run


def test_each_deed_has_its_permission(ada: User) -> None:
    recorded(ada)
    erase = {"key": str(ada.pk), "do": "erase", "confirmed": "yes"}
    download = {"key": str(ada.pk), "do": "download", "reason": "why"}
    onlooker = staff("view_chatrun")
    assert onlooker.get(PAGE).status_code == 403
    assert PAGE not in onlooker.get(RUNS).text
    reader = staff("view_chatrun", "view_content")
    assert "Delete all of it" not in page(reader, q="ada")
    assert reader.post(PAGE, erase).status_code == 403
    eraser = staff("view_chatrun", "delete_chatrun")
    assert "Download all of it" not in page(eraser, q="ada")
    assert eraser.post(PAGE, download).status_code == 403
    assert staff("view_content", "delete_chatrun").get(PAGE).status_code == 403
    assert ChatRun.objects.exists()
    assert not ContentReading.objects.exists()


def test_a_search_costs_the_same_however_many_people_and_runs_there_are(
    admin: Client,
) -> None:
    costs = []
    for amount in (1, 8):
        for _ in range(amount):
            user = UserFactory()
            for _ in range(amount):
                recorded(user)
        with collected_statements() as statements:
            page(admin, q="person")
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_its_address_has_a_name() -> None:
    assert reverse("admin:chatdebug_chatrun_person") == PAGE
