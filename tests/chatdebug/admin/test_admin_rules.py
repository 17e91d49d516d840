"""The deployment's own rules in the admin: made, previewed, switched on, handed on."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chatdebug.enums import Level, RuleMode
from chatdebug.errors import build_facts, classify_facts
from chatdebug.models import (
    ClassificationRule,
    ErrorGroup,
    RuleCause,
    RuleTally,
)
from tests.chatdebug.admin.people import client_with
from tests.factories import ChatStepFactory, ErrorGroupFactory

pytestmark = pytest.mark.django_db

RULES = "/admin/chatdebug/classificationrule/"
GROUPS = "/admin/chatdebug/errorgroup/"
OPERATOR = (
    *("view_classificationrule", "add_classificationrule", "view_errorgroup"),
    "change_classificationrule",
)
BALLAST = build_facts(message="The ballast is gone", status_code=400)


@pytest.fixture
def superuser() -> Client:
    return client_with(is_superuser=True)


@pytest.fixture
def group() -> ErrorGroup:
    """Return a group with one stored error."""
    group = ErrorGroupFactory()
    ChatStepFactory(run__fingerprint=group.fingerprint)
    return group


def form(**facts: str) -> dict[str, str]:
    return {"position": "100", "kind": "config", **facts}


def page_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def switch(client: Client, rule: ClassificationRule, mode: str) -> None:
    response = client.post(f"{RULES}{rule.pk}/mode/", {"mode": mode})
    assert response.status_code == 302
    rule.refresh_from_db()


def says() -> str:
    return classify_facts(BALLAST).rule


def test_a_new_rule_is_in_shadow_one_click_lets_it_decide_and_one_undoes_it(
    superuser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        superuser.post(f"{RULES}add/", form(text="the ballast *"))
    rule = ClassificationRule.objects.get()
    assert (rule.mode, says()) == (RuleMode.SHADOW, "fallback.generic")
    with django_capture_on_commit_callbacks(execute=True):
        switch(superuser, rule, "on")
    assert (rule.mode, says()) == (RuleMode.ON, f"custom.{rule.pk}")
    with django_capture_on_commit_callbacks(execute=True):
        switch(superuser, rule, "shadow")
    assert (rule.mode, says()) == (RuleMode.SHADOW, "fallback.generic")
    notes = LogEntry.objects.filter(change_message__startswith="Mode:")
    assert {note.change_message for note in notes} == {"Mode: On.", "Mode: Shadow."}


def test_a_deleted_rule_decides_no_longer(
    superuser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    with django_capture_on_commit_callbacks(execute=True):
        switch(superuser, rule, "on")
    assert says() == f"custom.{rule.pk}"
    with django_capture_on_commit_callbacks(execute=True):
        superuser.post(f"{RULES}{rule.pk}/delete/", {"post": "yes"})
    assert says() == "fallback.generic"


def test_a_rule_that_says_something_else_goes_to_shadow_and_counts_anew(
    superuser: Client,
) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the keel", mode="on")
    RuleTally.objects.create(rule=rule, count=7)
    RuleCause.objects.create(rule=rule, fingerprint="a")
    superuser.post(f"{RULES}{rule.pk}/change/", form(text="the keel", note="Keels"))
    rule.refresh_from_db()
    assert (rule.mode, rule.note, rule.tally.count) == (RuleMode.ON, "Keels", 7)
    superuser.post(f"{RULES}{rule.pk}/change/", form(text="the mast"))
    rule = ClassificationRule.objects.get()
    assert (rule.mode, rule.text) == (RuleMode.SHADOW, "the mast")
    assert not RuleTally.objects.exists()
    assert not RuleCause.objects.exists()


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
    response = superuser.post(f"{RULES}add/", form(**facts, _preview="1"), follow=True)
    assert reason in response.content.decode()
    assert not ClassificationRule.objects.exists()


def test_a_group_is_made_a_rule_whose_form_is_filled_in(
    superuser: Client, group: ErrorGroup
) -> None:
    shown = page_of(superuser, f"{GROUPS}{group.pk}/change/")
    address = f"{RULES}add/?group={group.pk}"
    assert f'href="{address}"' in shown
    shown = page_of(superuser, address)
    assert 'value="the ballast of"' in shown
    assert "holds for its 1 stored error" in shown
    assert "1 run and 1 group, of 1 stored errors" in shown
    assert f'href="{GROUPS}{group.pk}/change/"' in shown
    assert not ClassificationRule.objects.exists()
    superuser.post(address, form(text="the ballast of"))
    rule = ClassificationRule.objects.get()
    assert rule.mode == RuleMode.SHADOW
    cause = rule.causes.get()
    assert (cause.fingerprint, cause.is_accepted) == (group.fingerprint, True)


def test_the_page_of_a_group_leads_to_the_rules_that_it_falls_under(
    group: ErrorGroup,
) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    RuleCause.objects.create(rule=rule, fingerprint=group.fingerprint)
    address, link = f"{GROUPS}{group.pk}/change/", f'href="{RULES}{rule.pk}/change/"'
    assert link in page_of(client_with(*OPERATOR), address)
    assert link not in page_of(client_with("view_errorgroup"), address)


def test_where_no_condition_tells_a_group_apart_that_is_said(
    superuser: Client, group: ErrorGroup
) -> None:
    ChatStepFactory(run__fingerprint=ErrorGroupFactory().fingerprint)
    shown = page_of(superuser, f"{RULES}add/?group={group.pk}")
    assert "No code and no words tell its errors from all others" in shown
    assert 'value="demo"' in shown
    bare = ErrorGroupFactory()
    shown = page_of(superuser, f"{RULES}add/?group={bare.pk}")
    assert "None of its errors is stored any more" in shown


def test_what_a_rule_would_take_is_shown_before_it_is_there(
    superuser: Client, group: ErrorGroup
) -> None:
    address = f"{RULES}add/?group={group.pk}"
    asked = form(text="the ballast of segment", _preview="1")
    response = superuser.post(address, asked, follow=True)
    shown = response.content.decode()
    assert 'value="the ballast of segment"' in shown
    assert "1 run and 1 group, of 1 stored errors" in shown
    assert f"group={group.pk}" in response.redirect_chain[0][0]
    assert not ClassificationRule.objects.exists()


def test_a_form_that_is_refused_keeps_its_preview(group: ErrorGroup) -> None:
    address = f"{RULES}add/?group={group.pk}"
    taken = "1 run and 1 group, of 1 stored errors"
    reader = client_with(is_superuser=True)
    for text in ("the ballast of", "the ballast of segment"):
        refused = reader.post(address, form(text=text, kind="")).content.decode()
        assert "This field is required." in refused
        assert f'value="{text}"' in refused
        assert taken in refused
    other = reader.post(f"{RULES}add/", form(code="keel", kind="")).content.decode()
    assert "0 runs and 0 groups, of 1 stored errors" in other
    # Who may not read content is shown the proposal, and no answers about other words.
    maker = client_with(*OPERATOR)
    sent = form(text="the ballast of", kind="")
    assert taken in maker.post(address, sent).content.decode()
    sent["text"] = "the ballast of segment"
    assert taken not in maker.post(address, sent).content.decode()


def test_a_preview_keeps_what_else_was_filled_in(
    superuser: Client, group: ErrorGroup
) -> None:
    address = f"{RULES}add/?group={group.pk}"
    sent = form(text="the ballast of", note="Ballasts", kind="auth", _preview="1")
    shown = superuser.post(address, sent, follow=True).content.decode()
    assert 'value="Ballasts"' in shown
    assert '<option value="auth" selected>' in shown
    assert 'name="back_to_shadow" id="id_back_to_shadow" checked' not in shown


@pytest.mark.parametrize("asked", ["0", "x", "²", "9" * 40, "", "-1"])
def test_a_rule_of_no_group_is_an_empty_form(superuser: Client, asked: str) -> None:
    shown = page_of(superuser, f"{RULES}add/?group={asked}")
    assert "Proposed for" not in shown


def test_a_proposal_is_for_those_who_may_see_groups(group: ErrorGroup) -> None:
    address = f"{RULES}add/?group={group.pk}"
    maker = client_with("add_classificationrule", "view_classificationrule")
    assert "the ballast of" not in page_of(maker, address)
    shown = page_of(client_with(*OPERATOR), address)
    assert 'value="the ballast of"' in shown
    assert "chatrun" not in shown
    viewer = client_with("view_errorgroup", "view_classificationrule")
    assert viewer.get(address).status_code == 403
    assert "Make a rule of it" not in page_of(viewer, f"{GROUPS}{group.pk}/change/")


def test_who_may_not_change_rules_switches_none() -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    client = client_with("view_classificationrule")
    assert "Let it decide" not in page_of(client, f"{RULES}{rule.pk}/change/")
    response = client.post(f"{RULES}{rule.pk}/mode/", {"mode": "on"})
    assert response.status_code == 403
    rule.refresh_from_db()
    assert rule.mode == RuleMode.SHADOW


@pytest.mark.parametrize("mode", ["", "loud", "On"])
def test_a_mode_that_there_is_not_is_not_found(superuser: Client, mode: str) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    response = superuser.post(f"{RULES}{rule.pk}/mode/", {"mode": mode})
    assert response.status_code == 404


def test_the_page_has_the_numbers_and_says_what_is_new(
    superuser: Client, group: ErrorGroup
) -> None:
    rule = ClassificationRule.objects.create(
        kind="config", text="the ballast", mode="on", back_to_shadow=True
    )
    RuleTally.objects.create(rule=rule, count=1204, disagreed=31, recovered=17)
    facts = {"rule": rule, "kind": "generic"}
    RuleCause.objects.create(
        **facts, fingerprint=group.fingerprint, title="It shifted", is_accepted=True
    )
    RuleCause.objects.create(rule=rule, fingerprint="b", title="It sank", kind="auth")
    shown = page_of(superuser, f"{RULES}{rule.pk}/change/")
    for part in (
        "<dd>1204</dd>",
        "<dd>31</dd>",
        "<dd>17</dd>",
        "1 cause is new under it.",
    ):
        assert part in shown
    assert "built-in: Authentication failed" in shown
    assert "Back to shadow" in shown
    assert f'href="{GROUPS}{group.pk}/change/"' in shown
    assert "1,204" in page_of(superuser, RULES)


def test_accepted_causes_are_no_news(superuser: Client) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    RuleCause.objects.create(rule=rule, fingerprint="a", is_accepted=True)
    RuleCause.objects.create(rule=rule, fingerprint="b")
    assert "is new under it" in page_of(superuser, f"{RULES}{rule.pk}/change/")
    switch(superuser, rule, "on")
    assert "is new under it" not in page_of(superuser, f"{RULES}{rule.pk}/change/")


def test_a_project_without_time_zones_has_these_pages_too(
    superuser: Client, group: ErrorGroup, settings: LazySettings
) -> None:
    settings.USE_TZ = False
    rule = ClassificationRule.objects.create(kind="config", text="the ballast")
    RuleTally.objects.create(rule=rule, count=3)
    RuleCause.objects.create(rule=rule, fingerprint="a", title="It shifted")
    assert "It shifted" in page_of(superuser, f"{RULES}{rule.pk}/change/")
    assert "Proposed for" in page_of(superuser, f"{RULES}add/?group={group.pk}")


@pytest.mark.urls("tests.chatdebug.admin.only_rules")
def test_another_site_that_knows_neither_runs_nor_groups_has_these_pages_too(
    superuser: Client, group: ErrorGroup
) -> None:
    rules = "/office/chatdebug/classificationrule/"
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    RuleCause.objects.create(rule=rule, fingerprint=group.fingerprint, title="It sank")
    shown = page_of(superuser, f"{rules}{rule.pk}/change/")
    assert "It sank" in shown
    assert "1 run and 1 group, of 1 stored errors" in shown
    assert "errorgroup" not in shown
    assert "chatrun" not in shown
    response = superuser.post(f"{rules}{rule.pk}/mode/", {"mode": "on"})
    assert response["Location"] == f"{rules}{rule.pk}/change/"
    for address in (rules, f"{rules}add/?group={group.pk}", f"{rules}import/"):
        shown = page_of(superuser, address)
        assert "Proposed for" not in shown
        assert "errorgroup" not in shown


def test_the_preview_links_no_runs_for_who_may_not_see_them() -> None:
    run = ChatStepFactory().run
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    address = f"{RULES}{rule.pk}/change/"
    link = f"/admin/chatdebug/chatrun/{run.pk}/change/"
    may_read = "view_classificationrule", "view_content"
    assert link not in page_of(client_with(*may_read), address)
    assert link in page_of(client_with(*may_read, "view_chatrun"), address)


def test_the_preview_links_the_runs_and_shows_no_content(superuser: Client) -> None:
    step = ChatStepFactory()
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    page = page_of(superuser, f"{RULES}{rule.pk}/change/")
    assert "1 run and 0 groups, of 1 stored errors" in page
    assert f"/admin/chatdebug/chatrun/{step.run_id}/change/" in page
    assert "segment 3" not in page


def test_a_row_that_no_form_has_let_through_has_a_page_that_says_so(
    superuser: Client,
) -> None:
    rule = ClassificationRule.objects.create(kind="config", text="*")
    shown = page_of(superuser, f"{RULES}{rule.pk}/change/")
    assert "Give at least 5 characters" in shown
    switch(superuser, rule, "on")
    assert "Back to shadow" in page_of(superuser, f"{RULES}{rule.pk}/change/")


def test_who_may_not_read_content_cannot_probe_it_with_rules() -> None:
    ChatStepFactory()
    rule = ClassificationRule.objects.create(kind="config", text="the ballast of")
    editor = client_with(*OPERATOR)
    page = page_of(editor, f"{RULES}{rule.pk}/change/")
    assert "stored errors" not in page
    assert "position" in page
    page = page_of(editor, f"{RULES}add/?text=the+ballast+of")
    assert "stored errors" not in page


def test_which_runs_of_the_full_level_hold_a_word_is_no_preview(
    superuser: Client,
) -> None:
    ChatStepFactory(run__level=Level.FULL)
    by_text = ClassificationRule.objects.create(kind="config", text="the ballast of")
    by_status = ClassificationRule.objects.create(kind="config", status_code=400)
    page = page_of(superuser, f"{RULES}{by_text.pk}/change/")
    assert "0 runs and 0 groups, of 0 stored errors" in page
    page = page_of(superuser, f"{RULES}{by_status.pk}/change/")
    assert "1 run and 0 groups, of 1 stored errors" in page


def test_the_rules_are_listed(superuser: Client) -> None:
    ClassificationRule.objects.create(kind="config", status_code=418, note="Teapots")
    page = page_of(superuser, RULES)
    assert "Teapots" in page
    assert f'href="{RULES}import/"' in page


def upload(client: Client, content: bytes) -> Any:
    file = SimpleUploadedFile("rules.json", content)
    return client.post(f"{RULES}import/", {"file": file}, follow=True)


def test_rules_are_handed_on_and_taken_in(superuser: Client) -> None:
    rule = ClassificationRule.objects.create(
        kind="config", text="the ballast", note="Asked for by Ann", mode="on"
    )
    asked = {"action": "export_as_json", "_selected_action": str(rule.pk)}
    response = superuser.post(RULES, asked)
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content)["rules"][0]["text"] == "the ballast"
    assert b"Ann" not in response.content
    rule.delete()
    shown = upload(superuser, response.content).content.decode()
    assert "1 rule is in shadow now; 0 were there already." in shown
    assert ClassificationRule.objects.get().mode == RuleMode.SHADOW
    messages = LogEntry.objects.values_list("change_message", flat=True)
    assert {"Exported.", "Imported."} <= set(messages)


def test_rules_that_no_export_can_hold_are_told_of(superuser: Client) -> None:
    some_id = "550e8400-e29b-41d4-a716-446655440000"
    of_an_id = ClassificationRule.objects.create(kind="config", code=some_id)
    fine = ClassificationRule.objects.create(kind="config", text="the ballast")
    asked = {
        "action": "export_as_json",
        "_selected_action": [str(of_an_id.pk), str(fine.pk)],
    }
    exported = json.loads(superuser.post(RULES, asked).content)
    assert [rule.get("text") for rule in exported["rules"]] == ["the ballast"]
    words = "1 rule left out: what it asks for is an id, or may hold a secret."
    assert words in page_of(superuser, RULES)
    assert LogEntry.objects.get(object_id=str(fine.pk)).change_message == "Exported."
    assert not LogEntry.objects.filter(object_id=str(of_an_id.pk)).exists()


def test_of_rules_that_no_export_can_hold_there_is_no_file(superuser: Client) -> None:
    some_id = "550e8400-e29b-41d4-a716-446655440000"
    rule = ClassificationRule.objects.create(kind="config", code=some_id)
    asked = {"action": "export_as_json", "_selected_action": str(rule.pk)}
    response = superuser.post(RULES, asked, follow=True)
    assert (
        "1 rule left out: what it asks for is an id, or may hold a secret."
        in response.text
    )
    assert not LogEntry.objects.exists()


def test_a_file_that_cannot_be_taken_in_is_refused_in_plain_words(
    superuser: Client,
) -> None:
    shown = upload(superuser, b"{").content.decode()
    assert "The file is not JSON." in shown
    assert not ClassificationRule.objects.exists()


def test_who_may_not_add_rules_imports_none() -> None:
    client = client_with("view_classificationrule", "change_classificationrule")
    assert client.get(f"{RULES}import/").status_code == 403
    assert upload(client, b"{}").status_code == 403
    assert f"{RULES}import/" not in page_of(client, RULES)
