"""Numbers, times and statuses as people read them, in the language of the reader."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import Outcome, Status

ICONS = {
    Status.IN_PROGRESS: "◌",
    Status.COMPLETED: "✓",
    Status.ERROR: "✕",
    Status.INTERRUPTED: "■",
}
OUTCOME_ICONS = {
    Outcome.RUNNING: "◌",
    Outcome.COMPLETED: "✓",
    Outcome.RECOVERED: "↻",
    Outcome.FAILED: "✕",
    Outcome.STOPPED: "■",
    Outcome.LOST: "?",
}
AGO = ((86_400, _("%s d ago")), (3_600, _("%s h ago")), (60, _("%s min ago")))
"""Units of time in seconds, and how so many of them are said."""
LONG_AGO = 31 * 86_400
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters of both sets but tab and line feed, those that turn the direction of
writing, and halves of characters. A terminal obeys them: it moves, recolours, renames
itself, answers, or copies to the clipboard."""


def icon(status: str) -> str:
    """Return the sign of a step's status. It decorates the word and never replaces it."""
    return ICONS[Status(status)]


def outcome_icon(outcome: Outcome) -> str:
    """Return the sign of a run's outcome, beside its word."""
    return OUTCOME_ICONS[outcome]


def span(duration: timedelta | None) -> str:
    """Return a duration as it is read: 850 ms, 1.2 s, 3 min 5 s; nothing for None."""
    if duration is None:
        return ""
    amount = duration.total_seconds()
    if amount < 0.9995:
        return f"{amount * 1000:.0f} ms"
    if amount < 59.95:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes:,} min {rest} s"


def ago(moment: datetime, *, now: datetime | None = None) -> str:
    """Return how long ago a moment was, in one unit; after a month its date."""
    passed = ((now or timezone.now()) - moment).total_seconds()
    if passed >= LONG_AGO:
        return f"{moment:%Y-%m-%d}"
    for size, words in AGO:
        if passed >= size:
            return words % int(passed // size)
    return gettext("just now")


def local(moment: datetime) -> datetime:
    """Return a moment in the time zone of the reader, or as it is stored without zones."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def clock(moment: datetime) -> str:
    """Return a moment to the second, for its reader: 21 Nov 2026 14:03:07."""
    return date_format(local(moment), "d M Y H:i:s")


def last_day(end: datetime | None) -> str:
    """Return the last day before an end, for its reader: 21 Nov 2026; nothing for None.

    What ends at midnight is said to last through the day before.
    """
    if end is None:
        return ""
    return date_format(local(end - timedelta(microseconds=1)), "d M Y")


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 step, 2 steps."""
    words = {
        "attempt": ngettext("%s attempt", "%s attempts", count),
        "frame": ngettext("%s frame", "%s frames", count),
        "line": ngettext("%s line", "%s lines", count),
        "step": ngettext("%s step", "%s steps", count),
    }
    return words[noun] % f"{count:,}"


def pretty(value: Any) -> str:
    """Return JSON-safe data as text to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def printable(text: str) -> str:
    """Return a text that commands no terminal: such characters as numbers, as in JSON."""
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
