"""The overview in the admin: what it says, to whom, and at what cost."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.admin import AdminSite, site
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from chatdebug.admin import OverviewAdmin
from chatdebug.models import DayCount, HourCount, Overview, RecordingSwitch, WriterState
from chatdebug.models.statistics import What
from chatdebug.presentation import prices
from chatdebug.presentation.statistics import Numbers, percentile
from chatdebug.services.known_health import forget_health
from tests.chatdebug.admin.people import staff
from tests.factories import (
    CallMinuteFactory,
    ChatRunFactory,
    ErrorGroupFactory,
    HourCountFactory,
    UserFactory,
    WriterStateFactory,
)
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

PAGE = "/admin/chatdebug/overview/"
API = "/api/v1/providers/health/"
VIEW = "view_overview"


@pytest.fixture
def desk(client: Client) -> User:
    user = staff(VIEW)
    client.force_login(user)
    return user


def text(client: Client, url: str = PAGE) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def number(what: What, detail: str = "", count: int = 1, **facts: Any) -> HourCount:
    return HourCountFactory(what=what, detail=detail, count=count, **facts)


def hours_ago(hours: float) -> datetime:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    return now - timedelta(hours=hours)


def numbers(*, is_weeks: bool = False) -> Numbers:
    return Numbers.read(now=timezone.now(), is_weeks=is_weeks)


@pytest.mark.usefixtures("desk")
def test_an_empty_site_has_a_page_too(client: Client) -> None:
    page = re.sub(r"<[^>]+>", "", text(client))
    assert "None yet. Turns are counted from now on." in page
    assert "No call failed." in page
    assert "! No process writes at the moment." in page


@pytest.mark.usefixtures("desk")
def test_a_recorder_is_well_while_a_process_writes_without_trouble(
    client: Client,
) -> None:
    def said() -> str:
        return re.sub(r"<[^>]+>", "", text(client))

    WriterStateFactory(seen_at=timezone.now() - timedelta(hours=3))
    assert "! No process writes at the moment" in said()
    WriterStateFactory()
    assert "✓ The only writer is well" in said()
    WriterStateFactory(last_error_at=timezone.now())
    assert "! 1 of 2 writers are well" in said()


@pytest.mark.usefixtures("desk")
def test_it_says_how_turns_ended(client: Client) -> None:
    number(What.TURN, "completed", 90)
    number(What.TURN, "completed", 3, hour=hours_ago(23))
    number(What.TURN, "failed", 7, hour=hours_ago(3))
    number(What.TURN, "completed", 99, hour=hours_ago(24))
    assert "100 turns · 7.0 % failed" in text(client)


@pytest.mark.usefixtures("desk")
def test_a_project_without_time_zones_has_the_page_too(
    client: Client, settings: LazySettings
) -> None:
    settings.USE_TZ = False
    number(What.TURN, "completed", 3)
    CallMinuteFactory(failed=9)
    ChatRunFactory()
    WriterState.objects.create(id=UUID(int=1), host="h", pid=1)
    page = text(client)
    assert "3 turns · 0.0 % failed" in page
    assert "gpt-5 of OpenAI has been failing since" in page
    assert text(client, f"{PAGE}?range=weeks")


def test_kinds_are_told_apart_and_what_is_unusual_is_marked() -> None:
    for day in range(1, 5):
        number(What.FAILURE, "overloaded", 5, hour=hours_ago(24 * day + 23))
    number(What.FAILURE, "overloaded", 23, status_code=529)
    number(What.FAILURE, "rate_limit", 9, status_code=429)
    overloaded, limited = numbers().kinds
    assert (overloaded.kind, overloaded.whose) == ("Service overloaded", "the provider")
    assert (overloaded.statuses, overloaded.trend.total) == ("529", 23)
    assert overloaded.usual == 5
    assert overloaded.remark == "4.6 times the usual"
    assert (limited.trend.total, limited.remark) == (9, "")
    assert overloaded.trend.scale == limited.trend.scale == 23


def test_of_two_weeks_the_bars_are_days() -> None:
    number(What.FAILURE, "timeout", 2)
    number(What.FAILURE, "timeout", 3, hour=hours_ago(24 * 13))
    (line,) = numbers(is_weeks=True).kinds
    assert (line.trend.counts[0], line.trend.counts[-1]) == (3, 2)
    assert len(line.trend.counts) == 14


@pytest.mark.parametrize("hour", [0, 12, 22, 23])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_two_weeks_are_the_same_fourteen_days_for_all_numbers(
    hour: int, zone: str
) -> None:
    with timezone.override(zone):
        noon = datetime(2026, 11, 9, 12, tzinfo=timezone.get_current_timezone())
        for days in range(20):  # the clocks of Los Angeles are put back on the first
            midnight = (noon - timedelta(days=days)).replace(hour=0)
            number(What.FAILURE, "timeout", 1, hour=midnight)
            for what, detail in ((What.TURN, "failed"), (What.FAILURE, "timeout")):
                day = midnight.date()
                DayCount.objects.create(day=day, what=what, detail=detail, count=1)
        found = Numbers.read(now=noon.replace(hour=hour), is_weeks=True)
        assert found.turns == 14
        (model,) = found.models
        assert model.failed == 14
        (kind,) = found.kinds
        assert kind.trend.counts == [1] * 14


def test_times_are_read_from_buckets() -> None:
    for bound, count in ((100, 50), (1476, 45), (7911, 5)):
        number(What.DURATION, str(bound), count)
    number(What.CALL, count=100)
    (line,) = numbers().models
    assert line.duration is not None
    assert line.duration.words == "100 ms / 1.5 s"
    assert line.first_part is None


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        pytest.param({100: 10}, 0.5, 50.0, id="inside of the first"),
        pytest.param({100: 1, 140: 1}, 1.0, 140.0, id="the last one"),
        pytest.param({140: 4}, 0.5, 120.0, id="between two bounds"),
        pytest.param({7: 4}, 0.5, 321419.0, id="a bound of another release"),
    ],
)
def test_a_percentile_is_spread_evenly_inside_of_a_bucket(
    buckets: dict[int, int], share: float, expected: float
) -> None:
    assert percentile(buckets, share) == pytest.approx(expected, rel=0.01)


def test_rows_of_another_release_or_hostile_ones_break_nothing() -> None:
    for what in ("turn", "failure", "duration", "call", "unheard-of"):
        number(What(what) if what in What.values else what, "<b>", -3, model="<i>")  # type: ignore[arg-type]
    read = numbers()
    assert read.turns == 0
    assert read.models[0].duration is None


def test_tokens_have_a_price_where_prices_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number(What.INPUT_TOKENS, count=1_000_000, model="gpt-4o")
    number(What.INPUT_TOKENS, count=1_000_000, model="of-nobody", provider="demo")
    read = numbers()
    costs = {line.model: line.cost for line in read.models}
    assert costs == {"gpt-4o": pytest.approx(2.5), "of-nobody": None}
    assert read.cost == pytest.approx(2.5)
    monkeypatch.setattr(prices, "_prices", lambda: None)
    assert numbers().cost is None


@pytest.mark.usefixtures("desk")
def test_is_it_them_stands_on_the_page_with_the_status_page(client: Client) -> None:
    CallMinuteFactory(failed=9)
    page = text(client)
    assert "gpt-5 of OpenAI has been failing since" in page
    assert 'href="https://status.openai.com/"' in page
    assert "9 of 10 failed" in page


def test_is_it_them_stands_beside_the_groups_of_that_provider(client: Client) -> None:
    client.force_login(staff(VIEW, "view_errorgroup"))
    CallMinuteFactory(failed=9)
    theirs, others = ErrorGroupFactory(provider="openai"), ErrorGroupFactory()
    pages = [
        text(client, f"/admin/chatdebug/errorgroup/{group.pk}/change/")
        for group in (theirs, others)
    ]
    assert ["has been failing since" in page for page in pages] == [True, False]


@pytest.mark.usefixtures("desk")
def test_the_recorders_health_is_one_sentence(client: Client) -> None:
    now = timezone.now()
    for pid in range(3):
        WriterState.objects.create(id=UUID(int=pid), host="h", pid=pid, seen_at=now)
    since = f"{now:%A}"
    assert (
        f"All 3 writers are well; 0 captures wait; nothing was dropped since {since}."
        in text(client)
    )
    WriterState.objects.filter(pid=0).update(
        last_error="OperationalError", last_error_at=now, spooled=4
    )
    WriterState.objects.filter(pid=1).update(counters={"dropped": 12})
    assert (
        "2 of 3 writers are well; 4 captures wait; 12 rows or captures were lost"
        in text(client)
    )


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("counters", [[], {"dropped": "x"}, {"dropped": None}])
def test_counters_that_are_none_break_nothing(client: Client, counters: Any) -> None:
    WriterState.objects.create(id=UUID(int=1), host="h", pid=1, counters=counters)
    assert "The only writer is well" in text(client)


@pytest.mark.usefixtures("desk")
def test_it_says_who_is_recorded_in_full(
    client: Client, settings: LazySettings
) -> None:
    assert "Nobody: the gate is closed." in text(client)
    RecordingSwitch.objects.create(scope="deployment", key="", enabled=True)
    assert "Nobody. The gate is open" in text(client)
    person = UserFactory(username="harbour-desk")
    RecordingSwitch.objects.create(scope="owner", key=str(person.pk), enabled=True)
    RecordingSwitch.objects.create(scope="chat", key="c", enabled=True)
    page = text(client)
    assert "harbour-desk" in page
    assert "1 single chat" in page
    noon = datetime(2099, 12, 31, 12, tzinfo=UTC)
    RecordingSwitch.objects.filter(scope="owner").update(until=noon)
    assert "harbour-desk</bdi> until 31 Dec 2099" in text(client)
    RecordingSwitch.objects.filter(scope="deployment").update(until=noon)
    assert "Until 31 Dec 2099, when the gate closes:" in text(client)
    RecordingSwitch.objects.filter(scope="owner").update(until=timezone.now())
    assert "harbour-desk" not in text(client)
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    assert "Everybody, as long as" in text(client)


@pytest.mark.usefixtures("desk")
def test_it_says_how_much_is_stored_and_until_when(client: Client) -> None:
    run = ChatRunFactory()
    page = text(client)
    assert "Kept for 7 days." in page
    goes = run.updated_at + timedelta(days=7)
    assert f"It will be deleted on {goes:%m/%d/%Y}." in page
    assert "tables included" in page or "The recorder" in page


def test_trouble_and_links_are_for_whom_they_are_for(client: Client) -> None:
    group = ErrorGroupFactory(title="The keel cracked")
    client.force_login(staff(VIEW))
    page = text(client)
    assert "The keel cracked" not in page
    assert "/errorgroup/" not in page
    client.force_login(staff(VIEW, "view_errorgroup", "view_writerstate"))
    page = text(client)
    assert f"/admin/chatdebug/errorgroup/{group.pk}/change/" in page
    assert "The keel cracked" in page
    assert "/admin/chatdebug/writerstate/" in page


def test_it_says_that_nothing_is_counted(
    client: Client, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STATISTICS": False}
    client.force_login(staff(VIEW))
    assert "the setting STATISTICS is off" in text(client)


@pytest.mark.parametrize("query", ["", "?range=weeks"])
def test_it_costs_the_same_however_much_there_is(
    client: Client, settings: LazySettings, query: str
) -> None:
    client.force_login(staff(VIEW, "view_errorgroup"))
    RecordingSwitch.objects.create(scope="deployment", key="", enabled=True)
    costs = []
    for amount in (1, 8):
        for count in range(amount):
            model = f"gpt-{amount}-{count}"
            number(What.TURN, "completed", model=model)
            number(What.FAILURE, "timeout", model=model)
            CallMinuteFactory(model=model, failed=9)
            ErrorGroupFactory()
            ChatRunFactory()
            person = UserFactory()
            RecordingSwitch.objects.create(
                scope="owner", key=str(person.pk), enabled=True
            )
            WriterState.objects.create(
                id=UUID(int=amount * 10 + count), host="h", pid=1
            )
        forget_health()
        with collected_statements() as statements:
            text(client, PAGE + query)
        costs.append(len(statements))
        assert not [
            sql for sql in statements if "chatdebug_chatrun" in sql and "COUNT(" in sql
        ]
    assert costs[0] == costs[1]


def test_it_is_the_first_of_the_recorders_pages(client: Client) -> None:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    apps = client.get("/admin/").context["app_list"]
    (recorder,) = [app for app in apps if app["app_label"] == "chatdebug"]
    assert recorder["models"][0]["object_name"] == "Overview"


def test_staff_without_the_permission_are_refused(client: Client) -> None:
    client.force_login(staff("view_chatrun"))
    assert client.get(PAGE).status_code == 403
    assert client.get(API).status_code == 404


@pytest.mark.usefixtures("desk")
def test_no_number_of_an_hour_has_a_page(client: Client) -> None:
    row = number(What.CALL)
    for part in ("change", "history", "delete"):
        assert client.get(f"{PAGE}{row.pk}/{part}/").status_code in (403, 404)


def test_a_second_admin_site_has_the_page_alone() -> None:
    office = AdminSite(name="office")
    office.register(Overview, OverviewAdmin)
    request = RequestFactory().get(PAGE)
    request.user = UserFactory(is_staff=True, is_superuser=True)
    ErrorGroupFactory(title="The keel cracked")
    response: Any = office._registry[Overview].changelist_view(request)
    assert response.context_data["links"] == {}
    assert response.context_data["groups"] == []
    assert site.is_registered(Overview)


@pytest.mark.usefixtures("desk")
def test_the_api_says_the_same(client: Client) -> None:
    assert client.get(API).json() == {"sentence": "", "providers": []}
    forget_health()
    CallMinuteFactory(failed=9)
    answer = client.get(API).json()
    assert answer["sentence"].startswith("gpt-5 of OpenAI has been failing since ")
    (provider,) = answer["providers"]
    assert provider["failing_since"]
    assert provider | {"failing_since": ""} == {
        "provider": "openai",
        "is_down": True,
        "failing_since": "",
        "status_page": "https://status.openai.com/",
        "models": [{"name": "gpt-5", "calls": 10, "failed": 9, "fails": True}],
    }
