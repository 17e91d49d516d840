"""When an HTTP attempt was, how it ended, and who ended it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind, Interruption, Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.values import (
    as_dict,
    as_moment,
    as_number,
    as_seconds,
    as_text,
)
from chatdebug.transport.attempts import (
    ENDED_BY,
    HTTP_ERRORS,
    WHOLE,
    AttemptStatus,
    EndedBy,
)
from chatdebug.transport.connection import Connection

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
FAILURES = {
    EndedBy.PROVIDER: (
        _("hung up"),
        _("The other side ended the connection before its answer was complete."),
    ),
    EndedBy.TIME_LIMIT: (_("given up"), _("A time limit of this side ended it.")),
}
"""The same of attempts that failed, where it is known who made them fail."""


class Stopper(StrEnum):
    """Who made this side end a call."""

    USER = "user"
    TIME_LIMIT = "time_limit"
    SILENCE = "silence"


STOPPERS = {
    Stopper.USER: (_("by the user"), _("The user stopped it.")),
    Stopper.TIME_LIMIT: (
        _("by a time limit"),
        _("A time limit of this side ended it."),
    ),
    Stopper.SILENCE: (
        _("for its silence"),
        _("This side ended it, because nothing came for too long."),
    ),
}
"""Words for a row, and a sentence."""
SIDES = {
    EndedBy.PROVIDER: _("by the provider"),
    EndedBy.NETWORK: _("by the network"),
    EndedBy.TIME_LIMIT: _("by a time limit"),
    EndedBy.CLIENT: _("by this side"),
}
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
    by: str = ""
    """Who broke it off, after the word; empty if nobody did, or nobody knows."""

    @property
    def sign(self) -> str:
        """A sign beside the word, which says the same without colour."""
        return SIGNS[self.tone]

    def stopped_by(self, stopper: Stopper | None) -> "Ending":
        """Return the same ending with who made this side end it, if that is known."""
        if stopper is None:
            return self
        by, sentence = STOPPERS[stopper]
        return replace(self, by=str(by), sentence=str(sentence))


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
    to_connection: float | None
    """Seconds until there was a connection."""
    to_first_part: float | None
    """Seconds until the first part of the response's body."""
    to_last_part: float | None
    connection: Connection | None
    ending: Ending
    code: int | None
    """The status of its response."""
    is_ended_here: bool
    """Whether this side ended it: its step may know why."""

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
            to_connection=as_seconds(stored.get("connect_ms")),
            to_first_part=as_seconds(stored.get("time_to_first_part_ms")),
            to_last_part=as_seconds(stored.get("time_to_last_part_ms")),
            connection=_one_of(Connection, stored.get("connection")),
            ending=ending_of(stored),
            code=as_number(stored.get("response_status")),
            is_ended_here=_ended_by(stored) is EndedBy.CLIENT,
        )


def attempt_times(
    run: ChatRun, step: ChatStep, stored: Sequence[dict[str, Any]]
) -> list[AttemptTimes]:
    """Return when the attempts of a step were; of the last one also who stopped it.

    That is known of the step as a whole, which is over with its last attempt, or with the
    last one before the attempt that repaired it.
    """
    times = [AttemptTimes.of(one) for one in stored]
    broken = [place for place, one in enumerate(times) if one.ending.tone != GOOD]
    if broken and times[broken[-1]].is_ended_here:
        last = times[broken[-1]]
        ending = last.ending.stopped_by(stopper_of(run, step))
        times[broken[-1]] = replace(last, ending=ending)
    return times


def error_of(step: ChatStep) -> dict[str, Any]:
    """Return the stored error of a step, also one that a later attempt repaired."""
    repaired = as_dict(step.metadata).get("repaired_error")
    return as_dict(step.error) or as_dict(repaired)


def stopper_of(run: ChatRun, step: ChatStep) -> Stopper | None:
    """Return who made this side end a step that it ended; None if nothing tells."""
    if step.status == Status.INTERRUPTED:
        if as_dict(step.metadata).get("interrupted_by") == Interruption.DEADLINE:
            return Stopper.TIME_LIMIT
        is_by_user = run.told("interrupted_by") == Interruption.USER
        return Stopper.USER if is_by_user else None
    error = error_of(step)
    if error.get("kind") == ErrorKind.STREAM_SILENCE_TIMEOUT:
        return Stopper.SILENCE
    is_limit = error.get("kind") == ErrorKind.TIMEOUT and not error.get("status_code")
    return Stopper.TIME_LIMIT if is_limit else None


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
    side = _ended_by(stored)
    word, sentence = WORDS[status]
    if status is AttemptStatus.FAILED and side in FAILURES:
        word, sentence = FAILURES[side]
    is_named_by_code = status is AttemptStatus.HTTP_ERROR and is_error
    return Ending(
        word=str(code) if is_named_by_code else str(word),
        sentence=str(sentence),
        tone=TONES.get(status, BAD),
        by=str(SIDES[side]) if side is not None and status not in WHOLE else "",
    )


def _ended_by(stored: dict[str, Any]) -> EndedBy | None:
    """Return who ended an attempt; earlier releases did not say it of those that failed."""
    if (side := _one_of(EndedBy, stored.get("ended_by"))) is not None:
        return side
    status = _one_of(AttemptStatus, stored.get("status"))
    return None if status in (None, AttemptStatus.FAILED) else ENDED_BY[status]


def _one_of[Choice: StrEnum](choices: type[Choice], value: Any) -> Choice | None:
    return choices(value) if isinstance(value, str) and value in choices else None


def later(moment: datetime | None, seconds: float | None) -> datetime | None:
    """Return a moment so much later: a length of time does not suffer from clocks."""
    if moment is None or seconds is None:
        return None
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:  # at the end of the calendar
        return None
