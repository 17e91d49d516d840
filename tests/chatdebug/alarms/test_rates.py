"""A kind of error above its usual rate: what is usual, what is too much, what is one burst."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chatdebug.alarms.causes import CAUSES
from chatdebug.alarms.messages import Alarm
from chatdebug.alarms.rates import bursts
from chatdebug.alarms.rehearsal import rehearse
from chatdebug.alarms.window import HOUR, Window
from chatdebug.enums import AlarmCause, ErrorKind
from chatdebug.models import HourCount
from chatdebug.models.statistics import What
from tests.chatdebug.alarms.rows import this_hour
from tests.factories import AlarmTargetFactory, HourCountFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LIMITED = ErrorKind.RATE_LIMIT


def failures(
    count: int, *, back: int = 0, kind: str = LIMITED, provider: str = "openai"
) -> HourCount:
    return HourCountFactory(
        hour=this_hour() - back * HOUR,
        what=What.FAILURE,
        detail=kind,
        provider=provider,
        count=count,
    )


def counting_since(hours: int) -> None:
    """Let turns and calls be counted for so many hours."""
    HourCountFactory(hour=this_hour() - hours * HOUR)


def found(*, since: timedelta = DAY) -> list[Alarm]:
    now = timezone.now()
    cause = AlarmCause.KIND_ABOVE_RATE
    return list(CAUSES[cause](Window(now - since, now, "default")))


def test_a_known_kind_far_above_its_usual_rate_is_told_with_its_numbers() -> None:
    counting_since(10 * 24)
    for back in range(1, 8 * 24):
        failures(2, back=back)
    failures(40)
    (alarm,) = found()
    assert alarm.sentence == "OpenAI takes no more requests from this site for now."
    assert alarm.facts[0] == "40 times"
    assert alarm.facts[2] == "usually 2.0 an hour"
    assert (alarm.times, alarm.chats) == (40, None)
    assert alarm.url == "/admin/chatdebug/overview/"


def test_what_never_happened_before_is_too_much_once_there_is_a_history() -> None:
    counting_since(25)
    failures(20)
    assert [alarm.facts[2] for alarm in found()] == ["usually 0.0 an hour"]


@pytest.mark.parametrize(
    ("count", "usual", "hours"),
    [(19, 0, 100), (40, 9, 100), (500, 0, 23)],
    ids=["too few", "not five times the usual", "no history"],
)
def test_what_is_not_too_much_is_not_told(count: int, usual: int, hours: int) -> None:
    counting_since(hours)
    if usual:
        for back in range(1, hours + 1):
            failures(usual, back=back)
    failures(count)
    assert found() == []


def test_models_and_statuses_of_one_kind_are_one_number_and_providers_are_not() -> None:
    counting_since(100)
    for model in ("gpt-5", "gpt-4o"):
        row = {"what": What.FAILURE, "detail": LIMITED, "model": model}
        HourCountFactory(**row, count=15)
    for provider in ("anthropic", "google"):
        failures(15, provider=provider)
    assert [alarm.times for alarm in found()] == [30]


def test_loud_hours_in_a_row_are_told_once_and_after_a_pause_again() -> None:
    counting_since(200)
    for back in (9, 8, 7):
        failures(50, back=back)
    before = found()
    failures(50, back=2)
    first, second = found()
    assert [alarm.key for alarm in before] == [first.key]
    assert first.at == this_hour() - 8 * HOUR
    assert second.at == this_hour() - HOUR
    assert len(first.facts) == 4  # since when
    assert len(second.facts) == 3


def test_a_burst_stays_the_same_one_while_it_goes_on() -> None:
    counting_since(200)
    keys = set()
    for back in range(30, -1, -1):
        failures(50, back=back)
        keys |= {alarm.key for alarm in found()}
    assert len(keys) == 1


def test_what_lasts_for_days_becomes_what_is_usual() -> None:
    first = datetime(2026, 1, 1)  # noqa: DTZ001 - hours of any clock
    begins = first + 10 * DAY
    counts = {begins + number * HOUR: 50 for number in range(72)}
    (burst,) = bursts(counts, first)
    assert burst.begins == begins
    assert timedelta(hours=24) < burst.newest - begins < timedelta(hours=36)


def test_a_kind_of_another_release_has_a_sentence() -> None:
    counting_since(100)
    failures(50, kind="later", provider="")
    assert [alarm.sentence for alarm in found()]


def test_a_rehearsal_finds_the_bursts_of_two_weeks() -> None:
    counting_since(13 * 24)
    failures(50, back=11 * 24)
    target = AlarmTargetFactory(causes=[AlarmCause.KIND_ABOVE_RATE])
    ((message,), count) = rehearse(target)
    assert count == 1
    assert message.at == this_hour() - 11 * DAY + HOUR


def test_it_costs_one_statement_when_all_is_quiet_and_three_at_most() -> None:
    counting_since(100)
    for back in range(10):
        failures(3, back=back)
    with collected_statements() as statements:
        assert found() == []
    assert len(statements) == 1
    for number in range(20):
        failures(50, provider=f"provider-{number}")
    with collected_statements() as statements:
        assert len(found()) == 20
    assert len(statements) == 3


def test_a_project_without_time_zones_is_told_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    counting_since(100)
    failures(50)
    assert len(found()) == 1
