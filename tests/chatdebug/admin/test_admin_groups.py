"""Groups in the admin: the list of causes, the page of one, and what is decided there."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chatdebug.enums import GroupState
from chatdebug.models import ErrorGroup, GroupHour
from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import OVERFLOW
from tests.chatdebug.admin.group_pages import LIST, page_of, text, titles
from tests.chatdebug.admin.people import staff
from tests.factories import (
    ChatRunFactory,
    ChatStepFactory,
    ErrorGroupFactory,
)
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

VIEW = "view_errorgroup"


@pytest.fixture
def desk(client: Client) -> User:
    user = staff(VIEW, "change_errorgroup", "view_chatrun")
    client.force_login(user)
    return user


def do(client: Client, group: ErrorGroup, what: str, **sent: Any) -> ErrorGroup:
    response = client.post(f"{LIST}{group.pk}/handle/", {"do": what, **sent})
    assert response.status_code == 302
    group.refresh_from_db()
    return group


@pytest.mark.usefixtures("desk")
def test_a_project_without_time_zones_has_a_list_and_pages_too(
    client: Client, settings: LazySettings
) -> None:
    settings.USE_TZ = False
    now = timezone.now()
    group = ErrorGroupFactory(
        title="The keel cracked",
        state=GroupState.IGNORED,
        first_seen=now,
        last_seen=now,
        ignored_until=now,
    )
    GroupHour.objects.create(group=group, hour=now, count=5)
    assert "The keel cracked" in text(client, LIST)
    assert f"until {now:%Y-%m-%d}" in text(client, page_of(group))


@pytest.mark.usefixtures("desk")
def test_the_labels_of_its_forms_begin_like_those_of_the_admin(client: Client) -> None:
    shown = text(client, page_of(ErrorGroupFactory()))
    for label in ("For days:", "Until so many more:", "Note:", "Ticket:"):
        assert f">{label}</label>" in shown


@pytest.mark.usefixtures("desk")
def test_the_list_has_the_newest_trouble_first_with_its_numbers(client: Client) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    ErrorGroupFactory(title="The keel cracked", last_seen=now - timedelta(hours=2))
    newest = ErrorGroupFactory(
        title="The ballast shifted",
        count=1204,
        chats=AFFECTED_KNOWN + 1,
        people=7,
        model_names=["a-1", "a-2"],
        status_code=400,
        last_release="2.15.1",
    )
    GroupHour.objects.create(group=newest, hour=now, model="a-1", count=5)
    GroupHour.objects.create(group=newest, hour=now, model="a-2", count=7)
    old = now - timedelta(days=5)
    GroupHour.objects.create(group=newest, hour=old, model="a-2", count=22)
    assert titles(client) == ["The ballast shifted", "The keel cracked"]
    shown = text(client, LIST)
    for part in (
        *("1,204", "more than 1,000, 7", "400 · a-1, a-2", "2.15.1", ">●</span> New"),
        "12 in 24 hours; at most 12 in an hour",
        "34 in 14 days; at most 22 in a day",
    ):
        assert part in shown
    assert shown.count('role="img"') == 4


@pytest.mark.usefixtures("desk")
def test_the_list_is_filtered_and_searched(client: Client) -> None:
    ErrorGroupFactory(title="The keel cracked", state="resolved", provider="openai")
    old = timezone.now() - timedelta(days=40)
    ErrorGroupFactory(title="The ballast shifted", kind="config", last_seen=old)
    assert titles(client, "state__exact=resolved") == ["The keel cracked"]
    assert titles(client, "kind__exact=config") == ["The ballast shifted"]
    assert titles(client, "provider=openai") == ["The keel cracked"]
    yesterday = {"last_seen__gte": str(timezone.now() - timedelta(days=1))}
    assert titles(client, urlencode(yesterday)) == ["The keel cracked"]
    assert titles(client, "q=SHIFTED+ballast") == ["The ballast shifted"]
    assert titles(client, "q=nothing") == []


@pytest.mark.usefixtures("desk")
def test_the_list_costs_the_same_however_many_there_are(client: Client) -> None:
    def cost() -> int:
        with collected_statements() as seen:
            text(client, LIST)
        return len(seen)

    ErrorGroupFactory()
    cost()  # what is read once a process
    few = cost()
    now = timezone.now()
    for group in ErrorGroupFactory.create_batch(70):
        GroupHour.objects.create(group=group, hour=now, count=2)
    assert cost() == few


@pytest.mark.usefixtures("desk")
def test_actions_decide_about_many_at_once_and_leave_a_trace(client: Client) -> None:
    groups = ErrorGroupFactory.create_batch(3)
    keys = [group.pk for group in groups[:2]]
    sent = {"action": "resolve", "_selected_action": keys}
    response = client.post(LIST, sent, follow=True)
    assert "2 groups: Resolved." in response.content.decode()
    states = list(ErrorGroup.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["resolved", "resolved", "new"]
    assert LogEntry.objects.count() == 2
    client.post(LIST, {**sent, "action": "ignore"})
    assert ErrorGroup.objects.filter(state="ignored").count() == 2
    assert ErrorGroup.objects.filter(ignored_until__gt=timezone.now()).count() == 2
    client.post(LIST, {**sent, "action": "reopen"})
    assert ErrorGroup.objects.filter(state="open").count() == 2


def test_a_group_is_taken_and_given_back(client: Client, desk: User) -> None:
    group = do(client, ErrorGroupFactory(), "assign_to_me")
    assert (group.assignee_id, group.assignee_name) == (str(desk.pk), str(desk))
    assert group.state == "open"
    assert do(client, group, "release").assignee_name == ""


@pytest.mark.usefixtures("desk")
def test_a_group_is_resolved_opened_and_ignored(client: Client) -> None:
    group = ErrorGroupFactory(count=40)
    assert do(client, group, "resolve").state == "resolved"
    assert do(client, group, "reopen").state == "open"
    assert do(client, group, "ignore", days="", times="100").ignored_until_count == 140
    assert "until there are 140" in text(client, page_of(group))
    assert do(client, group, "ignore", days="3", times="").ignored_until is not None
    assert group.ignored_until_count is None
    assert do(client, group, "ignore", days="-1").ignored_until is not None
    assert LogEntry.objects.count() == 4


@pytest.mark.usefixtures("desk")
def test_a_note_and_a_link_are_kept_and_a_script_is_no_link(client: Client) -> None:
    ticket = "https://tickets.example/17"
    group = do(client, ErrorGroupFactory(), "note", note="<b>Look</b>", ticket=ticket)
    assert (group.note, group.ticket) == ("<b>Look</b>", ticket)
    shown = text(client, page_of(group))
    assert "&lt;b&gt;Look" in shown
    assert f'<a href="{ticket}"' in shown
    changed = do(client, group, "note", note="x", ticket="javascript:alert(1)")
    assert (changed.note, changed.ticket) == ("<b>Look</b>", ticket)


@pytest.mark.usefixtures("desk")
def test_the_page_says_what_failed_where_it_comes_from_and_shows_runs(
    client: Client,
) -> None:
    group = ErrorGroupFactory(title="The ballast shifted", count=3, status_code=400)
    now = timezone.now()
    for model, release, count in (("a-1", "1.0", 2), ("a-2", "1.1", 1)):
        GroupHour.objects.create(
            group=group, hour=now, model=model, release=release, count=count
        )
    runs = [
        ChatRunFactory(
            fingerprint=group.fingerprint, started_at=now - timedelta(minutes=number)
        )
        for number in range(12)
    ]
    ChatStepFactory(
        run=runs[0],
        error={
            "kind": "generic",
            "rule": "fallback.generic",
            "status_code": 400,
            "message": "planted words",
        },
    )
    shown = text(client, page_of(group))
    assert "planted words" not in shown
    assert "The cause is what people wrote, or what this site sends with it" in shown
    assert "your message" not in shown
    assert "Unexpected error" not in shown
    assert "not a known kind of error" in shown
    assert "not seen before" not in shown, "it was seen three times"
    for part in ("The ballast shifted", "a-1: 67 %", "1.1: 33 %", "400: 100 %"):
        assert part in shown
    assert str(runs[0].pk) in shown
    assert str(runs[11].pk) not in shown
    assert 'rel="next" href="?runs=newest&amp;page=2"' in shown
    assert str(runs[11].pk) in text(client, f"{page_of(group)}?runs=newest&page=2")
    oldest = text(client, f"{page_of(group)}?runs=oldest")
    assert oldest.index(str(runs[11].pk)) < oldest.index(str(runs[10].pk))


@pytest.mark.usefixtures("desk")
def test_a_page_whose_runs_are_gone_and_whose_facts_are_odd_is_shown(
    client: Client,
) -> None:
    group = ErrorGroupFactory(
        fingerprint=OVERFLOW,
        title="",
        kind="of another release",
        model_names={"no": "list"},
        count=0,
    )
    shown = text(client, f"{page_of(group)}?page=x&runs=y")
    assert "no room to tell apart" in shown
    assert "None is kept any more" in shown
    assert "of another release" in text(client, LIST)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("page", ["0", "-1", "9" * 20, "²", ""])
def test_any_page_of_runs_can_be_asked_for(client: Client, page: str) -> None:
    group = ErrorGroupFactory()
    assert client.get(page_of(group), {"page": page}).status_code == 200


def test_who_may_only_look_decides_nothing(client: Client) -> None:
    client.force_login(staff(VIEW))
    group = ErrorGroupFactory(note="Look at step 2")
    ChatRunFactory(fingerprint=group.fingerprint)
    shown = text(client, page_of(group))
    assert "Look at step 2" in shown
    assert "Stored runs" not in shown
    assert "/handle/" not in shown
    assert (
        client.post(f"{LIST}{group.pk}/handle/", {"do": "resolve"}).status_code == 403
    )
    client.post(LIST, {"action": "resolve", "_selected_action": group.pk})
    group.refresh_from_db()
    assert group.state == "new"


@pytest.mark.usefixtures("desk")
def test_there_is_nothing_to_decide_about_a_group_that_there_is_not(
    client: Client,
) -> None:
    assert client.post(f"{LIST}77/handle/", {"do": "resolve"}).status_code == 404


def test_a_run_names_its_group_to_who_may_see_groups(client: Client) -> None:
    group = ErrorGroupFactory(title="The ballast shifted", count=12)
    run = ChatRunFactory(fingerprint=group.fingerprint)
    address = f"/admin/chatdebug/chatrun/{run.pk}/change/"
    client.force_login(staff("view_chatrun"))
    assert "The ballast shifted" not in text(client, address)
    client.force_login(staff("view_chatrun", VIEW))
    assert f'<a href="{page_of(group)}">The ballast shifted</a> · 12 times' in text(
        client, address
    )


@pytest.mark.usefixtures("desk")
def test_a_known_kind_is_named_with_the_rule_that_knew_it(client: Client) -> None:
    group = ErrorGroupFactory(kind="rate_limit", status_code=429)
    shown = text(client, page_of(group))
    assert "not a known kind of error" not in shown, (
        "no error is stored that could tell"
    )
    ChatStepFactory(
        run=ChatRunFactory(fingerprint=group.fingerprint, error_kind="rate_limit"),
        error={"kind": "rate_limit", "rule": "status.429", "status_code": 429},
    )
    shown = text(client, page_of(group))
    assert "<code>status.429</code>" in shown
    assert "not a known kind of error" not in shown


@pytest.mark.usefixtures("desk")
def test_where_a_group_comes_from_is_told_of_the_days_of_its_trend(
    client: Client,
) -> None:
    group = ErrorGroupFactory(status_code=400)
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    GroupHour.objects.create(
        group=group, hour=this_hour - timedelta(days=14), model="a-1", count=3
    )
    shown = text(client, page_of(group))
    assert "0 in 14 days" in shown
    assert "Where it comes from, in 14 days" not in shown
    GroupHour.objects.create(group=group, hour=this_hour, model="a-2", count=1)
    shown = text(client, page_of(group))
    assert "a-2: 100 %" in shown
    assert "400: 100 %" in shown
