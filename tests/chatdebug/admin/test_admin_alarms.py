"""Targets of alarms in the admin: the form, the test, the rehearsal and the log."""

import sys
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from chatdebug.alarms.notices import deliver_due, make_notices
from chatdebug.enums import AlarmCause, AlarmChannel
from chatdebug.models import AlarmNotice, AlarmTarget
from chatdebug.models.runs import new_id
from tests.chatdebug.admin.people import client_with
from tests.chatdebug.alarms.rows import counted_group
from tests.factories import AlarmTargetFactory

pytestmark = pytest.mark.django_db

TARGETS = "/admin/chatdebug/alarmtarget/"
NOTICES = "/admin/chatdebug/alarmnotice/"
KEY = "planted-key-of-a-webhook"
HOOK = {"channel": "webhook", "address": "https://example.org/hook", "new_secret": KEY}


@pytest.fixture
def admin() -> Client:
    return client_with(is_superuser=True)


def form(**facts: Any) -> dict[str, Any]:
    return {
        "name": "Ops",
        "enabled": "on",
        "channel": "email",
        "address": "ops@example.org",
        "causes": ["new_group", "dropped"],
        "quiet_minutes": "60",
        **facts,
    }


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def change_of(target: AlarmTarget) -> str:
    return f"{TARGETS}{target.pk}/change/"


def test_a_target_is_made_with_the_causes_that_it_is_told_of(admin: Client) -> None:
    assert admin.post(f"{TARGETS}add/", form()).status_code == 302
    target = AlarmTarget.objects.get()
    assert target.causes == ["new_group", "dropped"]
    assert (target.channel, target.quiet_minutes) == (AlarmChannel.EMAIL, 60)
    words = page(admin, TARGETS)
    assert "A failure that was not known, The recorder had to drop rows" in words


def test_a_new_target_is_offered_everything(admin: Client) -> None:
    words = page(admin, f"{TARGETS}add/")
    assert words.count('name="causes"') == len(AlarmCause)
    assert words.count("checked") == len(AlarmCause) + 1  # and that it is enabled


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"address": ""}, "Give 1 to 50 addresses, one a line."),
        ({"address": "ops@example.org nobody"}, "Enter a valid email address."),
        ({"causes": []}, "This field is required."),
        ({"quiet_minutes": "1"}, "greater than or equal to 5"),
        ({**HOOK, "address": "ftp://example.org"}, "begins with https:// or http://"),
        ({**HOOK, "new_secret": "short"}, "a key of at least 16 characters"),
        ({**HOOK, "address": "http://a:b@example.org"}, "not kept secret"),
        ({"channel": "pigeon"}, "Select a valid choice"),
    ],
)
def test_a_target_that_could_not_be_told_is_refused(
    admin: Client, facts: dict[str, Any], reason: str
) -> None:
    response = admin.post(f"{TARGETS}add/", form(**facts))
    assert reason in response.content.decode()
    assert not AlarmTarget.objects.exists()


def test_apprise_is_refused_where_it_is_not_installed(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    facts = form(channel="apprise", new_secret="json://example.org")
    response = admin.post(f"{TARGETS}add/", facts)
    assert "which is not installed" in response.content.decode()
    assert not AlarmTarget.objects.exists()


def test_a_secret_is_kept_unless_another_one_is_given(admin: Client) -> None:
    admin.post(f"{TARGETS}add/", form(**HOOK))
    target = AlarmTarget.objects.get()
    assert target.secret == KEY
    admin.post(change_of(target), form(**{**HOOK, "new_secret": "", "name": "New"}))
    target.refresh_from_db()
    assert (target.name, target.secret) == ("New", KEY)
    other = "another-key-of-a-webhook"
    admin.post(change_of(target), form(**{**HOOK, "new_secret": other}))
    target.refresh_from_db()
    assert target.secret == other


def test_a_secret_goes_with_its_channel(admin: Client) -> None:
    target = AlarmTargetFactory(
        channel=AlarmChannel.APPRISE, secret="json://planted@example.org"
    )
    facts = form(**{**HOOK, "new_secret": ""})
    response = admin.post(change_of(target), facts)
    assert "a key of at least 16 characters" in response.content.decode()
    admin.post(change_of(target), form())
    target.refresh_from_db()
    assert target.secret == ""


@pytest.mark.parametrize(
    "permissions",
    [
        ("view_alarmtarget", "view_alarmnotice"),
        ("view_alarmtarget", "change_alarmtarget", "view_alarmnotice"),
    ],
    ids=["looks", "changes"],
)
def test_no_page_shows_a_secret(permissions: tuple[str, ...]) -> None:
    target = AlarmTargetFactory(channel=AlarmChannel.WEBHOOK, secret=KEY)
    counted_group()
    make_notices(using="default")
    deliver_due(target.pk, using="default")
    client = client_with(*permissions)
    notice = AlarmNotice.objects.get()
    for address in (
        TARGETS,
        change_of(target),
        f"{TARGETS}{target.pk}/history/",
        f"{TARGETS}{target.pk}/rehearsal/",
        NOTICES,
        f"{NOTICES}{notice.pk}/change/",
    ):
        words = page(client, address)
        assert "planted" not in words, address
    refused = client.post(change_of(target), form(**{**HOOK, "name": ""}))
    assert KEY not in refused.content.decode()


def test_who_may_only_look_sees_causes_in_words_and_no_button() -> None:
    target = AlarmTargetFactory(causes=["dropped"])
    words = page(client_with("view_alarmtarget"), change_of(target))
    assert "The recorder had to drop rows" in words
    assert "Send a test" not in words


def test_what_happened_while_it_was_off_is_no_news(admin: Client) -> None:
    target = AlarmTargetFactory(enabled=False, causes=["new_group", "dropped"])
    before = target.since
    admin.post(change_of(target), form(enabled=""))
    target.refresh_from_db()
    assert target.since == before
    began = timezone.now()
    admin.post(change_of(target), form())
    target.refresh_from_db()
    assert target.since >= began


def test_the_button_sends_a_test_and_says_how_that_went(admin: Client) -> None:
    target = AlarmTargetFactory(name="Ops")
    response = admin.post(f"{TARGETS}{target.pk}/test/", follow=True)
    words = response.content.decode()
    assert "The test was sent." in words
    assert "A test of the alarm target “Ops”" in words
    assert len(mail.outbox) == 1


def test_a_test_that_fails_says_why(admin: Client) -> None:
    target = AlarmTargetFactory(channel=AlarmChannel.SIGNAL)
    response = admin.post(f"{TARGETS}{target.pk}/test/", follow=True)
    words = response.content.decode()
    assert "The test was not sent: No receiver is connected." in words
    assert "Given up: No receiver is connected." in words


def test_who_may_not_change_targets_sends_no_test() -> None:
    target = AlarmTargetFactory()
    client = client_with("view_alarmtarget")
    assert client.post(f"{TARGETS}{target.pk}/test/").status_code == 403
    assert mail.outbox == []


def test_of_a_target_that_there_is_not_nothing_is_sent_or_rehearsed(
    admin: Client,
) -> None:
    assert admin.post(f"{TARGETS}77/test/").status_code == 404
    assert admin.get(f"{TARGETS}77/rehearsal/").status_code == 404
    assert admin.get(f"{TARGETS}x/rehearsal/").status_code == 404


def test_the_rehearsal_says_what_would_have_been_sent(admin: Client) -> None:
    counted_group(provider="openai", status_code=400)
    target = AlarmTargetFactory()
    words = page(admin, f"{TARGETS}{target.pk}/rehearsal/")
    assert "1 message would have been sent." in words
    assert "OpenAI rejected the request (400)." in words
    assert not AlarmNotice.objects.exists()


def test_the_log_says_what_was_sent_and_what_failed(admin: Client) -> None:
    target = AlarmTargetFactory(channel=AlarmChannel.SIGNAL, name="Code")
    counted_group(provider="openai", status_code=400)
    make_notices(using="default")
    deliver_due(target.pk, using="default")
    words = page(admin, f"{NOTICES}?state__exact=waiting")
    assert "OpenAI rejected the request (400)." in words
    assert "No receiver is connected." in words
    words = page(admin, f"{NOTICES}{AlarmNotice.objects.get().pk}/change/")
    assert "1 time, since " in words


@pytest.mark.parametrize(
    "document", [{}, [], 7, {"subject": 1, "alarms": [7], "more": "x"}]
)
def test_a_notice_of_another_release_is_shown(admin: Client, document: Any) -> None:
    notice = AlarmNotice.objects.create(
        id=new_id(), target_name="x", subject="Of another release", document=document
    )
    assert "Of another release" in page(admin, f"{NOTICES}{notice.pk}/change/")


def test_a_target_that_was_told_can_be_deleted_and_its_log_stays(admin: Client) -> None:
    target = AlarmTargetFactory(name="Gone")
    counted_group()
    make_notices(using="default")
    response = admin.post(f"{TARGETS}{target.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    notice = AlarmNotice.objects.get()
    assert (notice.target, notice.target_name) == (None, "Gone")


def test_an_admin_site_of_the_projects_own_has_pages_that_lead_to_its_own(
    admin: Client, settings: LazySettings
) -> None:
    settings.ROOT_URLCONF = "tests.chatdebug.admin.second_site"
    target = AlarmTargetFactory()
    group = counted_group()
    here = f"/office/chatdebug/alarmtarget/{target.pk}"
    words = page(admin, f"{here}/change/")
    assert f'action="{here}/test/"' in words
    assert f'href="{here}/rehearsal/"' in words
    assert f"{here}/change/" in page(admin, f"{here}/rehearsal/")
    response = admin.post(f"{here}/test/")
    assert response.headers["Location"] == f"{here}/change/"
    make_notices(using="default")
    deliver_due(target.pk, using="default")
    assert f"/office/chatdebug/errorgroup/{group.pk}/change/" in mail.outbox[1].body
