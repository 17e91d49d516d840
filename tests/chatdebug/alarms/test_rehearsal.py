"""What would have been sent in the last two weeks, from groups and hours that are stored."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone

from chatdebug.alarms.rehearsal import MESSAGES_SHOWN, rehearse
from chatdebug.enums import AlarmCause, GroupState
from chatdebug.models import AlarmMark, AlarmNotice
from tests.chatdebug.alarms.rows import HOUR, add_hours, counted_group, this_hour
from tests.factories import AlarmTargetFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def seen(back: timedelta) -> None:
    """Leave a group that was new then, and that somebody opened since."""
    counted_group(first_seen=timezone.now() - back, state=GroupState.OPEN)


def test_messages_come_when_they_would_have_come() -> None:
    for back in (10 * DAY, 9 * DAY, 9 * DAY - timedelta(minutes=10), 20 * DAY):
        seen(back)
    shown, count = rehearse(AlarmTargetFactory(quiet_minutes=60))
    assert count == 3
    backs = [(timezone.now() - message.at) / DAY for message in shown]
    assert backs == pytest.approx([9 - 1 / 24, 9, 10], abs=0.001)


def test_what_would_have_come_in_a_quiet_time_is_one_message() -> None:
    for minutes in range(0, 50, 10):
        seen(2 * DAY - timedelta(minutes=minutes))
    shown, _ = rehearse(AlarmTargetFactory(quiet_minutes=60))
    assert [message.subject.endswith("And 3 more.") for message in shown] == [
        True,
        False,
    ]


def test_bursts_of_the_past_are_found() -> None:
    group = counted_group(first_seen=this_hour() - 13 * DAY, state=GroupState.OPEN)
    add_hours(group, back=100, count=1, hours=48)
    add_hours(group, back=50, count=60)
    target = AlarmTargetFactory(causes=[AlarmCause.ABOVE_RATE])
    ((message,), _) = rehearse(target)
    assert message.at == this_hour() - 49 * HOUR
    assert message.cause == str(AlarmCause.ABOVE_RATE.label)


def test_only_what_a_target_is_told_of_is_rehearsed_and_nothing_is_sent() -> None:
    seen(DAY)
    target = AlarmTargetFactory(causes=[AlarmCause.DROPPED], enabled=False)
    assert rehearse(target) == ([], 0)
    target.causes = [AlarmCause.NEW_GROUP]
    assert rehearse(target)[1] == 1
    assert mail.outbox == []
    assert not AlarmNotice.objects.exists()
    assert not AlarmMark.objects.exists()


def test_of_very_many_the_newest_are_shown() -> None:
    for back in range(1, MESSAGES_SHOWN + 11):
        seen(back * HOUR * 2)
    shown, count = rehearse(AlarmTargetFactory())
    assert (len(shown), count) == (MESSAGES_SHOWN, MESSAGES_SHOWN + 10)
    assert shown[0].at > shown[-1].at


def test_it_works_without_time_zones(settings: LazySettings) -> None:
    settings.USE_TZ = False
    seen(DAY)
    assert rehearse(AlarmTargetFactory())[1] == 1
