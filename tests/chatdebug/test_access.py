"""The policy of a project that names none: staff, and whom the runs themselves name."""

import pytest
from django.test import Client

from tests.factories import ChatRunFactory, ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

REASON = "Why do you need to read it?"


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
