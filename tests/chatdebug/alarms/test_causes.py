"""What there is to tell: new and reappeared groups, bursts, and a recorder in need."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from chatdebug.alarms.causes import CAUSES
from chatdebug.alarms.messages import Alarm
from chatdebug.alarms.window import Window
from chatdebug.enums import AlarmCause, ErrorKind, GroupState
from chatdebug.models import WriterState
from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import OVERFLOW, new_id
from chatdebug.models.statistics import What
from tests.chatdebug.alarms.rows import HOUR, add_hours, counted_group, this_hour
from tests.factories import HourCountFactory, ProviderOutageFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def found(cause: AlarmCause, *, since: timedelta = DAY) -> list[Alarm]:
    now = timezone.now()
    return list(CAUSES[cause](Window(now - since, now, "default")))


def sentences(cause: AlarmCause) -> list[str]:
    return [alarm.sentence for alarm in found(cause)]


def test_every_cause_has_a_function() -> None:
    assert set(CAUSES) == set(AlarmCause)


def test_a_new_group_is_told_with_a_sentence_its_numbers_and_a_link() -> None:
    group = counted_group(provider="openai", status_code=400, count=12, chats=3)
    (alarm,) = found(AlarmCause.NEW_GROUP)
    assert alarm.sentence == "OpenAI rejected the request (400)."
    assert alarm.facts[:2] == ["12 times", "in 3 chats"]
    assert (alarm.times, alarm.chats) == (12, 3)
    assert alarm.url == f"/admin/chatdebug/errorgroup/{group.pk}/change/"


def test_it_says_no_word_of_what_a_provider_or_a_person_said() -> None:
    counted_group(
        title="planted-title", note="planted-note", assignee_name="planted-name"
    )
    assert "planted" not in repr(found(AlarmCause.NEW_GROUP))


def test_a_group_that_somebody_opened_meanwhile_is_told_all_the_same() -> None:
    counted_group(state=GroupState.OPEN)
    assert len(found(AlarmCause.NEW_GROUP)) == 1


def test_a_failure_of_days_ago_that_comes_from_the_spool_is_news() -> None:
    counted_group(first_seen=timezone.now() - 3 * DAY)
    assert len(found(AlarmCause.NEW_GROUP)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"counted_since": None},
        {"state": GroupState.OPEN, "first_seen": timezone.now() - 3 * DAY},
    ],
    ids=["of stored runs", "known for long"],
)
def test_what_is_no_new_group_is_not_told(facts: dict[str, Any]) -> None:
    counted_group(**facts)
    assert found(AlarmCause.NEW_GROUP) == []


def test_a_fingerprint_that_was_merged_is_not_new() -> None:
    known = counted_group(state=GroupState.OPEN, first_seen=timezone.now() - 3 * DAY)
    counted_group(merged_into=known)
    assert found(AlarmCause.NEW_GROUP) == []


def test_nor_does_a_merged_fingerprint_come_back_by_itself() -> None:
    known = counted_group(state=GroupState.OPEN)
    counted_group(merged_into=known, state=GroupState.REAPPEARED)
    assert found(AlarmCause.REAPPEARED) == []


def test_a_group_that_is_back_is_told_each_time_that_it_comes_back() -> None:
    group = counted_group(state=GroupState.REAPPEARED)
    (first,) = found(AlarmCause.REAPPEARED)
    group.state_since = timezone.now()
    group.save()
    (second,) = found(AlarmCause.REAPPEARED)
    assert first.key != second.key


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"kind": "later", "provider": "later", "status_code": 500},
            "The AI provider had an error of its own (500).",
        ),
        (
            {"fingerprint": OVERFLOW},
            "Failures of all kinds that there was no room to tell apart.",
        ),
    ],
    ids=["of another release", "overflow"],
)
def test_whatever_a_group_holds_it_has_a_sentence(
    facts: dict[str, Any], sentence: str
) -> None:
    counted_group(**facts)
    assert sentences(AlarmCause.NEW_GROUP) == [sentence]


def test_so_many_chats_are_more_than_are_known() -> None:
    counted_group(chats=AFFECTED_KNOWN + 1)
    (alarm,) = found(AlarmCause.NEW_GROUP)
    assert "in more than 1,000 chats" in alarm.facts


def known_group(**facts: Any) -> Any:
    """Return a group that is known for ten days, and was seen once an hour for two."""
    group = counted_group(
        state=GroupState.OPEN, first_seen=this_hour() - 10 * DAY, **facts
    )
    add_hours(group, back=30, count=1, hours=48)
    return group


def test_an_hour_far_above_the_usual_rate_is_told_once() -> None:
    group = known_group()
    add_hours(group, back=0, count=40)
    (alarm,) = found(AlarmCause.ABOVE_RATE)
    assert alarm.facts[0] == "40 times"
    assert "usually 0.2 an hour" in alarm.facts
    assert alarm.at <= timezone.now()
    (again,) = found(AlarmCause.ABOVE_RATE)
    assert again.key == alarm.key


def test_the_parts_of_an_hour_by_model_and_release_are_one_number() -> None:
    group = known_group()
    for model in ("a", "b"):
        group.hours.create(hour=this_hour(), model=model, count=15)
    assert len(found(AlarmCause.ABOVE_RATE)) == 1


def test_the_rate_of_a_merged_group_is_that_of_all_its_parts() -> None:
    group = known_group()
    part = counted_group(merged_into=group, state=GroupState.IGNORED)
    for one in (group, part):
        add_hours(one, back=0, count=15)
    (alarm,) = found(AlarmCause.ABOVE_RATE)
    assert alarm.facts[0] == "30 times"
    assert alarm.url == f"/admin/chatdebug/errorgroup/{group.pk}/change/"
    group.state = GroupState.IGNORED
    group.save()
    assert found(AlarmCause.ABOVE_RATE) == []


def test_groups_with_parts_and_by_themselves_are_told_at_once() -> None:
    whole, alone = known_group(), known_group()
    counted_group(merged_into=whole)
    for group in (whole, alone):
        add_hours(group, back=0, count=40)
    urls = {alarm.url for alarm in found(AlarmCause.ABOVE_RATE)}
    assert urls == {
        f"/admin/chatdebug/errorgroup/{group.pk}/change/" for group in (whole, alone)
    }


def test_what_was_usual_of_any_part_is_usual_of_the_group() -> None:
    group = known_group()
    part = counted_group(merged_into=group)
    add_hours(part, back=30, count=40, hours=48)
    add_hours(group, back=0, count=40)
    assert found(AlarmCause.ABOVE_RATE) == []


@pytest.mark.parametrize(
    ("count", "facts"),
    [
        (19, {}),
        (40, {"state": GroupState.IGNORED}),
    ],
    ids=["a few", "ignored"],
)
def test_what_is_not_too_much_is_not_told(count: int, facts: dict[str, Any]) -> None:
    group = known_group()
    type(group).objects.update(**facts or {"note": ""})
    add_hours(group, back=0, count=count)
    assert found(AlarmCause.ABOVE_RATE) == []


def test_a_group_that_is_always_that_busy_is_not_told() -> None:
    group = counted_group(first_seen=this_hour() - 3 * DAY)
    add_hours(group, back=0, count=40, hours=72)
    assert found(AlarmCause.ABOVE_RATE) == []


def test_a_group_of_today_has_no_usual_rate() -> None:
    group = counted_group(first_seen=this_hour() - 3 * HOUR)
    add_hours(group, back=0, count=400)
    assert found(AlarmCause.ABOVE_RATE) == []


def test_a_burst_of_the_past_is_compared_with_what_was_before_it() -> None:
    group = known_group()
    add_hours(group, back=3, count=40)
    add_hours(group, back=0, count=45)
    first, second = found(AlarmCause.ABOVE_RATE)
    assert (first.times, second.times) == (40, 45)
    assert "usually 0.2 an hour" in first.facts
    assert "usually 0.4 an hour" in second.facts


def test_bursts_of_a_group_are_told_in_their_order() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # As where PostgreSQL counts on other numbers of rows, and adds up by hashes.
            for way in ("sort", "indexscan", "bitmapscan", "nestloop", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    group = known_group()
    for back in range(0, 24, 3):
        add_hours(group, back=back, count=100 - back)
    told = [alarm.times for alarm in found(AlarmCause.ABOVE_RATE)]
    assert told == [100 - back for back in reversed(range(0, 24, 3))]


def a_writer(**facts: Any) -> WriterState:
    return WriterState.objects.create(id=new_id(), host="web-1", pid=7, **facts)


def test_rows_that_were_dropped_are_told_again_only_when_there_are_more() -> None:
    writer = a_writer(counters={"dropped": 3})
    a_writer(counters={"dropped": 0})
    (alarm,) = found(AlarmCause.DROPPED)
    assert alarm.times == 3
    assert "web-1, process 7" in alarm.facts
    (again,) = found(AlarmCause.DROPPED)
    writer.counters = {"dropped": 4}
    writer.save()
    (more,) = found(AlarmCause.DROPPED)
    assert alarm.key == again.key != more.key


@pytest.mark.parametrize("counters", [[], {"dropped": "many"}, {"dropped": None}, 7])
def test_counters_of_another_release_are_no_alarm(counters: Any) -> None:
    a_writer(counters=counters)
    assert found(AlarmCause.DROPPED) == []


def waiting(minutes: int, **facts: Any) -> WriterState:
    since = timezone.now() - timedelta(minutes=minutes)
    return a_writer(**{"spooled": 9, "spooled_since": since, **facts})


def test_a_spool_that_is_not_empty_for_long_is_told_once_for_a_host() -> None:
    waiting(20)
    waiting(20, spooled=12)
    (alarm,) = found(AlarmCause.SPOOL_WAITS)
    assert alarm.times == 12
    assert alarm.url.endswith("/admin/chatdebug/writerstate/")


def test_a_spool_that_was_filled_just_now_is_as_it_should_be() -> None:
    waiting(5)
    waiting(20, spooled=0, spooled_since=None)
    waiting(20, spooled_since=None)  # of an earlier release
    assert found(AlarmCause.SPOOL_WAITS) == []


def test_what_a_process_said_that_is_gone_is_not_told() -> None:
    waiting(60, seen_at=timezone.now() - timedelta(minutes=30))
    assert found(AlarmCause.SPOOL_WAITS) == []


def test_a_project_without_time_zones_is_told_the_same(settings: LazySettings) -> None:
    settings.USE_TZ = False
    add_hours(known_group(), back=0, count=40)
    counted_group(state=GroupState.REAPPEARED)
    waiting(20, counters={"dropped": 1})
    HourCountFactory(hour=this_hour() - 2 * DAY)
    HourCountFactory(what=What.FAILURE, detail=ErrorKind.RATE_LIMIT, count=40)
    ProviderOutageFactory()
    for cause in AlarmCause:
        assert found(cause), cause


def test_links_begin_with_the_address_of_the_site(settings: LazySettings) -> None:
    base = "https://chat.example.org/below"
    settings.CHATDEBUG = {**settings.CHATDEBUG, "BASE_URL": base}
    group = counted_group()
    (alarm,) = found(AlarmCause.NEW_GROUP)
    assert alarm.url == f"{base}/admin/chatdebug/errorgroup/{group.pk}/change/"


def test_without_addresses_there_is_no_link(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.chatdebug.alarms.no_urls"
    counted_group()
    (alarm,) = found(AlarmCause.NEW_GROUP)
    assert alarm.url == ""
