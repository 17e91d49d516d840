"""A provider that is down: noted while it is so, told once, and known for two weeks."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone

from chatdebug.alarms.causes import CAUSES
from chatdebug.alarms.messages import Alarm
from chatdebug.alarms.notices import deliver_due, make_notices
from chatdebug.alarms.rehearsal import rehearse
from chatdebug.alarms.window import Window
from chatdebug.enums import AlarmCause
from chatdebug.models import CallMinute, ProviderOutage
from chatdebug.services.health import read_health
from chatdebug.services.outages import note_outages
from chatdebug.services.statistics import prune_statistics
from tests.factories import (
    AlarmTargetFactory,
    CallMinuteFactory,
    ProviderOutageFactory,
)
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def calls(
    *, ago: int = 0, failed: int = 0, ok: int = 0, provider: str = "openai"
) -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - ago * MINUTE
    CallMinuteFactory(
        minute=minute, provider=provider, calls=failed + ok, failed=failed
    )


def note() -> list[ProviderOutage]:
    note_outages(using="default")
    return list(ProviderOutage.objects.order_by("since"))


def found() -> list[Alarm]:
    now = timezone.now()
    cause = AlarmCause.PROVIDER_DOWN
    return list(CAUSES[cause](Window(now - DAY, now, "default")))


def let_pass(time: timedelta) -> None:
    """Make all that is noted older by so much."""
    for outage in ProviderOutage.objects.all():
        outage.since -= time
        outage.noticed_at -= time
        outage.seen_at -= time
        outage.save()


def test_a_provider_that_is_down_is_told_as_the_pages_say_it() -> None:
    calls(failed=6, ago=2)
    calls(ok=9, provider="anthropic")
    note()
    (alarm,) = found()
    assert alarm.sentence == read_health().sentence
    assert alarm.sentence.startswith("gpt-5 of OpenAI has been failing since ")
    assert alarm.facts == [
        "6 of 6 calls failed",
        "what they say: https://status.openai.com/",
    ]
    assert alarm.url == "/admin/chatdebug/overview/"


def test_a_provider_that_fails_in_part_is_not_down() -> None:
    calls(failed=6)
    CallMinuteFactory(model="gpt-5-mini", calls=9)
    assert note() == []
    assert found() == []


def test_an_outage_is_one_as_long_as_it_lasts() -> None:
    calls(failed=6, ago=3)
    (first,) = note()
    calls(failed=5, ago=1)
    (same,) = note()
    assert (same.pk, same.noticed_at) == (first.pk, first.noticed_at)
    assert same.seen_at > first.seen_at
    assert same.failed == 11


def test_an_outage_of_days_stays_one_though_its_first_minutes_are_deleted() -> None:
    calls(failed=6, ago=3)
    (first,) = note()
    first.since -= 3 * DAY
    first.save()
    assert [outage.pk for outage in note()] == [first.pk]


def test_one_after_the_provider_had_answered_for_a_while_is_another_one() -> None:
    calls(failed=6, ago=40)
    ProviderOutageFactory(since=timezone.now() - 40 * MINUTE)
    for ago in (20, 19, 18):
        calls(ok=9, ago=ago)
    calls(failed=6, ago=2)
    assert len(note()) == 2
    assert len({alarm.key for alarm in found()}) == 2


def test_one_that_is_over_when_it_is_told_says_so() -> None:
    calls(failed=6)
    note()
    let_pass(timedelta(hours=1))
    (alarm,) = found()
    assert alarm.facts[1].startswith("until ")


def test_somebody_is_told_once_and_again_of_another_outage() -> None:
    target = AlarmTargetFactory(
        causes=[AlarmCause.PROVIDER_DOWN], quiet_minutes=5, since=timezone.now() - DAY
    )
    calls(failed=6)
    note()
    assert [make_notices(using="default") for _ in range(2)] == [1, 0]
    deliver_due(target.pk, using="default")
    assert "gpt-5 of OpenAI has been failing since" in mail.outbox[0].body
    let_pass(timedelta(hours=2))
    target.notices.update(made_at=timezone.now() - timedelta(hours=2))
    CallMinute.objects.all().delete()
    assert make_notices(using="default") == 0
    calls(failed=6)
    note()
    assert make_notices(using="default") == 1


def test_two_processes_that_look_at_once_note_one_outage() -> None:
    calls(failed=6, ago=1)
    note()
    # The other one has read before this one wrote.
    ProviderOutage.objects.update(seen_at=timezone.now() - 2 * DAY)
    assert len(note()) == 1


def test_all_providers_down_are_rather_this_sites_network() -> None:
    for provider in ("openai", "anthropic"):
        calls(failed=6, provider=provider)
    note()
    assert [alarm.sentence.split(" have been failing")[0] for alarm in found()] == [
        "All 2 providers that were asked"
    ] * 2


def test_it_costs_one_statement_when_all_is_well_and_four_at_most() -> None:
    calls(ok=9)
    with collected_statements() as statements:
        note_outages(using="default")
    assert len(statements) == 1
    for number in range(20):
        calls(failed=6, provider=f"provider-{number}")
    with collected_statements() as statements:
        note_outages(using="default")
    assert len(statements) == 4


def test_a_rehearsal_knows_the_outages_of_two_weeks_and_older_ones_go() -> None:
    calls(failed=6)
    note()
    let_pass(13 * DAY)
    target = AlarmTargetFactory(causes=[AlarmCause.PROVIDER_DOWN])
    assert rehearse(target)[1] == 1
    let_pass(2 * DAY)
    assert rehearse(target) == ([], 0)
    prune_statistics(using="default")
    assert ProviderOutage.objects.count() == 0


def test_a_project_without_time_zones_is_told_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    calls(failed=6)
    note()
    assert len(found()) == 1
