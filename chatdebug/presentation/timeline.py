"""Where the time of a run went, as rows of a chart: positions and words, but no markup.

Each row says in words what its bars show, so that the chart is a table for who cannot see
it. Clocks may have been set meanwhile: what lies outside of the run is not drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from django.utils.translation import gettext

from chatdebug.enums import Level
from chatdebug.formats import span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.axis import Tick, ticks_of
from chatdebug.presentation.endings import BAD, GOOD, STOPPED, Ending
from chatdebug.presentation.periods import (
    Mark,
    Period,
    claim_of,
    periods_of,
    queue_of,
    whole_of,
)
from chatdebug.presentation.values import as_moment

ROWS = 200
"""Of a longer run the last ones are shown."""
LEAST_SHARE = 0.01
"""Of the whole: a pause that took less gets no row, unless somebody waited."""
LEAST_WIDTH = 0.004
"""Of the whole: a shorter bar would not be seen."""
LEAST_SHARES = {Mark.CONNECT: LEAST_WIDTH, Mark.SILENCE: LEAST_SHARE}
"""Parts of an attempt that are there nearly always, and nearly always for an instant."""
OPEN_ROWS = 24
"""More of them scroll."""
LEAST_OF_QUEUE = 0.2
"""Of the whole: what all that follows the queue has to be, or the queue is not drawn."""
SHORT = 1.0
"""Seconds: what took less and was tried once is told in one line."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a row. Places are per cent of the width, as SVG takes them."""

    mark: Mark
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what it was, when it was, and how it ended."""

    step: str
    name: str
    when: str
    took: str
    bars: list[Bar]
    is_before: bool
    """Whether it was over before what is drawn began."""
    answer_at: str
    """The place where the answer began; empty if none came, or nobody knows."""
    end_at: str
    """The place where something broke off; empty if nothing did."""
    ending: Ending | None
    is_pause: bool
    is_wait: bool
    """Whether it is a pause before the same was tried again."""
    seconds: float
    """How long it took; 0 if that is not known."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows of a run, and their axis."""

    rows: list[Row]
    ticks: list[Tick]
    total: str
    """How long all rows took together, as ``whole_of`` counts it."""
    note: str
    """That it goes on; empty if it does not."""
    before: str
    """What came before the first attempt, and how long that took; empty if nothing did, or
    it is not known what."""
    is_short: bool
    """Whether it took less than a second, and had one attempt: a line tells as much."""
    level: str
    left_out: int
    """How many rows before these are not shown."""

    @classmethod
    def of(cls, run: ChatRun, steps: Sequence[ChatStep]) -> "Timeline | None":
        """Draw a run from its steps, as ``periods_of`` takes them.

        None if no step was recorded, or nothing says when the run began.
        """
        scale = _Scale.of(run, steps)
        if scale is None:
            return None
        known = periods_of(run, steps)
        periods = [one for one in known if scale.has_room_for(one)]
        if not periods:
            return None
        whole = whole_of(run)
        total = timedelta(seconds=scale.total) if whole is None else whole
        attempts = [one for one in periods if not one.is_pause]
        return cls(
            rows=[
                *(_row(period, scale) for period in periods[-ROWS:]),
                *_short_pauses(known, scale),
            ],
            ticks=list(ticks_of(scale.total)),
            total=span(total),
            note="" if run.finished_at else gettext("so far"),
            before=_before(periods),
            is_short=len(attempts) == 1 and total.total_seconds() < SHORT,
            level=run.level,
            left_out=max(0, len(periods) - ROWS),
        )

    @property
    def marks(self) -> list[Mark]:
        """The kinds of bars that there are."""
        drawn = {bar.mark for row in self.rows for bar in row.bars}
        return [mark for mark in Mark if mark in drawn]

    @property
    def legend(self) -> list[tuple[Mark, str]]:
        """The kinds of bars with what each means; why a time is not known, too."""
        words = {mark: mark.words for mark in self.marks}
        if Mark.UNRECORDED in words and self.level != Level.FULL:
            words[Mark.UNRECORDED] = gettext(
                "not recorded: the errors level keeps only what failed"
            )
        return list(words.items())

    @property
    def waited(self) -> str:
        """How long it waited before it tried again, all together; empty if it did not."""
        waits = [row for row in self.rows if row.is_wait and row.seconds]
        total = sum(row.seconds for row in waits)
        return span(timedelta(seconds=total)) if waits else ""

    @property
    def shares(self) -> list[str]:
        """How the time was shared, where something was tried again: attempts, waits, rest."""
        if not self.waited or self.left_out:
            return []
        tried = sum(row.seconds for row in self.rows if not row.is_pause)
        attempts = gettext("attempts %s") % span(timedelta(seconds=tried))
        waits = gettext("waits between them %s") % self.waited
        return [*filter(None, (attempts, waits, self.before))]

    @property
    def has_steps(self) -> bool:
        """Whether more than one call was made: of a single one its number says nothing."""
        return len({row.step for row in self.rows if row.step}) > 1

    @property
    def is_long(self) -> bool:
        """Whether its rows scroll."""
        return len(self.rows) > OPEN_ROWS

    @property
    def breaks(self) -> list[tuple[str, str]]:
        """Tone and words of the ends that the legend has to explain."""
        drawn = {row.ending.tone for row in self.rows if row.ending and row.end_at}
        words = {BAD: gettext("ended in a failure"), STOPPED: gettext("stopped")}
        return [(tone, said) for tone, said in words.items() if tone in drawn]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The time that is drawn: from ``began`` on, ``total`` seconds in all."""

    began: datetime
    total: float

    @classmethod
    def of(cls, run: ChatRun, steps: Sequence[ChatStep]) -> "_Scale | None":
        """Return the time of a run; None if nothing says when it began.

        Its wait in the queue is part of it, unless that was so long that nothing would be
        seen of what followed.
        """
        began = claim_of(run)
        if began is None:
            return None
        total = _length(run, steps, began)
        queue = queue_of(run)
        waited = _took(queue) if queue else None
        if waited is None or total < LEAST_OF_QUEUE * (total + waited.total_seconds()):
            return cls(began, total)
        return cls(began - waited, total + waited.total_seconds())

    def seconds(self, moment: datetime) -> float:
        return (moment - self.began).total_seconds()

    def place(self, moment: datetime | None) -> str:
        """Return where a moment is; nothing for one that is unknown or outside."""
        if moment is None or not 0 <= self.seconds(moment) <= self.total:
            return ""
        return _per_cent(self.seconds(moment), self.total)

    def bar(self, mark: Mark, began: datetime, ended: datetime) -> list[Bar]:
        """Return what is to be seen of a length of time: one bar, or none."""
        first = max(self.seconds(began), 0.0)
        last = min(self.seconds(ended), self.total)
        if self.total <= 0 or last < first:
            return []
        last = max(last, first + LEAST_WIDTH * self.total)
        return [Bar(mark, *(_per_cent(one, self.total) for one in (first, last)))]

    def has_room_for(self, period: Period) -> bool:
        is_wait = period.mark in (Mark.WAIT, Mark.QUEUE)
        if not period.is_pause or period.is_opening or is_wait or period.ending:
            return True
        took = _took(period)
        return took is not None and took.total_seconds() >= LEAST_SHARE * self.total

    @property
    def end(self) -> datetime:
        return self.began + timedelta(seconds=self.total)


def _length(run: ChatRun, steps: Sequence[ChatStep], began: datetime) -> float:
    """Return the seconds that a run took; of one that goes on, to its last sign of life."""
    signs = [run.finished_at] if run.finished_at else [run.updated_at]
    if not run.finished_at:
        signs += [step.updated_at for step in steps]
    moments = filter(None, map(as_moment, signs))
    return max(0.0, *((moment - began).total_seconds() for moment in moments))


def _before(periods: Sequence[Period]) -> str:
    """Return what came before the first attempt, and how long all of it took."""
    first = list(takewhile(lambda one: one.is_pause, periods))
    words = {
        (Mark.QUEUE,): gettext("queue %s"),
        (Mark.OWN,): gettext("preparation %s"),
        (Mark.QUEUE, Mark.OWN): gettext("queue and preparation %s"),
    }.get(tuple(one.mark for one in first))
    together = sum(filter(None, map(_took, first)), timedelta())
    return words % span(together) if words else ""


def _short_pauses(periods: Sequence[Period], scale: _Scale) -> Iterator[Row]:
    """Yield a row for all that has none, if together they took a while."""
    lengths = [_took(one) for one in periods if not scale.has_room_for(one)]
    together = sum(filter(None, lengths), timedelta())
    if lengths and together.total_seconds() >= LEAST_SHARE * scale.total:
        yield Row(
            step="",
            name=gettext("short pauses"),
            when=gettext("between them"),
            took=span(together),
            bars=[],
            is_before=False,
            answer_at="",
            end_at="",
            ending=None,
            is_pause=True,
            is_wait=False,
            seconds=together.total_seconds(),
        )


def _per_cent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def _shown(period: Period, scale: _Scale) -> timedelta | None:
    """Return how long it took in whole milliseconds, so that the sum of all is the total.

    Rounded are the moments: what one row loses by that, the next one has.
    """
    took = _took(period)
    if took is None or period.began is None or period.ended is None:
        return took
    first, last = (
        round(1000 * scale.seconds(moment)) for moment in (period.began, period.ended)
    )
    return timedelta(milliseconds=last - first)


def _took(period: Period) -> timedelta | None:
    if period.began is None or period.ended is None or period.ended < period.began:
        return None
    return period.ended - period.began


def _row(period: Period, scale: _Scale) -> Row:
    ending = period.ending
    is_end = ending is not None and ending.tone != GOOD
    answer_at = scale.place(period.answer_began)
    took = _shown(period, scale)
    return Row(
        step=period.step,
        name=period.name,
        when=_when(period, scale),
        took=span(took),
        bars=_bars(period, scale),
        is_before=_is_before(period, scale),
        answer_at=answer_at,
        end_at=scale.place(period.ended) if is_end else "",
        ending=ending,
        is_pause=period.is_pause,
        is_wait=period.mark is Mark.WAIT,
        seconds=took.total_seconds() if took else 0.0,
    )


def _bars(period: Period, scale: _Scale) -> list[Bar]:
    if period.began is None or _is_before(period, scale):
        return []
    ended = period.ended or scale.end  # it goes on
    parts = [(period.mark, period.began)]
    for mark, moment in (
        (Mark.ASKED, period.connected),
        (Mark.ANSWER, period.answer_began),
        (Mark.SILENCE, period.last_part),
    ):
        if moment is not None and parts[-1][1] <= moment <= ended:
            parts.append((mark, moment))
    return list(_drawn(parts, ended, scale))


def _drawn(
    parts: list[tuple[Mark, datetime]], ended: datetime, scale: _Scale
) -> Iterator[Bar]:
    """Yield the bars of parts that follow each other up to an end."""
    ends = [*(moment for _, moment in parts[1:]), ended]
    for (mark, moment), end in zip(parts, ends, strict=True):
        least = LEAST_SHARES.get(mark, 0.0) * scale.total
        if len(parts) == 1 or (end - moment).total_seconds() >= least:
            yield from scale.bar(mark, moment, end)


def _is_before(period: Period, scale: _Scale) -> bool:
    """Whether this is a wait in the queue that has no room in what is drawn."""
    return (
        period.mark is Mark.QUEUE
        and period.began is not None
        and period.began < scale.began
    )


def _when(period: Period, scale: _Scale) -> str:
    """Say in words what the bars of a row show."""
    if period.began is None:
        return gettext("when is not known")
    start = scale.seconds(period.began)
    if _is_before(period, scale):
        return gettext("before what is drawn")
    # A clock that was set back tells of moments before the run: no words make sense of it.
    if start < 0:
        return gettext("before the run, by its clock")
    words = [gettext("after %s") % span(timedelta(seconds=start))]
    if period.is_reused:
        words.append(gettext("on a connection that was open already"))
    for said, moment in (
        (gettext("connected %s later"), period.connected),
        (gettext("the answer began %s later"), period.answer_began),
        (gettext("its last part came %s later"), period.last_part),
    ):
        if moment is not None and moment >= period.began:
            words.append(said % span(moment - period.began))
    return ", ".join(words)
