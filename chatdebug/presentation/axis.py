"""The axis of a timeline: round numbers of one unit, and where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from django.utils.translation import gettext_lazy as _

TICKS = 5
LETTER = 3.5
"""Of the width, in per cent: a letter of a label, where the chart is beside a chat."""
NARROW = ". "
"""Characters that are half as wide as a digit."""
GAP = 4.0
"""The same between two labels."""
UNITS = ((120, 60.0, _("%s min")), (1, 1.0, _("%s s")), (0, 0.001, _("%s ms")))
"""The axis counts from so many seconds on in units of so many, which are said so."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis with its label."""

    x: str
    label: str
    anchor: str


def ticks_of(total: float) -> Iterator[Tick]:
    """Yield round numbers of one unit along the axis, and its end.

    The first one names the unit, the end its own. A round number that would touch another
    one or the end is left out, line and label: a line without a number cannot be read, and
    where all of it ends is what is looked for first.
    """
    if total <= 0:
        return
    unit, words = next((unit, words) for least, unit, words in UNITS if total >= least)
    step = _round_step(total / unit / TICKS)
    size = total / unit
    end = str(words) % (f"{size:.0f}" if size >= 10 else f"{size:.1f}")
    first = str(words) % 0
    yield Tick("0.00%", first, "start")
    left, right = _room(first) + GAP, 100 - _room(end) - GAP / 2
    for number in range(1, ceil(size / step)):
        label = f"{number * step:g}"
        place, half = 100 * number * step / size, _room(label) / 2
        if left <= place - half and place + half <= right:
            left = place + half + GAP
            yield Tick(f"{place:.2f}%", label, "middle")
    yield Tick("100%", end, "end")


def _room(label: str) -> float:
    """Return the width of a label, in per cent of the chart."""
    narrow = sum(label.count(letter) for letter in NARROW)
    return LETTER * (len(label) - narrow / 2)


def _round_step(least: float) -> float:
    """Return the smallest of …, 0.5, 1, 2, 5, 10, … that is not less."""
    size = 10.0 ** (len(f"{least:.0f}") - 1) if least >= 1 else 0.001
    while True:
        for factor in (1, 2, 5):
            if size * factor >= least:
                return size * factor
        size *= 10
