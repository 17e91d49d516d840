"""What a target would have been told in the last two weeks, from what is stored of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import router
from django.utils import timezone

from chatdebug.alarms.causes import CAUSES
from chatdebug.alarms.messages import Alarm, document_of
from chatdebug.alarms.window import Window
from chatdebug.enums import AlarmCause
from chatdebug.models import AlarmTarget, ErrorGroup
from chatdebug.models.groups import TREND_KEPT
from chatdebug.models.runs import new_id

MESSAGES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class WouldBe:
    """A message that would have been sent."""

    at: datetime
    cause: str
    subject: str


def rehearse(target: AlarmTarget) -> tuple[list[WouldBe], int]:
    """Return the newest messages that a target would have had, and how many in all.

    Groups that came back and were dealt with since are not known any more, nor how the
    recorder was at another moment than now. Raises django.db.Error.
    """
    until, using = timezone.now(), router.db_for_read(ErrorGroup)
    window = Window(until - TREND_KEPT, until, using)
    quiet = timedelta(minutes=target.quiet_minutes)
    messages = [
        WouldBe(
            at, str(cause.label), document_of(cause, alarms, id=new_id())["subject"]
        )
        for cause in target.known_causes
        for at, alarms in _in_messages(_past(cause, window), quiet)
        if at <= until
    ]
    messages.sort(key=lambda message: message.at, reverse=True)
    return messages[:MESSAGES_SHOWN], len(messages)


def _past(cause: AlarmCause, window: Window) -> Iterable[Alarm]:
    """Return the alarms of a cause, each key once and the oldest first."""
    found = {alarm.key: alarm for alarm in CAUSES[cause](window)}
    return sorted(found.values(), key=lambda alarm: alarm.at)


def _in_messages(
    alarms: Iterable[Alarm], quiet: timedelta
) -> list[tuple[datetime, list[Alarm]]]:
    """Return when there would have been messages, and of what: what comes in a quiet time
    waits for its end."""
    messages: list[tuple[datetime, list[Alarm]]] = []
    for alarm in alarms:
        if not messages or alarm.at >= messages[-1][0] + quiet:
            messages.append((alarm.at, [alarm]))
        elif alarm.at <= messages[-1][0]:
            messages[-1][1].append(alarm)
        else:
            messages.append((messages[-1][0] + quiet, [alarm]))
    return messages
