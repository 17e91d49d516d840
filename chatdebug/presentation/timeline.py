"""Where the time of a run went, as rows of a chart: positions and words, but no markup.

Each row says in words what its bars show, so that the chart is a table for who cannot see
it. Clocks may have been set meanwhile: what lies outside of the run is not drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.formats import span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.endings import BAD, GOOD, STOPPED, Ending
from chatdebug.presentation.periods import Mark, Period, periods_of
from chatdebug.presentation.values import as_moment

ROWS = 200
"""Of a longer run the last ones are shown."""
LEAST_SHARE = 0.01
"""Of the whole: a pause that took less gets no row, unless it was a wait."""
LEAST_WIDTH = 0.004
"""Of the whole: a shorter bar would not be seen."""
OPEN_ROWS = 24
"""More of them scroll."""
TICKS = 5
LAST_TICK = 0.93
"""Of the width: a label further right has no room."""
UNITS = ((120, 60.0, _("%s min")), (1, 1.0, _("%s s")), (0, 0.001, _("%s ms")))
"""The axis counts from so many seconds on in units of so many, which are said so."""


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
    answer_at: str
    """The place where the answer began; empty if none came, or nobody knows."""
    end_at: str
    """The place where something broke off; empty if nothing did."""
    ending: Ending | None
    is_pause: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis with its label."""

    x: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows of a run, and their axis."""

    rows: list[Row]
    ticks: list[Tick]
    total: str
    left_out: int
    """How many rows before these are not shown."""

    @classmethod
    def of(cls, run: ChatRun, steps: Sequence[ChatStep]) -> "Timeline | None":
        """Draw a run from its steps, as ``periods_of`` takes them.

        None if no step was recorded, or nothing says when the run began.
        """
        began = as_moment(run.started_at)
        if began is None:
            return None
        scale = _Scale(began, _length(run, steps, began))
        periods = [one for one in periods_of(run, steps) if scale.has_room_for(one)]
        if not periods:
            return None
        return cls(
            rows=[_row(period, scale) for period in periods[-ROWS:]],
            ticks=list(_ticks(scale.total)),
            total=span(timedelta(seconds=scale.total)) if scale.total else "",
            left_out=max(0, len(periods) - ROWS),
        )

    @property
    def marks(self) -> list[Mark]:
        """What the legend has to explain."""
        drawn = {bar.mark for row in self.rows for bar in row.bars}
        return [mark for mark in Mark if mark in drawn]

    @property
    def is_long(self) -> bool:
        """Whether its rows scroll."""
        return len(self.rows) > OPEN_ROWS

    @property
    def breaks(self) -> list[tuple[str, str]]:
        """Tone and words of the ends that the legend has to explain."""
        drawn = {row.ending.tone for row in self.rows if row.ending and row.end_at}
        words = {BAD: gettext("broken off"), STOPPED: gettext("stopped")}
        return [(tone, said) for tone, said in words.items() if tone in drawn]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The run's time from its beginning on, ``total`` seconds in all."""

    began: datetime
    total: float

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
        if not period.is_pause or period.mark is Mark.WAIT:
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


def _per_cent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def _took(period: Period) -> timedelta | None:
    if period.began is None or period.ended is None or period.ended < period.began:
        return None
    return period.ended - period.began


def _row(period: Period, scale: _Scale) -> Row:
    ending = period.ending
    is_end = ending is not None and ending.tone != GOOD
    answer_at = scale.place(period.answer_began)
    return Row(
        step=period.step,
        name=period.name,
        when=_when(period, scale),
        took=span(_took(period)),
        bars=_bars(period, scale),
        answer_at=answer_at,
        end_at=scale.place(period.ended) if is_end else "",
        ending=ending,
        is_pause=period.is_pause,
    )


def _bars(period: Period, scale: _Scale) -> list[Bar]:
    began, answer_began = period.began, period.answer_began
    if began is None:
        return []
    ended = period.ended or scale.end  # it goes on
    if answer_began is None or not began <= answer_began <= ended:
        return scale.bar(period.mark, began, ended)
    before = scale.bar(period.mark, began, answer_began)
    return before + scale.bar(Mark.ANSWER, answer_began, ended)


def _when(period: Period, scale: _Scale) -> str:
    """Say in words what the bars of a row show."""
    if period.began is None:
        return gettext("when is not known")
    start = scale.seconds(period.began)
    # A clock that was set back tells of moments before the run: no words make sense of it.
    if start < 0:
        return gettext("before the run, by its clock")
    words = [gettext("after %s") % span(timedelta(seconds=start))]
    if period.answer_began is not None and period.answer_began >= period.began:
        until = span(period.answer_began - period.began)
        words.append(gettext("the answer began %s later") % until)
    return ", ".join(words)


def _ticks(total: float) -> Iterator[Tick]:
    """Yield round numbers of one unit along the axis; the first one names the unit."""
    if total <= 0:
        return
    unit, words = next((unit, words) for least, unit, words in UNITS if total >= least)
    step = _round_step(total / unit / TICKS)
    for number in range(TICKS * 2 + 1):
        amount = number * step
        if amount * unit > LAST_TICK * total:
            return
        label = f"{amount:g}"
        yield Tick(
            x=_per_cent(amount * unit, total),
            label=label if number else str(words) % label,
            anchor="middle" if number else "start",
        )


def _round_step(least: float) -> float:
    """Return the smallest of …, 0.5, 1, 2, 5, 10, … that is not less."""
    size = 10.0 ** (len(f"{least:.0f}") - 1) if least >= 1 else 0.001
    while True:
        for factor in (1, 2, 5):
            if size * factor >= least:
                return size * factor
        size *= 10
