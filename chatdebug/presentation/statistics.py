"""Numbers of turns and calls as an operator reads them: by kind, by outcome, by model."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext

from chatdebug.enums import ErrorKind, Outcome
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.errors.verdict import verdict
from chatdebug.formats import local, span
from chatdebug.models import DayCount, HourCount
from chatdebug.models.groups import TREND_KEPT
from chatdebug.models.runs import OVERFLOW
from chatdebug.models.statistics import BUCKETS, What
from chatdebug.presentation.groups import HOUR, Trend
from chatdebug.presentation.prices import cost_of

DAY_HOURS = 24
UNUSUAL = 2
"""A kind is marked from so many times its daily average on."""
UNUSUAL_LEAST = 10
"""Fewer failures than these are never marked."""
OUTCOMES = (Outcome.COMPLETED, Outcome.RECOVERED, Outcome.FAILED, Outcome.STOPPED)
HALF, NEARLY_ALL = 0.5, 0.95
NUMBERS = [what for what in What if what is not What.FAILED_TURN]


@dataclass(frozen=True, slots=True)
class KindLine:
    """The failed calls of one kind."""

    kind: str
    whose: str
    statuses: str
    trend: Trend
    usual: int | None
    """In as long a time, of the days before; None where none are known."""

    @property
    def remark(self) -> str:
        """What is unusual about it; empty if nothing is."""
        total = self.trend.total
        if total < UNUSUAL_LEAST or self.usual is None:
            return ""
        if not self.usual:
            return gettext("new")
        times = total / self.usual
        return gettext("%.1f times the usual") % times if times >= UNUSUAL else ""


@dataclass(frozen=True, slots=True)
class OutcomeShare:
    """The turns that came out in one way, and where they are in the bar."""

    outcome: Outcome
    count: int
    start: str
    """In percent, as SVG has it in any language."""
    width: str


class Latency(NamedTuple):
    """How long something took: half of it, and nearly all of it, at most."""

    half: float
    nearly_all: float
    """Milliseconds."""

    @property
    def words(self) -> str:
        """Both, to read."""
        half, nearly_all = map(_span, self)
        return f"{half} / {nearly_all}"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """The calls of one model."""

    provider: str
    model: str
    calls: int
    failed: int
    retries: int
    input_tokens: int
    output_tokens: int
    first_part: Latency | None
    duration: Latency | None
    cost: float | None
    """What its tokens cost, in dollars; None where that is not known."""

    @property
    def name(self) -> str:
        """What it is called."""
        if self.model == OVERFLOW:
            return gettext("Models that there was no room to tell apart")
        return self.model or gettext("not known")

    @property
    def provider_name(self) -> str:
        """Who is asked."""
        known = PROVIDERS.get(self.provider, self.provider.replace(OVERFLOW, ""))
        return str(known).removeprefix("The ")


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a time that has just ended."""

    kinds: list[KindLine]
    outcomes: list[OutcomeShare]
    models: list[ModelLine]

    @classmethod
    def read(cls, *, now: datetime, is_weeks: bool) -> "Numbers":
        """Read the last 24 hours, or 14 days. Two queries. Raises django.db.Error.

        Days are whole ones of the project's time zone, today among them.
        """
        this_hour = local(now).replace(minute=0, second=0, microsecond=0)
        last = this_hour.replace(hour=DAY_HOURS - 1) if is_weeks else this_hour
        first = last - (TREND_KEPT if is_weeks else timedelta(days=1)) + HOUR
        failures = (
            HourCount.objects.filter(what=What.FAILURE)
            .filter(hour__gt=this_hour - TREND_KEPT)
            .order_by()
            .values_list("hour", "detail", "status_code")
            .annotate(Sum("count"))
        )
        counts: QuerySet[Any] = HourCount.objects.filter(hour__gte=first)
        if is_weeks:
            counts = DayCount.objects.filter(day__gte=first.date())
        numbers = (
            counts.filter(what__in=NUMBERS)
            .order_by()
            .values_list("what", "provider", "model", "detail")
            .annotate(Sum("count"))
        )
        turns: Counter[str] = Counter()
        models: dict[tuple[str, str], dict[str, Counter[str]]] = {}
        for what, provider, model, detail, count in numbers:
            if what == What.TURN:
                turns[detail] += count
            else:
                of_model = models.setdefault((provider, model), defaultdict(Counter))
                of_model[what][detail] += count
        return cls(
            kinds=_kinds(failures, first, last, is_weeks=is_weeks),
            outcomes=_outcomes(turns),
            models=sorted(
                (_model(*names, of) for names, of in models.items()),
                key=lambda line: (-line.calls, line.name),
            ),
        )

    @property
    def most(self) -> int:
        """The number of the highest bar of all kinds."""
        return max((line.trend.scale for line in self.kinds), default=0)

    @property
    def turns(self) -> int:
        """How many there were."""
        return sum(share.count for share in self.outcomes)

    @property
    def failed_percent(self) -> float:
        """How many of a hundred turns failed."""
        failed = sum(s.count for s in self.outcomes if s.outcome is Outcome.FAILED)
        return 100 * failed / self.turns if self.turns else 0.0

    @property
    def retries(self) -> int:
        """How many calls were made again."""
        return sum(line.retries for line in self.models)

    @property
    def input_tokens(self) -> int:
        """Of all models."""
        return sum(line.input_tokens for line in self.models)

    @property
    def output_tokens(self) -> int:
        """Of all models."""
        return sum(line.output_tokens for line in self.models)

    @property
    def cost(self) -> float | None:
        """What is known of the cost; None if nothing is."""
        known = [cost for line in self.models if (cost := line.cost) is not None]
        return sum(known) if known else None


def percentile(buckets: Mapping[int, int], share: float) -> float:
    """Return up to how many milliseconds that share of the counted ones took.

    ``buckets`` are numbers by their bounds. Inside of a bucket they count as spread
    evenly.
    """
    wanted = share * sum(buckets.values())
    seen = 0
    for number, bound in enumerate(BUCKETS):
        count = buckets.get(bound, 0)
        if count and seen + count >= wanted:
            lower = BUCKETS[number - 1] if number else 0
            return lower + (bound - lower) * (wanted - seen) / count
        seen += count
    return float(BUCKETS[-1])


def _kinds(
    rows: Iterable[Sequence[Any]], first: datetime, last: datetime, *, is_weeks: bool
) -> list[KindLine]:
    """Return the kinds of failures between two hours; of weeks, ``last`` ends a day."""
    hours: dict[str, Counter[datetime]] = defaultdict(Counter)
    statuses: dict[str, set[int]] = defaultdict(set)
    for moment, kind, status, count in rows:
        hour = local(moment)  # days are as long as their clocks say
        hours[kind][hour] += count
        if hour >= first and status:
            statuses[kind].add(status)
    trend = Trend.of_weeks if is_weeks else Trend.of_day
    earliest = min((hour for of in hours.values() for hour in of), default=first)
    days = (first - earliest) / timedelta(days=1)  # of which it is known what is usual
    lines = []
    for kind, counts in hours.items():
        before = sum(count for hour, count in counts.items() if hour < first)
        is_known = days >= 1 and not is_weeks
        line = KindLine(
            kind=str(dict(ErrorKind.choices).get(kind, kind)),
            whose=_whose(kind),
            statuses=", ".join(map(str, sorted(statuses[kind]))),
            trend=trend(dict(counts), now=last),
            usual=round(before / days) if is_known else None,
        )
        if line.trend.total:
            lines.append(line)
    scale = max((max(line.trend.counts) for line in lines), default=0)
    lines.sort(key=lambda line: (-line.trend.total, line.kind))
    return [replace(line, trend=replace(line.trend, scale=scale)) for line in lines]


def _whose(kind: str) -> str:
    """Return whose such failures are; empty where each may be another's."""
    if kind not in ErrorKind.values or kind == ErrorKind.GENERIC:
        return ""
    return str(verdict(ErrorKind(kind)).owner.label)


def _outcomes(turns: Counter[str]) -> list[OutcomeShare]:
    counts = [max(0, turns[outcome]) for outcome in OUTCOMES]
    total, shares, start = sum(counts) or 1, [], 0.0
    for outcome, count in zip(OUTCOMES, counts, strict=True):
        width = 100 * count / total
        shares.append(OutcomeShare(outcome, count, f"{start:.2f}%", f"{width:.2f}%"))
        start += width
    return shares


def _model(provider: str, model: str, of: Mapping[str, Counter[str]]) -> ModelLine:
    def total(what: What) -> int:
        return of[what].total() if what in of else 0

    tokens = total(What.INPUT_TOKENS), total(What.OUTPUT_TOKENS)
    return ModelLine(
        provider=provider,
        model=model,
        calls=total(What.CALL),
        failed=total(What.FAILURE),
        retries=total(What.RETRY),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost=cost_of(provider, model, *tokens),  # a page asks for it again and again
        first_part=_latency(of.get(What.FIRST_PART, {})),
        duration=_latency(of.get(What.DURATION, {})),
    )


def _span(milliseconds: float) -> str:
    return span(timedelta(milliseconds=milliseconds))


def _latency(details: Mapping[str, int]) -> Latency | None:
    buckets = {int(bound): n for bound, n in details.items() if bound.isdecimal()}
    if not sum(buckets.values()):
        return None
    return Latency(percentile(buckets, HALF), percentile(buckets, NEARLY_ALL))
