"""Groups of failures as an operator reads them: what failed, how often, what is done."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connections, router, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from chatdebug.enums import ErrorKind, GroupState
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.errors.sentences import Cause
from chatdebug.errors.short_names import short_name
from chatdebug.errors.verdict import cause_of
from chatdebug.formats import ago, local
from chatdebug.models import ChatRun, ChatStep, ErrorGroup, GroupHour
from chatdebug.models.groups import AFFECTED_KNOWN, TREND_KEPT
from chatdebug.models.runs import OVERFLOW
from chatdebug.presentation.causes import RUNS_OF_GROUP, CausesOfGroup
from chatdebug.presentation.errors import ErrorReport
from chatdebug.querysets import ErrorGroupQuerySet

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BAR_WIDTH = 4
"""With the gap behind it, in the units of the chart's ``viewBox``."""
CHART_HEIGHT = 24
LEAST_HEIGHT = 2
"""Of the bar of a single failure, which must be seen beside one of a thousand."""
MODELS_SHOWN = 3
SHARES_SHOWN = 8
SIGNS = {
    GroupState.NEW: "●",
    GroupState.OPEN: "○",
    GroupState.REAPPEARED: "↻",
    GroupState.IGNORED: "■",
    GroupState.RESOLVED: "✓",
}

type Hours = dict[datetime, int]
"""How many failures there were, by the hour."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Failures over time, the oldest first: a chart, and what it says in words."""

    counts: list[int]
    words: str
    scale: int = 0
    """The number whose bar is as high as the chart; 0: the largest of its own."""

    @classmethod
    def of_day(cls, hours: Hours, *, now: datetime) -> "Trend":
        """Return the last 24 hours, an hour a bar."""
        trend = cls(_buckets(hours, HOUR, 24, now), "")
        words = ngettext(
            "%(total)s in 24 hours; at most %(most)s in an hour",
            "%(total)s in 24 hours; at most %(most)s in an hour",
            trend.total,
        )
        return cls(trend.counts, words % trend._numbers())

    @classmethod
    def of_weeks(cls, hours: Hours, *, now: datetime) -> "Trend":
        """Return the last 14 days, a day a bar."""
        trend = cls(_buckets(hours, DAY, TREND_KEPT.days, now), "")
        words = ngettext(
            "%(total)s in 14 days; at most %(most)s in a day",
            "%(total)s in 14 days; at most %(most)s in a day",
            trend.total,
        )
        return cls(trend.counts, words % trend._numbers())

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.counts)

    @property
    def width(self) -> int:
        """Of the chart."""
        return BAR_WIDTH * len(self.counts)

    @property
    def bars(self) -> str:
        """The bars as one path of SVG; where nothing failed there is none."""
        most = self.scale or max(self.counts, default=0)
        bars = []
        for number, count in enumerate(self.counts):
            if count:
                height = max(LEAST_HEIGHT, round(count / most * (CHART_HEIGHT - 1)))
                x, y = number * BAR_WIDTH, CHART_HEIGHT - height
                bars.append(f"M{x} {y}h{BAR_WIDTH - 1}v{height}h-{BAR_WIDTH - 1}z")
        return "".join(bars)

    @property
    def chart(self) -> SafeString:
        """The chart, as SVG with its words. A list has dozens, and each template costs."""
        return format_html(
            '<svg class="trend" role="img" aria-label="{words}"'
            ' viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
            '<title>{words}</title><line class="trend__ground" x1="0" x2="{width}"'
            ' y1="{ground}" y2="{ground}"/><path d="{bars}"/></svg>',
            words=self.words,
            width=self.width,
            height=CHART_HEIGHT,
            ground=CHART_HEIGHT - 0.5,
            bars=self.bars,
        )

    def _numbers(self) -> dict[str, str]:
        most = max(self.counts, default=0)
        return {"total": f"{self.total:,}", "most": f"{most:,}"}


class Share(NamedTuple):
    """A part of a group's failures."""

    name: str
    times: int
    percent: int


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group in a list."""

    group: ErrorGroup

    @property
    def title(self) -> str:
        """What failed."""
        if self.group.fingerprint == OVERFLOW:
            return gettext("Failures of all kinds that there was no room to tell apart")
        return self.group.title or gettext("A failure without words")

    @property
    def facts(self) -> str:
        """What failed, who was asked and what the answer was.

        Such as: Request rejected · OpenAI 400 · gpt-5-mini.
        """
        group = self.group
        names = group.model_names if isinstance(group.model_names, list) else []
        models = ", ".join(str(name) for name in names[:MODELS_SHOWN])
        if len(names) > MODELS_SHOWN:
            models = gettext("%s models") % len(names)
        provider = str(PROVIDERS.get(group.provider, group.provider))
        status = group.status_code or 0
        shown = str(status) if status >= 400 else ""  # a success is no error's name
        who = f"{provider.removeprefix('The ')} {shown}".strip()
        return " · ".join(filter(None, (self.kind, who, models)))

    @property
    def kind(self) -> str:
        """What failed in few words; nothing where that takes more than the group knows."""
        group = self.group
        if group.kind not in ErrorKind.values:
            return str(group.kind)
        kind, status = ErrorKind(group.kind), group.status_code
        cause = cause_of(kind, status_code=status, detail=group.title)
        return "" if cause is Cause.UNKNOWN else short_name(cause)

    @property
    def state(self) -> str:
        """Its state in a word."""
        known = self.group.state in GroupState.values
        return str(GroupState(self.group.state).label if known else self.group.state)

    @property
    def sign(self) -> str:
        """The sign of its state, beside the word."""
        known = self.group.state in GroupState.values
        return SIGNS[GroupState(self.group.state)] if known else "?"

    @property
    def until(self) -> str:
        """What ends or began its state, where that says more than the state."""
        group = self.group
        if group.state == GroupState.IGNORED and group.ignored_until:
            return gettext("until %s") % f"{local(group.ignored_until):%Y-%m-%d}"
        if group.state == GroupState.IGNORED and group.ignored_until_count:
            return gettext("until there are %s") % f"{group.ignored_until_count:,}"
        if group.state == GroupState.RESOLVED and group.resolved_release:
            return gettext("in %s") % group.resolved_release
        if group.state == GroupState.REAPPEARED and group.resolved_release:
            resolved, seen = group.resolved_release, group.last_release or "?"
            return gettext("resolved in %(resolved)s, seen in %(seen)s") % {
                "resolved": resolved,
                "seen": seen,
            }
        return ""

    @property
    def chats(self) -> str:
        """How many chats, as far as that is known."""
        return affected(self.group.chats)

    @property
    def people(self) -> str:
        """How many people, as far as that is known."""
        return affected(self.group.people)

    @property
    def seen(self) -> str:
        """When it was seen last."""
        return ago(self.group.last_seen)


@dataclass(frozen=True, slots=True)
class GroupPage:
    """All that is known of one group, without a word of its chats."""

    line: GroupLine
    error: ErrorReport
    causes: CausesOfGroup | None
    """The likely ones of its newest runs; None if nothing was kept of their requests."""
    day: Trend
    weeks: Trend
    shares: list[tuple[str, list[Share]]]
    """What they are parts by, and the parts, the largest first."""
    parts: list[GroupLine]
    """The groups that were merged into it, the largest first."""
    fingerprints: list[str]
    """Its own, and those of its parts."""

    @classmethod
    def of(cls, group: ErrorGroup) -> "GroupPage":
        """Read a group. Six queries."""
        now = timezone.now()
        parts = list(group.parts.order_by("-count", "pk"))
        fingerprints = [group.fingerprint, *(part.fingerprint for part in parts)]
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        rows = (
            GroupHour.objects.filter(
                group__in=_families([group]), hour__gt=this_hour - TREND_KEPT
            )
            .values_list("hour", "model", "release", "group")
            .annotate(Sum("count"))
        )
        # All failures of a group have its status; those of its parts, theirs.
        status_of = {one.pk: str(one.status_code or "") for one in (group, *parts)}
        hours, models, releases = Counter[datetime](), Counter[str](), Counter[str]()
        statuses = Counter[str]()
        for hour, model, release, group_id, count in rows:
            hours[hour] += count
            models[model] += count
            releases[release] += count
            statuses[status_of.get(group_id, "")] += count
        shares = (
            (gettext("Model"), _shares(models)),
            (gettext("HTTP status"), _shares(statuses)),
            (gettext("Release"), _shares(releases)),
        )
        newest = ChatRun.objects.newest_keys(fingerprints, most=RUNS_OF_GROUP)
        error, causes = _report_of(group, newest[:1]), CausesOfGroup.of(newest)
        if causes is not None and causes.whose:
            # What the answers did not tell is known from the requests.
            error = replace(error, whose=causes.whose)
        return cls(
            line=GroupLine(group),
            error=error,
            causes=causes,
            parts=[GroupLine(part) for part in parts],
            fingerprints=fingerprints,
            day=Trend.of_day(hours, now=now),
            weeks=Trend.of_weeks(hours, now=now),
            shares=[(name, parts) for name, parts in shares if parts],
        )


def trends_of(
    groups: Sequence[ErrorGroup], *, now: datetime
) -> dict[int, Counter[datetime]]:
    """Return the hours of these groups by their keys, with three queries.

    Of the last day they are hours. The days before, of which no chart has the hours, are
    added up by the database, and stand in the last hour of each.
    """
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    families = _families(groups)
    whole = dict(families.values_list("pk", Coalesce("merged_into", "pk")))
    hours: dict[int, Counter[datetime]] = {group.pk: Counter() for group in groups}
    of_a_day = (
        GroupHour.objects.filter(group__in=list(whole), hour__gt=this_hour - DAY)
        .order_by()
        .values_list("group", "hour")
        .annotate(Sum("count"))
    )
    for group_id, hour, count in of_a_day:
        hours[whole[group_id]][hour] += count
    for group_id, days, count in _days_before(this_hour, whole):
        hours[whole[group_id]][this_hour - DAY * days] += count
    return hours


def _days_before(
    this_hour: datetime, groups: Iterable[int]
) -> list[tuple[int, int, int]]:
    """Return groups with the failures of each day but the last, by how many days ago.

    Day by day, because a range of hours is added up as the index has it, and days that are
    told apart in one query are sorted first. By hand, because the ORM takes longer to put
    thirteen days together than the database to add them up.
    """
    keys = ", ".join(str(int(key)) for key in groups)
    if not keys:
        return []
    connection = connections[router.db_for_read(GroupHour)]
    table = connection.ops.quote_name(GroupHour._meta.db_table)
    days = range(1, TREND_KEPT.days)
    # Names and numbers of our own only; moments are parameters.
    of_a_day = f"FROM {table} WHERE group_id IN ({keys}) AND hour > %s AND hour <= %s"
    sql = " UNION ALL ".join(
        f"SELECT group_id, {ago}, SUM(count) {of_a_day} GROUP BY group_id"
        for ago in days
    )
    adapted = connection.ops.adapt_datetimefield_value
    last = [this_hour - DAY * ago for ago in days]
    moments = [adapted(moment) for day in last for moment in (day - DAY, day)]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # To start workers takes four times as long as what they are started for.
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        cursor.execute(sql, moments)
        return [(group, ago, int(count)) for group, ago, count in cursor.fetchall()]


def affected(number: int) -> str:
    """Return how many chats or people a group has, or that there are more than it knows."""
    if number > AFFECTED_KNOWN:
        return gettext("more than %s") % f"{AFFECTED_KNOWN:,}"
    return f"{number:,}"


def _families(groups: Iterable[ErrorGroup]) -> ErrorGroupQuerySet:
    keys = [group.pk for group in groups]
    return ErrorGroup.objects.families(keys).order_by()


def _report_of(group: ErrorGroup, newest: Sequence[UUID]) -> ErrorReport:
    """Return what its newest stored failure says of all, without content.

    ``newest`` is the key of its run; where none is stored any more, what the group knows.
    """
    step = (
        ChatStep.objects.filter(run_id__in=newest)
        .filter(error__isnull=False)
        .order_by("-step_number")
        .only("error")
        .first()
    )
    known = {
        "kind": group.kind,
        "provider": group.provider,
        "status_code": group.status_code,
        "detail": group.title,
    }
    report = ErrorReport.of(step.error if step is not None else known)
    return report.without_content().for_operators()


def _buckets(hours: Hours, size: timedelta, number: int, now: datetime) -> list[int]:
    counts = [0] * number
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    for hour, count in hours.items():
        back = (this_hour - hour) // size
        if 0 <= back < number:
            counts[number - 1 - back] += count
    return counts


def _shares(counts: Counter[str]) -> list[Share]:
    named: Iterable[tuple[str, int]] = counts.most_common(SHARES_SHOWN)
    total = counts.total() or 1
    parts = [
        Share(name or gettext("not known"), count, round(100 * count / total))
        for name, count in named
    ]
    is_known = any(name for name in counts)
    return parts if is_known else []
