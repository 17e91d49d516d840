"""What took time in a run: its attempts, and what lies between them.

At the full level an attempt is an HTTP round trip. At the errors level each failed
attempt is a step, and what came between two of them, or after the last, is mostly not
recorded: it is called that, and nothing is made up in its place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import Level, Operation, Outcome, Status
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.counts import calls_of
from chatdebug.presentation.endings import STOPPED, AttemptTimes, Ending, later
from chatdebug.presentation.values import as_dict, as_list, as_moment, as_seconds

BLINK = timedelta(milliseconds=1)
"""A shorter pause is none."""
NEVER = datetime.max.replace(tzinfo=UTC)


class Mark(StrEnum):
    """What a length of time was spent with."""

    OWN = "own"
    ASKED = "asked"
    ANSWER = "answer"
    CALL = "call"
    WAIT = "wait"
    UNRECORDED = "unrecorded"

    @property
    def words(self) -> str:
        """What the legend says of it."""
        return str(MARK_WORDS[self])


MARK_WORDS = {
    Mark.OWN: _("this site's own work"),
    Mark.ASKED: _("no answer yet"),
    Mark.ANSWER: _("from the answer's beginning to its end"),
    Mark.CALL: _("a call; when its answer began is not known"),
    Mark.WAIT: _("waiting to try again"),
    Mark.UNRECORDED: _("not recorded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Something that took time; a moment that is not known is None."""

    name: str
    step: str = ""
    """Of the first period of a step its name."""
    mark: Mark
    """Of a call that was answered: of the time before its answer began."""
    began: datetime | None
    ended: datetime | None
    answer_began: datetime | None = None
    ending: Ending | None = None
    call: int = 0
    """The number of the call that it is an attempt at; 0 for a pause."""
    attempt: int = 0

    @property
    def is_pause(self) -> bool:
        """Whether it lies between attempts."""
        return self.call == 0


def periods_of(run: ChatRun, steps: Sequence[ChatStep]) -> list[Period]:
    """Return the attempts of a run in their order, with the pauses around them.

    At the full level the steps carry ``attempt_times``, or their ``attempts``. Parallel
    attempts have no pause between them, and neither have those whose clocks disagree.
    """
    known = _attempts_in_full(steps) if _is_full(run) else _failed_attempts(steps)
    attempts = sorted(known, key=_order)
    return list(_with_pauses(run, attempts)) if attempts else []


def error_of(step: ChatStep) -> dict[str, Any]:
    """Return the stored error of a step, also one that a later attempt repaired."""
    repaired = as_dict(step.metadata).get("repaired_error")
    return as_dict(step.error) or as_dict(repaired)


def step_name(number: int) -> str:
    """Return what a step is called."""
    return gettext("Step %s") % f"{number:,}"


def attempt_name(number: int) -> str:
    """Return what an attempt is called."""
    return gettext("attempt %s") % f"{number:,}"


def _is_full(run: ChatRun) -> bool:
    return run.level == Level.FULL


def _order(period: Period) -> tuple[bool, float]:
    began = period.began
    return began is None, 0.0 if began is None else began.timestamp()


def _attempts_in_full(steps: Sequence[ChatStep]) -> Iterator[Period]:
    for call, step in enumerate(steps, start=1):
        attempts = _http_attempts(step)
        if not attempts:
            yield _step_as_a_whole(step, call)
        for index, times in enumerate(attempts):
            number = index + 1 if times.number is None else times.number
            yield Period(
                name=attempt_name(number),
                step="" if index else step_name(step.step_number),
                mark=Mark.ASKED,
                began=times.began,
                ended=times.ended,
                answer_began=later(times.began, times.to_head),
                ending=times.ending,
                call=call,
                attempt=number,
            )


def _http_attempts(step: ChatStep) -> list[AttemptTimes]:
    stored = getattr(step, "attempt_times", None)
    found = step.attempts if stored is None else stored
    return [AttemptTimes.of(one) for one in as_list(found) if isinstance(one, dict)]


def _step_as_a_whole(step: ChatStep, call: int, name: str = "") -> Period:
    """Return a step of which no attempt is known, or one that stands for an attempt."""
    began, ended = as_moment(step.started_at), as_moment(step.finished_at)
    is_call = step.operation != Operation.RUN
    endings = {
        Status.ERROR: Ending(gettext("failed")),
        Status.INTERRUPTED: Ending(gettext("interrupted"), tone=STOPPED),
    }
    return Period(
        name=name if is_call else gettext("outside of a call"),
        step=step_name(step.step_number),
        mark=Mark.CALL if ended else Mark.UNRECORDED,
        # What failed outside of a call has an end; where it began nobody knows.
        began=began if is_call else ended,
        ended=ended,
        ending=endings.get(Status(step.status)),
        call=call,
        attempt=1,
    )


def _failed_attempts(steps: Sequence[ChatStep]) -> Iterator[Period]:
    errors = [read_payload(error_of(step)) for step in steps]
    calls = calls_of(error["retry_count"] or 0 for error in errors)
    before = 0
    for step, error, call in zip(steps, errors, calls, strict=True):
        yield _failed_attempt(step, error, call, is_first=call != before)
        before = call


def _failed_attempt(
    step: ChatStep, error: ErrorPayload, call: int, *, is_first: bool
) -> Period:
    """Return an attempt as its error tells of it."""
    number = (error["retry_count"] or 0) + 1
    whole = _step_as_a_whole(step, call, attempt_name(number))
    began, elapsed = whole.began, as_seconds(error["elapsed_ms"])
    if elapsed is not None and step.operation != Operation.RUN:
        began = later(whole.ended, -elapsed)
    answer_began = later(began, as_seconds(error["first_part_ms"]))
    return Period(
        name=whole.name,
        step=step_name(call) if is_first else "",
        mark=whole.mark if answer_began is None else Mark.ASKED,
        began=began,
        ended=whole.ended,
        answer_began=answer_began,
        ending=_ending_of(error) or whole.ending,
        call=call,
        attempt=number,
    )


def _ending_of(error: ErrorPayload) -> Ending | None:
    """Return how an attempt ended: by a status, or by who closed the connection."""
    sides = {
        "provider": (gettext("cut short"), gettext("The provider ended it.")),
        "client": (gettext("left early"), gettext("This side ended it.")),
    }
    word, sentence = sides.get(error["response"].get("closed_by", ""), ("", ""))
    status = error["status_code"]
    shown = word if status is None else str(status)
    return Ending(shown, sentence) if shown else None


def _with_pauses(run: ChatRun, attempts: list[Period]) -> Iterator[Period]:
    cursor = as_moment(run.started_at)
    last: Period | None = None
    for attempt in attempts:
        yield from _pause(_pause_between(run, last, attempt), cursor, attempt.began)
        yield attempt
        last = attempt
        # What has no end lasts until the end of all.
        ended = attempt.ended if attempt.ended or not attempt.began else NEVER
        cursor = max(filter(None, (cursor, attempt.began, ended)), default=None)
    end = as_moment(run.finished_at or run.updated_at)
    yield from _pause(_pause_after(run), cursor, end)


def _pause(
    what: tuple[str, Mark], began: datetime | None, ended: datetime | None
) -> Iterator[Period]:
    if began is not None and ended is not None and ended - began >= BLINK:
        name, mark = what
        yield Period(name=name, mark=mark, began=began, ended=ended)


def _pause_between(run: ChatRun, last: Period | None, then: Period) -> tuple[str, Mark]:
    """Say what came before an attempt, after the one before it."""
    if last is not None and last.call == then.call:
        if then.attempt == last.attempt + 1:
            return gettext("wait"), Mark.WAIT
        return gettext("other attempts"), Mark.UNRECORDED
    if _is_full(run):
        name = gettext("preparation") if last is None else gettext("between calls")
        return name, Mark.OWN
    return gettext("before it"), Mark.UNRECORDED


def _pause_after(run: ChatRun) -> tuple[str, Mark]:
    """Say what came after the last attempt."""
    if run.finished_at is None:
        return gettext("still running"), Mark.UNRECORDED
    if _is_full(run):
        return gettext("afterwards"), Mark.OWN
    if run.outcome is Outcome.RECOVERED:
        return gettext("until it was answered"), Mark.UNRECORDED
    return gettext("afterwards"), Mark.UNRECORDED
