"""What somebody is told of: a table of causes, each with the function that finds it.

A function gets a window of time and yields what there is to tell in it. It decides nothing
about who was told already. The same functions serve the rehearsal over days that are past,
as far as the tables still hold them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db.models import Q, Sum
from django.utils.translation import gettext, ngettext

from chatdebug.alarms.messages import Alarm, page_url, times_words
from chatdebug.alarms.outages import providers_down
from chatdebug.alarms.rates import (
    RATE_HOURS,
    RATE_LEAST,
    RATE_TIMES,
    kinds_above_rate,
)
from chatdebug.alarms.window import HOUR, MOST_ALARMS, Window
from chatdebug.conf import recorder_settings
from chatdebug.enums import AlarmCause, ErrorKind, GroupState
from chatdebug.errors.verdict import verdict
from chatdebug.formats import clock
from chatdebug.models import ErrorGroup, GroupHour, WriterState
from chatdebug.models.groups import AFFECTED_KNOWN, TREND_KEPT
from chatdebug.models.runs import OVERFLOW
from chatdebug.querysets import WHOLE, ErrorGroupQuerySet

SPOOL_PATIENCE = timedelta(minutes=15)
"""What waits in the spool is imported with each heartbeat, a few minutes apart."""


type Finder = Callable[[Window], Iterator[Alarm]]


def new_groups(window: Window) -> Iterator[Alarm]:
    """Yield groups that were made in the window, whatever was done about them since.

    A failure of an earlier hour that comes from the spool is news all the same. Groups of
    runs from before there were groups are none, nor are those that were merged into another.
    """
    is_new = Q(state=GroupState.NEW, state_since__gte=window.since)
    groups = _groups(window).filter(
        is_new | Q(first_seen__gte=window.since), counted_since__isnull=False
    )
    for group in groups.order_by("-first_seen")[:MOST_ALARMS]:
        is_untouched = group.state == GroupState.NEW
        at = group.state_since if is_untouched else group.first_seen
        yield _alarm_of(group, key=str(group.pk), at=at)


def reappeared_groups(window: Window) -> Iterator[Alarm]:
    """Yield groups that came back in the window, and that nobody has dealt with since."""
    groups = _groups(window).filter(
        state=GroupState.REAPPEARED, state_since__gte=window.since
    )
    for group in groups.order_by("-state_since")[:MOST_ALARMS]:
        key = f"{group.pk}:{group.state_since.isoformat()}"
        yield _alarm_of(group, key=key, at=group.state_since)


def groups_above_rate(window: Window) -> Iterator[Alarm]:
    """Yield hours in which a group was seen far more often than in those before it.

    What is usual is the mean of the hours that are stored, since the group is known, those
    in which nothing failed included. Groups that are ignored are left alone.
    """
    busy: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for group_id, hour, times in _busy_hours(window):
        busy[group_id].append((hour, times))
    if not busy:
        return
    groups = _groups(window).in_bulk(busy.keys())
    hours = GroupHour.objects.using(window.using).order_by("hour")
    families = ErrorGroup.objects.using(window.using).families(busy).values("pk")
    history = defaultdict[int, list[tuple[datetime, int]]](list)
    for group_id, hour, times in (
        hours.filter(group__in=families, hour__gt=window.until - TREND_KEPT)
        .values_list(WHOLE, "hour")
        .annotate(times=Sum("count"))
    ):
        history[group_id].append((hour, times))
    for group_id, group in groups.items():
        oldest = max(
            group.first_seen.replace(minute=0, second=0, microsecond=0),
            window.until - TREND_KEPT,
        )
        for hour, times in sorted(busy[group_id]):
            known = (hour - oldest) // HOUR
            before = sum(count for at, count in history[group_id] if at < hour)
            if known >= RATE_HOURS and times >= RATE_TIMES * before / known:
                at = min(hour + HOUR, window.until)
                yield _burst(group, hour, at=at, times=times, usual=before / known)


def dropped_rows(window: Window) -> Iterator[Alarm]:
    """Yield writers that gave up rows: what they say now, for no other moment is stored."""
    for writer in _writers(window, counters__dropped__gt=0):
        dropped = writer.counter("dropped")
        if dropped:
            yield Alarm(
                key=f"{writer.pk}:{dropped}",
                at=writer.seen_at,
                sentence=gettext(
                    "The recorder's queue was full, and rows were dropped."
                ),
                facts=[
                    ngettext("%s row", "%s rows", dropped) % f"{dropped:,}",
                    str(writer),
                    gettext("since its start at %s") % clock(writer.started_at),
                ],
                times=dropped,
                chats=None,
                url=page_url("chatdebug_writerstate_changelist"),
            )


def waiting_spools(window: Window) -> Iterator[Alarm]:
    """Yield spools in which captures wait for longer than an import takes, now.

    Writers of one host share a folder, or have each their own: the fullest one speaks.
    """
    alive = timedelta(seconds=recorder_settings().STALE_SECONDS)
    waiting = _writers(
        window,
        spooled__gt=0,
        spooled_since__lte=window.until - SPOOL_PATIENCE,
        seen_at__gt=window.until - alive,
    )
    told: set[str] = set()
    for writer in sorted(waiting, key=lambda writer: -writer.spooled):
        if writer.host not in told and writer.spooled_since is not None:
            told.add(writer.host)
            yield Alarm(
                key=f"{writer.pk}:{writer.spooled_since.isoformat()}",
                at=window.until,
                sentence=gettext(
                    "Captures wait in the spool, and the database does not take them."
                ),
                facts=[
                    ngettext("%s capture", "%s captures", writer.spooled)
                    % f"{writer.spooled:,}",
                    str(writer),
                    gettext("since %s") % clock(writer.spooled_since),
                ],
                times=writer.spooled,
                chats=None,
                url=page_url("chatdebug_writerstate_changelist"),
            )


CAUSES: dict[AlarmCause, Finder] = {
    AlarmCause.NEW_GROUP: new_groups,
    AlarmCause.REAPPEARED: reappeared_groups,
    AlarmCause.ABOVE_RATE: groups_above_rate,
    AlarmCause.KIND_ABOVE_RATE: kinds_above_rate,
    AlarmCause.PROVIDER_DOWN: providers_down,
    AlarmCause.DROPPED: dropped_rows,
    AlarmCause.SPOOL_WAITS: waiting_spools,
}
"""All that there is. A cause that is added here is offered in the admin, told and rehearsed."""


def _busy_hours(window: Window) -> Iterator[tuple[int, datetime, int]]:
    """Yield groups, hours in which they were seen often enough, and how often then, unsorted.

    Groups that are one with others apart: of all the rest the index has the hours in the
    order in which they are added up, which takes a third of the time.
    """
    since, until = window.since - HOUR, window.until
    watched = _groups(window).exclude(state=GroupState.IGNORED)
    merged = ErrorGroup.objects.using(window.using).filter(merged_into__isnull=False)
    pairs = merged.values_list("pk", "merged_into")
    families = {key for pair in pairs for key in pair if key is not None}
    alone = (
        watched.exclude(pk__in=families)
        .filter(hours__hour__gt=since, hours__hour__lte=until)
        .order_by()  # any other is a reason for PostgreSQL to sort all hours first
        .values_list("pk", "hours__hour")
        .annotate(times=Sum("hours__count"))
        .filter(times__gte=RATE_LEAST)
    )
    together = (
        GroupHour.objects.using(window.using)
        .filter(hour__gt=since, hour__lte=until, group__in=families)
        .annotate(whole=WHOLE)
        .filter(whole__in=watched.values("pk"))
        .order_by()
        .values_list("whole", "hour")
        .annotate(times=Sum("count"))
        .filter(times__gte=RATE_LEAST)
    )
    yield from alone[:MOST_ALARMS]
    yield from together[:MOST_ALARMS]


def _groups(window: Window) -> ErrorGroupQuerySet:
    return ErrorGroup.objects.using(window.using).not_merged()


def _writers(window: Window, **conditions: object) -> Iterator[WriterState]:
    """Yield the writers that were heard of in the window, and of which this holds."""
    writers = WriterState.objects.using(window.using).filter(**conditions)
    yield from writers.filter(seen_at__gte=window.since)[:MOST_ALARMS]


def _alarm_of(group: ErrorGroup, *, key: str, at: datetime) -> Alarm:
    seen = gettext("since %s") % clock(group.first_seen)
    return Alarm(
        key=key,
        at=at,
        sentence=_sentence(group),
        facts=[times_words(group.count), *_affected(group), seen],
        times=group.count,
        chats=group.chats,
        url=page_url("chatdebug_errorgroup_change", group.pk),
    )


def _burst(
    group: ErrorGroup, hour: datetime, *, at: datetime, times: int, usual: float
) -> Alarm:
    return Alarm(
        key=f"{group.pk}:{hour.isoformat()}",
        at=at,
        sentence=_sentence(group),
        facts=[
            times_words(times),
            gettext("in the hour from %s") % clock(hour),
            gettext("usually %s an hour") % f"{usual:,.1f}",
            *_affected(group),
        ],
        times=times,
        chats=group.chats,
        url=page_url("chatdebug_errorgroup_change", group.pk),
    )


def _sentence(group: ErrorGroup) -> str:
    """Return what failed, as a chat's own card says it: from facts, and from no words."""
    if group.fingerprint == OVERFLOW:
        return gettext("Failures of all kinds that there was no room to tell apart.")
    is_known = group.kind in ErrorKind.values
    kind = ErrorKind(group.kind) if is_known else ErrorKind.GENERIC
    return verdict(kind, provider=group.provider, status_code=group.status_code).what


def _affected(group: ErrorGroup) -> list[str]:
    if group.chats > AFFECTED_KNOWN:
        return [gettext("in more than %s chats") % f"{AFFECTED_KNOWN:,}"]
    if group.chats:
        words = ngettext("in %s chat", "in %s chats", group.chats)
        return [words % f"{group.chats:,}"]
    return []
