"""Similar groups in the admin: found, merged after a look at what will happen, and split."""

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chatdebug.enums import GroupState
from chatdebug.models import (
    AuditEntry,
    ClassificationRule,
    ErrorGroup,
    GroupHour,
    RuleCause,
)
from chatdebug.models.runs import OVERFLOW
from chatdebug.services.regrouping import MOST_FINGERPRINTS, merge_groups
from tests.chatdebug.admin.group_pages import LIST, page_of, text, titles
from tests.chatdebug.admin.people import client_with, staff
from tests.factories import ChatRunFactory, ErrorGroupFactory, UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

MERGE = f"{LIST}merge/"
VIEW = "view_errorgroup"


@pytest.fixture
def desk(client: Client) -> User:
    user = staff(VIEW, "change_errorgroup", "view_chatrun")
    client.force_login(user)
    return user


@pytest.fixture
def keel() -> ErrorGroup:
    first = timezone.now() - timedelta(days=2)
    return ErrorGroupFactory(
        fingerprint="a0a0a0a0",
        title="The keel of the ship cracked",
        count=3,
        first_seen=first,
    )


@pytest.fixture
def mast() -> ErrorGroup:
    return ErrorGroupFactory(
        fingerprint="b0b0b0b0", title="The mast of the ship cracked", count=2
    )


def merge(client: Client, *groups: ErrorGroup) -> str:
    """Merge groups into the first one, as the page does; return what is said then."""
    sent = {"group": [group.pk for group in groups], "into": groups[0].pk}
    response = client.post(MERGE, sent, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.usefixtures("desk")
def test_a_group_names_similar_ones_and_says_why(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    ErrorGroup.objects.filter(pk=keel.pk).update(status_code=400)
    ErrorGroupFactory(title="Nothing like it", status_code=400)
    ErrorGroupFactory(title="Nor is this", status_code=400, provider="openai")
    shown = text(client, page_of(keel))
    similar = shown[shown.index("Similar groups") :]
    assert "4 of 6 words of both titles are the same" in similar
    assert similar.index(mast.title) < similar.index("Nothing like it")
    assert "same provider and status" in similar
    assert "Nor is this" not in similar
    link = f"{MERGE}?group={keel.pk}&amp;group={mast.pk}&amp;into={keel.pk}"
    assert link in similar


@pytest.mark.usefixtures("desk")
def test_what_is_alone_or_no_cause_is_not_similar(client: Client) -> None:
    ErrorGroupFactory(fingerprint=OVERFLOW, title="The keel cracked", status_code=400)
    alone = ErrorGroupFactory(title="The keel cracked", status_code=400)
    assert "Similar groups" not in text(client, page_of(alone))


@pytest.mark.usefixtures("desk")
def test_it_is_asked_before_groups_are_merged(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    ErrorGroup.objects.filter(pk=mast.pk).update(note="Look at the rigging")
    keys = [keel.pk, mast.pk]
    response = client.post(
        LIST, {"action": "merge", "_selected_action": keys}, follow=True
    )
    shown = response.content.decode()
    assert re.search(rf'name="into" value="{keel.pk}" checked', shown)
    for part in (keel.title, mast.title, "5 so far", "is what people noted about"):
        assert part in shown
    assert ErrorGroup.objects.not_merged().count() == 2
    asked = text(client, f"{MERGE}?group={keel.pk}&group={mast.pk}&into={mast.pk}")
    assert re.search(rf'name="into" value="{mast.pk}" checked', asked)


def test_a_merge_leaves_one_group_and_says_who_did_it(
    client: Client, desk: User, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    assert "1 group was merged." in merge(client, keel, mast)
    assert titles(client) == [keel.title]
    entry = AuditEntry.objects.get()
    assert (entry.person_name, entry.object_id) == (str(desk), str(keel.pk))
    assert entry.details == "Merged into a0a0a0a0: b0b0b0b0."
    noted = LogEntry.objects.values_list("object_id", "change_message")
    merged = "Merged into a0a0a0a0."
    assert set(noted) == {(str(keel.pk), merged), (str(mast.pk), merged)}


@pytest.mark.usefixtures("desk")
def test_old_addresses_and_fingerprints_lead_to_the_merged_group(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    runs = [ChatRunFactory(fingerprint=one.fingerprint) for one in (keel, mast)]
    merge(client, keel, mast)
    response = client.get(page_of(mast))
    assert (response.status_code, response["Location"]) == (302, page_of(keel))
    for words in (mast.fingerprint, "mast", "keel"):
        assert titles(client, f"q={words}") == [keel.title]
    of_the_run = text(client, f"/admin/chatdebug/chatrun/{runs[1].pk}/change/")
    assert f'<a href="{page_of(keel)}">{keel.title}</a> · 5 times' in of_the_run
    shown = text(client, page_of(keel))
    assert all(str(run.pk) in shown for run in runs)
    found = text(client, f"/admin/chatdebug/chatrun/?q={mast.fingerprint}")
    assert all(str(run.pk) in found for run in runs)


@pytest.mark.usefixtures("desk")
def test_the_page_of_a_merged_group_has_the_trend_of_all_its_parts(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    GroupHour.objects.create(group=keel, hour=hour, model="a-1", count=3)
    GroupHour.objects.create(group=mast, hour=hour, model="a-2", count=1)
    merge(client, keel, mast)
    words = "4 in 24 hours; at most 4 in an hour"
    assert words in text(client, LIST)
    shown = text(client, page_of(keel))
    assert words in shown
    assert "a-2: 25 %" in shown


@pytest.mark.usefixtures("desk")
def test_statuses_are_those_of_the_parts_that_failed(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    ErrorGroup.objects.filter(pk=keel.pk).update(status_code=400)
    ErrorGroup.objects.filter(pk=mast.pk).update(status_code=500)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    GroupHour.objects.create(group=keel, hour=hour, model="a-1", count=1)
    GroupHour.objects.create(group=mast, hour=hour, model="a-1", count=9)
    merge(client, keel, mast)
    shown = text(client, page_of(keel))
    assert "500: 90 %" in shown
    assert "400: 10 %" in shown


@pytest.mark.usefixtures("desk")
def test_runs_of_all_parts_are_leafed_through_in_one_order(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    now = timezone.now()
    runs = [
        ChatRunFactory(
            fingerprint=(keel, mast)[number % 2].fingerprint,
            started_at=now - timedelta(minutes=number),
        )
        for number in range(24)
    ]
    merge(client, keel, mast)
    ids = [str(run.pk) for run in runs]

    def listed(query: str) -> list[str]:
        shown = text(client, f"{page_of(keel)}?{query}")
        return re.findall(r"/chatrun/([0-9a-f-]{36})/change/", shown)

    assert listed("page=1") == ids[:10]
    assert listed("page=3") == ids[20:]
    assert listed("runs=oldest&page=2") == ids[::-1][10:20]


@pytest.mark.usefixtures("desk")
def test_a_part_is_split_off_and_is_a_group_of_its_own_again(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    ErrorGroup.objects.filter(pk=mast.pk).update(note="Look at the rigging")
    merge(client, keel, mast)
    assert "Look at the rigging" not in text(client, page_of(keel))
    response = client.post(
        f"{LIST}{keel.pk}/handle/", {"do": "split", "part": mast.pk}, follow=True
    )
    said = "It is a group of its own again: The mast of the ship cracked"
    assert said in response.content.decode()
    assert sorted(titles(client)) == [keel.title, mast.title]
    assert "Look at the rigging" in text(client, page_of(mast))
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert entry.details == "Split off from a0a0a0a0: b0b0b0b0."
    again = client.post(
        f"{LIST}{keel.pk}/handle/", {"do": "split", "part": "x"}, follow=True
    )
    assert "It is a group of its own already." in again.content.decode()


def test_what_was_decided_of_the_whole_holds_for_a_part_that_leaves(
    client: Client, desk: User, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    merge(client, keel, mast)
    ErrorGroup.objects.filter(pk=keel.pk).update(
        state=GroupState.IGNORED, ignored_until_count=15
    )
    client.post(f"{LIST}{keel.pk}/handle/", {"do": "split", "part": mast.pk})
    mast.refresh_from_db()
    keel.refresh_from_db()
    assert (mast.state, mast.ignored_until_count) == ("ignored", 12)
    assert (keel.state, keel.ignored_until_count) == ("ignored", 13)
    merge_groups(into=mast, others=[keel], by=desk)
    mast.refresh_from_db()
    assert mast.ignored_until_count == 15


@pytest.mark.parametrize(
    ("staying", "other", "state"),
    [
        ("new", "new", "new"),
        ("new", "ignored", "open"),
        ("resolved", "new", "resolved"),
        ("open", "resolved", "open"),
    ],
)
@pytest.mark.usefixtures("desk")
def test_the_group_that_stays_keeps_its_state_and_is_not_new_if_the_other_is_not(
    client: Client, staying: str, other: str, state: str
) -> None:
    groups = [ErrorGroupFactory(state=staying), ErrorGroupFactory(state=other)]
    merge(client, *groups)
    assert ErrorGroup.objects.get(merged_into=None).state == state


@pytest.mark.usefixtures("desk")
def test_what_is_done_on_the_page_of_a_part_is_done_to_its_group(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    merge(client, keel, mast)
    response = client.post(f"{LIST}{mast.pk}/handle/", {"do": "resolve"})
    assert response["Location"] == page_of(keel)
    keel.refresh_from_db()
    assert keel.state == "resolved"


@pytest.mark.usefixtures("desk")
def test_what_cannot_be_one_group_is_refused_in_a_sentence(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    overflow = ErrorGroupFactory(fingerprint=OVERFLOW)
    assert "is no cause" in merge(client, keel, overflow)
    assert "Two groups or more" in merge(client, keel)
    parts = ErrorGroupFactory.create_batch(MOST_FINGERPRINTS - 1)
    ErrorGroup.objects.filter(pk__in=[one.pk for one in parts]).update(merged_into=mast)
    assert f"{MOST_FINGERPRINTS} fingerprints" in merge(client, keel, mast)
    keel.refresh_from_db()
    assert (keel.count, keel.state) == (3, "new")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("query", ["", "group=x&group=-1", f"group={'9' * 30}&into=²"])
def test_a_merge_of_nothing_leads_back_to_the_list(client: Client, query: str) -> None:
    response = client.get(f"{MERGE}?{query}")
    assert (response.status_code, response["Location"]) == (302, LIST)


def test_who_may_only_look_merges_and_splits_nothing(
    keel: ErrorGroup, mast: ErrorGroup
) -> None:
    client = client_with(VIEW)
    shown = text(client, page_of(keel))
    assert mast.title in shown
    assert "Merge…" not in shown
    assert client.get(f"{MERGE}?group={keel.pk}&group={mast.pk}").status_code == 403
    sent = {"group": [keel.pk, mast.pk], "into": keel.pk}
    assert client.post(MERGE, sent).status_code == 403
    merge_groups(into=keel, others=[mast], by=UserFactory())
    assert "Split off" not in text(client, page_of(keel))
    split = {"do": "split", "part": mast.pk}
    assert client.post(f"{LIST}{keel.pk}/handle/", split).status_code == 403
    assert ErrorGroup.objects.not_merged().count() == 1


def test_rules_of_all_parts_are_those_of_the_group(
    keel: ErrorGroup, mast: ErrorGroup
) -> None:
    client = client_with(VIEW, "view_classificationrule", "change_errorgroup")
    rule = ClassificationRule.objects.create(kind="config", code="mast", note="Masts")
    for one in (keel, mast):
        RuleCause.objects.create(rule=rule, fingerprint=one.fingerprint)
    merge(client, keel, mast)
    assert text(client, page_of(keel)).count("<bdi>Masts</bdi>") == 1
    of_the_rule = text(client, f"/admin/chatdebug/classificationrule/{rule.pk}/change/")
    assert of_the_rule.count(page_of(keel)) == 2


@pytest.mark.usefixtures("desk")
def test_pages_cost_the_same_however_many_groups_there_are(
    client: Client, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    def cost(url: str) -> int:
        with collected_statements() as seen:
            text(client, url)
        return len(seen)

    merge(client, keel, mast)
    ErrorGroupFactory(title=keel.title, status_code=400)
    cost(LIST)
    few = cost(page_of(keel)), cost(LIST)
    ErrorGroupFactory.create_batch(60, title=keel.title, status_code=400)
    assert (cost(page_of(keel)), cost(LIST)) == few


@pytest.mark.usefixtures("desk")
def test_a_project_without_time_zones_merges_too(
    client: Client, settings: LazySettings
) -> None:
    settings.USE_TZ = False
    now = timezone.now()
    groups = [
        ErrorGroupFactory(title=name, first_seen=now, last_seen=now, count=1)
        for name in ("The keel of it cracked", "The mast of it cracked")
    ]
    asked = f"{MERGE}?group={groups[0].pk}&group={groups[1].pk}"
    assert "The mast of it cracked" in text(client, asked)
    assert "1 group was merged." in merge(client, *groups)
    assert "The mast of it cracked" in text(client, page_of(groups[0]))


def test_another_admin_site_has_these_pages_at_its_own_addresses(
    settings: LazySettings, keel: ErrorGroup, mast: ErrorGroup
) -> None:
    settings.ROOT_URLCONF = "tests.chatdebug.admin.second_site"
    client, office = client_with(is_superuser=True), "/office/chatdebug/errorgroup/"
    page = f"{office}{keel.pk}/change/"
    assert f'href="{office}merge/?group={keel.pk}' in text(client, page)
    sent = {"group": [keel.pk, mast.pk], "into": keel.pk}
    assert mast.title in text(client, f"{office}merge/?group={keel.pk}&group={mast.pk}")
    assert client.post(f"{office}merge/", sent)["Location"] == page
    assert client.get(f"{office}{mast.pk}/change/")["Location"] == page
