"""The deployment's own rules in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from chatdebug.enums import Level
from chatdebug.errors import build_facts, classify_facts
from chatdebug.models import ClassificationRule
from tests.factories import ChatStepFactory, UserFactory

pytestmark = pytest.mark.django_db

RULES = "/admin/chatdebug/classificationrule/"


def client_with(*permissions: str, **facts: Any) -> Client:
    user = UserFactory(is_staff=True, **facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def superuser() -> Client:
    return client_with(is_superuser=True)


def form(**facts: str) -> dict[str, str]:
    return {"mode": "on", "position": "100", "kind": "config", **facts}


def test_a_saved_rule_decides_at_once_and_a_deleted_one_no_longer(
    superuser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    facts = build_facts(message="The ballast is gone", status_code=400)
    with django_capture_on_commit_callbacks(execute=True):
        superuser.post(f"{RULES}add/", form(text="the ballast *"))
    rule = ClassificationRule.objects.get()
    assert classify_facts(facts).rule == f"custom.{rule.pk}"
    with django_capture_on_commit_callbacks(execute=True):
        superuser.post(f"{RULES}{rule.pk}/delete/", {"post": "yes"})
    assert classify_facts(facts).rule == "fallback.generic"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"text": "*"}, "Give at least 5 characters"),
        ({"provider": "openai"}, "Give a status, a type or code, or a text."),
        ({"status_code": "42"}, "greater than or equal to 100"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_plain_words(
    superuser: Client, facts: dict[str, str], reason: str
) -> None:
    response = superuser.post(f"{RULES}add/", form(**facts))
    assert reason in response.content.decode()
    assert not ClassificationRule.objects.exists()


def test_the_preview_links_the_runs_and_shows_no_content(superuser: Client) -> None:
    step = ChatStepFactory()
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    page = superuser.get(f"{RULES}{rule.pk}/change/").content.decode()
    assert "1 runs, of the newest 1 stored errors" in page
    assert f"/admin/chatdebug/chatrun/{step.run_id}/change/" in page
    assert "segment 3" not in page


def test_who_may_not_read_content_cannot_probe_it_with_rules() -> None:
    ChatStepFactory()
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    editor = client_with("view_classificationrule", "change_classificationrule")
    page = editor.get(f"{RULES}{rule.pk}/change/").content.decode()
    assert "stored errors" not in page
    assert "position" in page


def test_which_runs_of_the_full_level_hold_a_word_is_no_preview(
    superuser: Client,
) -> None:
    ChatStepFactory(run__level=Level.FULL)
    by_text = ClassificationRule.objects.create(kind="config", text="the ballast of")
    by_status = ClassificationRule.objects.create(kind="config", status_code=400)
    page = superuser.get(f"{RULES}{by_text.pk}/change/").content.decode()
    assert "0 runs, of the newest 0 stored errors" in page
    page = superuser.get(f"{RULES}{by_status.pk}/change/").content.decode()
    assert "1 runs, of the newest 1 stored errors" in page


def test_the_rules_are_listed(superuser: Client) -> None:
    ClassificationRule.objects.create(kind="config", status_code=418, note="Teapots")
    page = superuser.get(RULES).content.decode()
    assert "Teapots" in page
