"""What the pages of the admin ask of the database does not grow with what is stored."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model, QuerySet
from django.test import Client, RequestFactory
from django.utils import timezone

from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import ErrorKind, NoticeState
from chatdebug.levels import forget_levels
from chatdebug.models import (
    AlarmNotice,
    AuditEntry,
    ChatStep,
    ClassificationRule,
    ContentReading,
    GroupHour,
    RecordingSwitch,
    RuleCause,
    RuleTally,
    SwitchChange,
    WriterState,
)
from chatdebug.models.audit import Action
from chatdebug.models.runs import new_id
from chatdebug.models.switches import Scope
from chatdebug.presentation import statistics
from chatdebug.presentation.groups import Trend, trends_of
from chatdebug.presentation.statistics import Numbers
from chatdebug.services.known_health import forget_health
from tests.chatdebug.admin.desk import details, filters, lists, rules
from tests.factories import (
    AlarmTargetFactory,
    ChatRunFactory,
    ChatStepFactory,
    ErrorGroupFactory,
    HourCountFactory,
    UserFactory,
)
from tests.plans import plan, reads_whole_table
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

FEW, MANY = 2, 12
REQUEST = RequestFactory().get("/")
OWN_PAGES = {"alarmtarget, rehearsal", "an import of rules", "recordingswitch, people"}
LOGGED = 400
"""Rows of a table that its planner should take for a long one."""


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def fill(numbers: range) -> None:
    """Store so many rows of everything that the pages show."""
    now = timezone.now()
    for number in numbers:
        run = ChatRunFactory(owner_id=str(number), fingerprint=f"{number:016x}")
        ChatStepFactory(run=run)
        group = ErrorGroupFactory(fingerprint=run.fingerprint, title=f"Words {number}")
        GroupHour.objects.create(group=group, hour=now, count=3)
        target = AlarmTargetFactory()
        AlarmNotice.objects.create(target=target, target_name=target.name)
        rule = ClassificationRule.objects.create(
            note=f"Rule {number}", status_code=400, kind=ErrorKind.CONFIG
        )
        RuleTally.objects.create(rule=rule)
        RuleCause.objects.create(rule=rule, fingerprint=group.fingerprint)
        person = UserFactory()
        RecordingSwitch.objects.create(
            scope=Scope.OWNER, key=str(person.pk), enabled=True
        )
        SwitchChange.objects.create(
            scope=Scope.OWNER, key=str(person.pk), old_value=False, new_value=True
        )
        ContentReading.objects.create(
            reader_id="1", reader_name="ada", is_staff=True, reason="ticket 12"
        )
        AuditEntry.objects.create(action=Action.READ, subject="Run", details="/")
        WriterState.objects.create(id=new_id(), host="web", pid=number)
        HourCountFactory(model=f"gpt-{number}")


def pages(client: Client) -> Iterator[tuple[str, str]]:
    for name, address in lists().items():
        yield name, address
        for parameter, addresses in filters(client, address).items():
            yield f"{name}, by {parameter}", addresses[0]
    yield from details()
    yield from rules()


def statements(client: Client) -> Counter[str]:
    """Return how many statements each page takes, for the newest rows that there are."""
    found = Counter[str]()
    for name, address in pages(client):
        # What is known for some seconds must not be asked for anew just between the two.
        forget_health()
        forget_levels()
        loaded_rules.reset()
        client.get(address)  # a permission, a template or a setting is read once
        with collected_statements() as seen:
            assert client.get(address).status_code == 200, address
        found[name] = len(seen)
    return found


def test_no_page_takes_more_statements_for_more_rows(client: Client) -> None:
    fill(range(FEW))
    few = statements(client)
    fill(range(FEW, MANY))
    many = statements(client)
    grown = {name: (few[name], many[name]) for name in many if few[name] != many[name]}
    assert grown == {}
    assert {"alarmtarget", "errorgroup", "chatrun, one", "a rule of a group"} < {*many}


def test_a_list_that_is_only_looked_at_does_not_say_to_select(client: Client) -> None:
    looked_at = [name for name in lists() if name.endswith(("change", "ing", "entry"))]
    for name in (*looked_at, "alarmnotice"):
        page = client.get(lists()[name]).content.decode()
        assert "<h1>Select" not in page, name
    assert len(looked_at) == 3


def test_pages_of_their_own_lead_back_to_all_pages_of_the_recorder(
    client: Client,
) -> None:
    fill(range(1))
    own = {name: page for name, page in (*details(), *rules()) if name in OWN_PAGES}
    assert own.keys() == OWN_PAGES
    for address in own.values():
        assert '<a href="/admin/chatdebug/">' in client.get(address).content.decode()


def test_of_a_list_of_groups_single_hours_are_those_of_a_day() -> None:
    group, other = ErrorGroupFactory.create_batch(2)
    part = ErrorGroupFactory(merged_into=group)
    now = timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    GroupHour.objects.bulk_create(
        GroupHour(group=one, hour=this_hour - timedelta(hours=back), count=count)
        for back in range(15 * 24)
        for one, count in ((group, back), (part, 1))
    )
    found = trends_of([group, other], now=now)
    assert found[other.pk] == {}
    hours = found[group.pk]
    assert len(hours) == 24 + 13
    day, weeks = Trend.of_day(hours, now=now), Trend.of_weeks(hours, now=now)
    assert day.counts == list(range(24, 0, -1))
    assert weeks.counts == [
        sum(range(24 * back + 1, 24 * back + 25)) for back in range(13, -1, -1)
    ]


def test_the_price_of_a_model_is_looked_up_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    HourCountFactory(model="gpt-5", what="input_tokens", count=1_000)
    HourCountFactory(model="gpt-5-mini", what="input_tokens", count=1_000)
    asked = []

    def cost_of(provider: str, model: str, *tokens: int) -> float:
        asked.append(model)
        return 0.25

    monkeypatch.setattr(statistics, "cost_of", cost_of)
    shown = client.get("/admin/chatdebug/overview/").content.decode()
    assert sorted(asked) == ["gpt-5", "gpt-5-mini"]
    assert "0.50" in shown
    assert Numbers.read(now=timezone.now(), is_weeks=False).cost == 0.5


def a_log() -> None:
    """Store logs, in which few rows are what a filter or a search looks for."""
    target = AlarmTargetFactory()
    ContentReading.objects.bulk_create(
        ContentReading(
            reader_id=str(number),
            reader_name=f"reader-{number}",
            run_id=f"run-{number}",
            chat_id=f"chat-{number}",
            owner_id=f"owner-{number}",
            is_staff=number > 2,
            reason="ticket 12",
        )
        for number in range(LOGGED)
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(
            person_id=str(number),
            person_name=f"reader-{number}",
            object_id=f"run-{number}",
            action=Action.READ if number > 2 else Action.CHANGED,
        )
        for number in range(LOGGED)
    )
    SwitchChange.objects.bulk_create(
        SwitchChange(
            scope=Scope.CHAT if number > 2 else Scope.OWNER,
            key=f"chat-{number}",
            changed_by=f"reader-{number}",
            old_value=False,
            new_value=True,
        )
        for number in range(LOGGED)
    )
    RecordingSwitch.objects.bulk_create(
        RecordingSwitch(
            scope=Scope.CHAT, key=f"chat-{number}", enabled=number % 100 == 1
        )
        for number in range(LOGGED)
    )
    AlarmNotice.objects.bulk_create(
        AlarmNotice(
            target=target,
            target_name=target.name,
            cause="new_group" if number > 2 else "reappeared",
            state=NoticeState.SENT if number > 2 else NoticeState.FAILED,
        )
        for number in range(LOGGED)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def of_admin(model: type[Model]) -> Any:
    return admin.site.get_model_admin(model)


def newest(model: type[Model], **fits: Any) -> QuerySet[Any]:
    """Return the rows of a list that fit, in its order, as many as it has pages for."""
    rows: QuerySet[Any] = of_admin(model).get_queryset(REQUEST)
    return rows.filter(**fits).order_by(*of_admin(model).get_ordering(REQUEST))[:1_000]


@pytest.mark.parametrize(
    ("model", "fits", "index"),
    [
        (AlarmNotice, {"state": NoticeState.FAILED}, "notice_by_state"),
        (AlarmNotice, {"cause": "reappeared"}, "notice_by_cause"),
        (AuditEntry, {"action": Action.CHANGED}, "audit_by_action"),
        (ContentReading, {"is_staff": False}, "reading_by_staff"),
        (SwitchChange, {"scope": Scope.OWNER}, "change_scope"),
    ],
    ids=str,
)
def test_a_filter_of_a_log_takes_its_index(
    model: type[Model], fits: dict[str, Any], index: str
) -> None:
    a_log()
    found = plan(newest(model, **fits))
    assert f"chatdebug_{index}" in found
    assert not reads_whole_table(found)


def test_the_changes_of_switches_are_listed_in_the_order_of_an_index() -> None:
    a_log()
    assert "chatdebug_change_newest" in plan(newest(SwitchChange))


def test_who_is_recorded_in_full_is_found_by_an_index() -> None:
    a_log()
    on = RecordingSwitch.objects.filter(scope=Scope.CHAT, enabled=True)
    found = plan(on.order_by("-updated_at", "-pk")[:6])
    assert "chatdebug_switch_on" in found
    assert not reads_whole_table(found)


SEARCHED = {
    ContentReading: ("run-7", "chat-7", "owner-7", "7", "reader-7"),
    AuditEntry: ("run-7", "7", "reader-7"),
    SwitchChange: ("chat-7", "reader-7"),
    RecordingSwitch: ("chat-7",),
}


@pytest.mark.parametrize("model", SEARCHED, ids=str)
def test_a_log_is_searched_for_whole_values_each_column_by_its_index(
    model: type[Model], client: Client
) -> None:
    a_log()
    address = lists()[str(model._meta.model_name)]
    for term in SEARCHED[model]:
        with collected_statements() as seen:
            listed = client.get(address, {"q": f" {term} "}).content.decode()
        assert listed.count("<tr>") == 1 + 1, term  # the heading's, and one that fits
        assert " LIKE " not in "".join(seen)
        assert "UPPER(" not in "".join(seen)
        assert '."id" IN (' not in "".join(
            seen
        )  # a key each, looked up again and again
    assert "result_list" not in client.get(address, {"q": "chat-"}).content.decode()
    for column in of_admin(model).get_search_fields(REQUEST):
        found = plan(newest(model, **{column: "chat-7"}))
        assert not reads_whole_table(found), column


def test_a_search_and_a_filter_fit_together(client: Client) -> None:
    a_log()
    address = lists()["contentreading"]
    asked = {"q": "reader-1", "is_staff__exact": "1"}
    assert "result_list" not in client.get(address, asked).content.decode()
    asked["is_staff__exact"] = "0"
    assert "ticket 12" in client.get(address, asked).content.decode()


def test_the_newest_errors_are_found_among_steps_that_went_well() -> None:
    run = ChatRunFactory()
    ChatStepFactory(run=run, step_number=1_000)
    for number in range(200):
        ChatStepFactory(run=run, step_number=number, error=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    steps = ChatStep.objects.filter(error__isnull=False).order_by("-id")[:500]
    assert "chatdebug_step_errors" in plan(steps)
