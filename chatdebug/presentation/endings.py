"""When an HTTP attempt was, how it ended, and who ended it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.presentation.values import as_moment, as_number, as_seconds, as_text
from chatdebug.transport.attempts import HTTP_ERRORS, AttemptStatus

WORDS = {
    AttemptStatus.COMPLETED: (_("answered"), _("The whole response came.")),
    AttemptStatus.HTTP_ERROR: (_("refused"), _("The answer was an HTTP error.")),
    AttemptStatus.CUT_SHORT: (
        _("cut short"),
        _("The other side ended the response before it was complete."),
    ),
    AttemptStatus.CLOSED_BY_CLIENT: (
        _("left early"),
        _("This side stopped reading before the end of the response."),
    ),
    AttemptStatus.CANCELLED: (_("cancelled"), _("This side cancelled the call.")),
    AttemptStatus.FAILED: (
        _("broke off"),
        _("Sending or receiving failed: the connection was lost, or never made."),
    ),
}
"""Of each status a word for a row, and a sentence that says who ended it."""
GOOD, BAD, STOPPED = "good", "bad", "stopped"
TONES = {
    AttemptStatus.COMPLETED: GOOD,
    AttemptStatus.CLOSED_BY_CLIENT: STOPPED,
    AttemptStatus.CANCELLED: STOPPED,
}
SIGNS = {GOOD: "✓", BAD: "✕", STOPPED: "■"}


@dataclass(frozen=True, slots=True)
class Ending:
    """How something ended, in a word and in a sentence."""

    word: str
    sentence: str = ""
    tone: str = BAD
    """``good``, ``bad`` or ``stopped``."""

    @property
    def sign(self) -> str:
        """A sign beside the word, which says the same without colour."""
        return SIGNS[self.tone]


@dataclass(frozen=True, slots=True)
class AttemptTimes:
    """When an attempt was and how it ended; None for what is not known."""

    number: int | None
    began: datetime | None
    ended: datetime | None
    took: float | None
    """Seconds until the end of the response's body."""
    to_head: float | None
    """Seconds until the response's head."""
    ending: Ending
    code: int | None
    """The status of its response."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """Read a stored attempt, with or without its headers and bodies."""
        began = as_moment(stored.get("started_at"))
        took = as_seconds(stored.get("duration_ms"))
        ended = as_moment(stored.get("finished_at"))
        if took is None and began and ended and ended >= began:
            took = (ended - began).total_seconds()
        return cls(
            number=as_number(stored.get("number")),
            began=began,
            ended=later(began, took) or ended,
            took=took,
            to_head=as_seconds(stored.get("time_to_first_byte_ms")),
            ending=ending_of(stored),
            code=as_number(stored.get("response_status")),
        )


def ending_of(stored: dict[str, Any]) -> Ending:
    """Return how a stored attempt ended; its word is the status of an HTTP error."""
    said = as_text(stored.get("status"))
    code = as_number(stored.get("response_status"))
    is_error = code is not None and code >= HTTP_ERRORS
    # Earlier releases called every response that came whole completed.
    if said == AttemptStatus.COMPLETED and is_error:
        said = AttemptStatus.HTTP_ERROR
    if said not in WORDS:
        return Ending(said or gettext("not known"))
    status = AttemptStatus(said)
    word, sentence = WORDS[status]
    is_named_by_code = status is AttemptStatus.HTTP_ERROR and is_error
    return Ending(
        word=str(code) if is_named_by_code else str(word),
        sentence=str(sentence),
        tone=TONES.get(status, BAD),
    )


def later(moment: datetime | None, seconds: float | None) -> datetime | None:
    """Return a moment so much later: a length of time does not suffer from clocks."""
    if moment is None or seconds is None:
        return None
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:  # at the end of the calendar
        return None
