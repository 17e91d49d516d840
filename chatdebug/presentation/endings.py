"""When an HTTP attempt was, how it ended, and who ended it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind, Interruption, Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation import flaws
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.flaws import Flaw
from chatdebug.presentation.values import (
    as_dict,
    as_moment,
    as_number,
    as_seconds,
    as_text,
)
from chatdebug.transport.attempts import (
    ENDED_BY,
    WHOLE,
    AttemptStatus,
    EndedBy,
)
from chatdebug.transport.connection import Connection
from chatdebug.transport.exchange import HTTP_ERRORS

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
    Stopper.USER: ("", _("by the user"), _("The user stopped it.")),
    Stopper.TIME_LIMIT: (
        _("given up"),
        _("by a time limit"),
        _("A time limit of this side ended it."),
    ),
    Stopper.SILENCE: (
        _("given up"),
        _("for its silence"),
        _("This side ended it, because nothing came for too long."),
    ),
}
"""A word for a row, where how it ended is not enough; who it was; and a sentence."""
ASKED_AGAIN = _("and asked again")
SIDES = {
    EndedBy.PROVIDER: _("by the other side"),
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
CLOSED = {
    EndedBy.PROVIDER: (AttemptStatus.CUT_SHORT, _("The other side ended it.")),
    EndedBy.CLIENT: (AttemptStatus.CLOSED_BY_CLIENT, _("This side ended it.")),
}
"""What an attempt is called of which only this is known: who closed its connection."""
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

    @property
    def is_of_the_run(self) -> bool:
        """Whether a run that was stopped may have ended with it.

        After a silence, and where the same was asked again, the run went on.
        """
        went_on = str(STOPPERS[Stopper.SILENCE][1]), str(ASKED_AGAIN)
        return self.tone == STOPPED and self.by not in went_on

    def stopped_by(self, stopper: Stopper | None) -> "Ending":
        """Return the same ending with who made this side end it, if that is known."""
        if stopper is None:
            return self
        word, by, sentence = STOPPERS[stopper]
        word = str(word) or self.word
        return replace(self, word=word, by=str(by), sentence=str(sentence))

    def flawed(self, flaw: Flaw | None) -> "Ending":
        """Return what was wrong with the answer, if that is known, as the ending."""
        if flaw is None:
            return self
        sentences = flaws.ANSWERED if self.tone == GOOD else flaws.LEFT
        return Ending(str(flaws.WORDS[flaw]), str(sentences[flaw]))

    def followed(self) -> "Ending":
        """Return the same ending of an attempt after which the same was asked again.

        Why, nothing tells: it is known of the last one of a step alone.
        """
        tone = STOPPED if self.tone == GOOD else self.tone
        return replace(self, by=str(ASKED_AGAIN), tone=tone)


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
    is_left: bool
    """Whether it did so by not reading on."""

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
            is_left=stored.get("status") == AttemptStatus.CLOSED_BY_CLIENT,
        )

    @property
    def may_have_failed(self) -> bool:
        """Whether only its step knows if it was one that answered."""
        return self.ending.tone == GOOD or self.is_ended_here

    def is_before(self, then: "AttemptTimes") -> bool:
        """Return whether it was over when another one began, as far as that is known."""
        return not (self.ended and then.began) or self.ended <= then.began


def attempt_times(
    run: ChatRun, step: ChatStep, stored: Sequence[dict[str, Any]]
) -> list[AttemptTimes]:
    """Return when the attempts of a step were, and how each ended.

    Why one ended is known of that alone which the step's error, or its interruption, is
    about; of those before it, that the same was asked again.
    """
    known = [AttemptTimes.of(one) for one in stored]
    endings = [one.ending for one in known]
    for index, (one, then) in enumerate(pairwise(known)):
        is_same = stored[index].get("path") == stored[index + 1].get("path")
        if is_same and one.is_before(then) and one.may_have_failed:
            endings[index] = one.ending.followed()
    place = _place_of_failure(step, known)
    if place is not None and (reason := _with_reason(run, step, known[place])):
        endings[place] = reason
    return [
        replace(one, ending=ending) for one, ending in zip(known, endings, strict=True)
    ]


def _with_reason(run: ChatRun, step: ChatStep, times: AttemptTimes) -> Ending | None:
    """Return how the attempt that a step failed with ended, and why; None if unknown."""
    ending = times.ending
    if times.is_left or ending.tone == GOOD:
        ending = ending.flawed(flaw_of(error_of(step)))
    if times.is_ended_here:
        ending = ending.stopped_by(stopper_of(run, step))
    return ending if ending != times.ending else None


def _place_of_failure(step: ChatStep, times: Sequence[AttemptTimes]) -> int | None:
    """Return which attempt the error or the interruption of a step is about.

    That is the last one; of an error that a later attempt repaired, the last one before
    that attempt which did not go well. None if there is none.
    """
    if as_dict(step.error):
        return len(times) - 1 if times else None
    broken = [place for place, one in enumerate(times) if one.ending.tone != GOOD]
    if broken:
        return broken[-1]
    return len(times) - 2 if error_of(step) and len(times) > 1 else None


def error_of(step: ChatStep) -> dict[str, Any]:
    """Return the stored error of a step, also one that a later attempt repaired."""
    repaired = as_dict(step.metadata).get("repaired_error")
    return as_dict(step.error) or as_dict(repaired)


def flaw_of(error: dict[str, Any]) -> Flaw | None:
    """Return what was wrong with the answer that an error is about; None if nothing was."""
    return ErrorReport.of(error).flaw if error else None


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


def ending_by(side: str) -> Ending | None:
    """Return how an attempt ended whose connection that side closed; None if unknown."""
    ended_by = _one_of(EndedBy, side)
    if ended_by not in CLOSED:
        return None
    status, sentence = CLOSED[ended_by]
    tone = TONES.get(status, BAD)
    word = str(WORDS[status][0])
    return Ending(word, str(sentence), tone, by=str(SIDES[ended_by]))


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
