"""The policy of a project that names none: staff, and whom the runs themselves name."""

import pytest
from django.test import Client
from django.urls import reverse

from chatdebug.access import StaffOnly, evidence_of
from chatdebug.enums import Evidence
from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

REASON = "Why do you need to read it?"


class Unmakeable(StaffOnly):
    def __init__(self):
        raise RuntimeError("no directory of people")


NO_POLICIES = [
    "",
    "no.such.Policy",
    "os.path.join",
    "os.sep",
    "datetime.date",
    "datetime.timedelta",
    f"{__name__}.Unmakeable",
]


@pytest.fixture(autouse=True)
def no_policy(settings):
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "ACCESS_POLICY": "chatdebug.access.StaffOnly",
    }


@pytest.fixture
def admin():
    return UserFactory(is_staff=True, is_superuser=True)


def run_pages(user, run):
    """Return the pages of a run in the admin and in the Debug tab."""
    client = Client()
    client.force_login(user)
    return [
        client.get(address).content.decode()
        for address in (
            f"/admin/chatdebug/chatrun/{run.pk}/change/",
            f"/debug/chats/{run.chat_id}/runs/{run.pk}/",
        )
    ]


def failed_run(**facts):
    run = ChatRunFactory(chat_id="7", status="error", **facts)
    ChatStepFactory(run=run, error={"message": "The ballast is wrong."})
    return run


def test_staff_read_what_failed_for_themselves_without_a_reason(admin):
    run = failed_run(owner_id=str(admin.pk))
    for page in run_pages(admin, run):
        assert "The ballast is wrong." in page
        assert REASON not in page


@pytest.mark.parametrize("others", [["8"], [""], ["8", "own"]])
def test_what_is_not_known_to_be_their_own_they_read_for_a_reason(admin, others):
    for owner_id in others:
        run = failed_run(owner_id=owner_id.replace("own", str(admin.pk)))
    for page in run_pages(admin, run):
        assert "The ballast is wrong." not in page
        assert REASON in page


@pytest.mark.parametrize("policy", NO_POLICIES)
def test_without_a_policy_nobody_reads_and_it_is_logged(
    admin, settings, caplog, policy
):
    run = failed_run(owner_id=str(admin.pk))
    settings.CHATDEBUG = {**settings.CHATDEBUG, "ACCESS_POLICY": policy}
    client = Client()
    client.force_login(admin)
    for name, ids in (("panel", ()), ("run", (run.pk,)), ("switch", ())):
        address = reverse(f"chatdebug:{name}", args=[run.chat_id, *ids])
        send = client.post if name == "switch" else client.get
        assert send(address).status_code == 404, address
    assert "There is no access policy" in caplog.text
    for address in (
        reverse("chatdebug:opt-in"),
        "/admin/chatdebug/chatrun/",
        f"/admin/chatdebug/chatrun/{run.pk}/change/",
    ):
        assert client.get(address).status_code == 200, address
    assert evidence_of(run.chat_id) is Evidence.ERROR


def test_a_policy_that_could_not_be_made_once_is_made_later(
    admin, settings, monkeypatch
):
    run = failed_run(owner_id=str(admin.pk))
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "ACCESS_POLICY": f"{__name__}.Unmakeable",
    }
    client = Client()
    client.force_login(admin)
    page = f"/debug/chats/{run.chat_id}/runs/{run.pk}/"
    assert client.get(page).status_code == 404
    monkeypatch.setattr(Unmakeable, "__init__", lambda self: None)
    assert client.get(page).status_code == 200
