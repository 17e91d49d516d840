"""A kind of error far above its usual rate, known kinds too: a rate limit that never stops
leaves no run and no group, but it is counted by the hour.

The rule, for each kind and provider: an hour is loud if it has ``RATE_LEAST`` failures or
more, and ``RATE_TIMES`` the mean of the week before it, of which ``RATE_HOURS`` are counted
at least. Hours in which nothing failed count as well. Loud hours in a row are one burst,
which is told once; what is loud again after an hour that was not is another one. What lasts
for more than a day and a half becomes what is usual, and is over by that.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils.translation import gettext

from chatdebug.alarms.messages import Alarm, page_url, times_words
from chatdebug.alarms.window import HOUR, MOST_ALARMS, Window
from chatdebug.enums import ErrorKind
from chatdebug.errors.verdict import verdict
from chatdebug.formats import clock
from chatdebug.models import HourCount
from chatdebug.models.alarms import KEY_CHARACTERS
from chatdebug.models.statistics import What

RATE_TIMES = 5
"""So many times its usual number of an hour is too much."""
RATE_LEAST = 20
"""A smaller number of an hour is never too much."""
RATE_HOURS = 24
"""What is known for fewer hours has no usual rate."""
WEEK = timedelta(days=7)
"""How much is looked at to know what is usual: nights and weekends are part of it."""

type Counts = Mapping[datetime, int]
"""Failures by the hours in which they were."""


@dataclass(slots=True)
class Burst:
    """Loud hours in a row."""

    begins: datetime
    newest: datetime
    times: int
    """In the newest hour."""
    usual: float
    """Of an hour, before it began."""


def kinds_above_rate(window: Window) -> Iterator[Alarm]:
    """Yield bursts with a loud hour in the window. Three statements at most."""
    failures = (
        HourCount.objects.using(window.using)
        .filter(what=What.FAILURE, hour__lte=window.until)
        .order_by()
    )
    if window.until - window.since <= WEEK:
        # Of what is busy alone: of more days, to find that out is all that work once more.
        recent = (
            failures.filter(hour__gt=window.since - HOUR)
            .values_list("provider", "detail", "hour")
            .annotate(times=Sum("count"))
            .filter(times__gte=RATE_LEAST)
        )
        busy = {(provider, kind) for provider, kind, *_ in recent[:MOST_ALARMS]}
        if not busy:
            return
        failures = failures.filter(
            provider__in={provider for provider, _ in busy},
            detail__in={kind for _, kind in busy},
        )
    counted = HourCount.objects.using(window.using).order_by("hour")
    first = counted.values_list("hour", flat=True).first() or window.until
    history = defaultdict[tuple[str, str], Counter[datetime]](Counter)
    for provider, kind, hour, times in failures.values_list(
        "provider", "detail", "hour"
    ).annotate(times=Sum("count")):
        history[provider, kind][hour] += times
    for provider, kind in sorted(history):
        for burst in bursts(history[provider, kind], first):
            if burst.newest > window.since - HOUR:
                yield _alarm_of(burst, provider, kind, until=window.until)


def bursts(counts: Counts, first: datetime) -> Iterator[Burst]:
    """Yield the bursts of one kind, in their order; ``first`` is the first counted hour."""
    burst: Burst | None = None
    for hour, times, usual in _with_usual(counts, first):
        if times < max(RATE_LEAST, RATE_TIMES * usual):
            continue
        if burst is not None and hour == burst.newest + HOUR:
            burst.newest, burst.times = hour, times
            continue
        if burst is not None:
            yield burst
        burst = Burst(begins=hour, newest=hour, times=times, usual=usual)
    if burst is not None:
        yield burst


def _with_usual(
    counts: Counts, first: datetime
) -> Iterator[tuple[datetime, int, float]]:
    """Yield each hour, its number, and the mean of the hours of the week before it.

    Hours before which too few were counted are left out.
    """
    week: deque[tuple[datetime, int]] = deque()
    before = 0
    for hour, times in sorted(counts.items()):
        while week and week[0][0] < hour - WEEK:
            before -= week.popleft()[1]
        known = min(WEEK, hour - first) // HOUR
        if known >= RATE_HOURS:
            yield hour, times, before / known
        week.append((hour, times))
        before += times


def _alarm_of(burst: Burst, provider: str, kind: str, *, until: datetime) -> Alarm:
    is_known = kind in ErrorKind.values
    facts = [
        times_words(burst.times),
        gettext("in the hour from %s") % clock(burst.newest),
        gettext("usually %s an hour") % f"{burst.usual:,.1f}",
    ]
    if burst.newest > burst.begins:
        facts.append(gettext("since %s") % clock(burst.begins))
    return Alarm(
        key=f"{burst.begins:%Y%m%d%H}:{kind}:{provider}"[:KEY_CHARACTERS],
        at=min(burst.begins + HOUR, until),
        sentence=verdict(
            ErrorKind(kind) if is_known else ErrorKind.GENERIC, provider=provider
        ).what,
        facts=facts,
        times=burst.times,
        chats=None,
        url=page_url("chatdebug_overview_changelist"),
    )
