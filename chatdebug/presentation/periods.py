"""What took time in a run: its attempts, and what lies between them.

At the full level an attempt is an HTTP round trip. At the errors level each failed
attempt is a step, and of what answered after them the run itself knows when it was. Where
other calls were made of which nothing is kept, what came between those that are known is
called not recorded, and nothing is made up in its place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import Interruption, Level, Operation, Outcome, Status
from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import calls_of
from chatdebug.presentation.endings import (
    GOOD,
    STOPPED,
    AttemptTimes,
    Ending,
    Stopper,
    attempt_times,
    ending_by,
    error_of,
    flaw_of,
    later,
    stopper_of,
)
from chatdebug.presentation.values import as_list, as_moment, as_number, as_seconds
from chatdebug.transport.attempts import EndedBy
from chatdebug.transport.connection import Connection
from chatdebug.transport.exchange import HTTP_ERRORS

BLINK = timedelta(milliseconds=1)
"""A shorter pause is none."""
NEVER = datetime.max.replace(tzinfo=UTC)


class Mark(StrEnum):
    """What a length of time was spent with."""

    QUEUE = "queue"
    OWN = "own"
    CONNECT = "connect"
    ASKED = "asked"
    ANSWER = "answer"
    SILENCE = "silence"
    CALL = "call"
    WAIT = "wait"
    UNRECORDED = "unrecorded"

    @property
    def words(self) -> str:
        """What the legend says of it."""
        return str(MARK_WORDS[self])


MARK_WORDS = {
    Mark.QUEUE: _("waiting in the queue"),
    Mark.OWN: _("this site's own work"),
    Mark.CONNECT: _("no connection yet"),
    Mark.ASKED: _("no answer yet"),
    Mark.ANSWER: _("from the answer's beginning to its end"),
    Mark.SILENCE: _("nothing more came"),
    Mark.CALL: _("a call; when its answer began is not known"),
    Mark.WAIT: _("waiting to try again"),
    Mark.UNRECORDED: _("not recorded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Something that took time; a moment that is not known is None."""

    name: str
    step: str = ""
    """The name of its step, on the first period of that; else empty."""
    mark: Mark
    """How its bar is drawn until it was connected or its answer began, as far as known."""
    began: datetime | None
    ended: datetime | None
    connected: datetime | None = None
    is_reused: bool = False
    """Whether its connection was open already."""
    answer_began: datetime | None = None
    last_part: datetime | None = None
    """When the last part of its answer came."""
    ending: Ending | None = None
    is_opening: bool = False
    """Whether it is the pause before all attempts, which says how they were come to."""
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
    known = (
        _attempts_in_full(run, steps) if _is_full(run) else _failed_attempts(run, steps)
    )
    attempts = sorted(known, key=_order)
    return list(_with_pauses(run, attempts)) if attempts else []


def queue_of(run: ChatRun) -> Period | None:
    """Return how long a run was queued, be it for no time; None if nothing tells."""
    claimed_at = claim_of(run)
    queued = as_seconds(run.told("queue_ms"))
    queued_at = None if queued is None else later(claimed_at, -queued)
    if not queued_at or not claimed_at:
        return None
    return Period(
        name=gettext("queue"), mark=Mark.QUEUE, began=queued_at, ended=claimed_at
    )


def claim_of(run: ChatRun) -> datetime | None:
    """Return when a run was claimed, or began; None if nothing tells."""
    began = as_moment(run.started_at)
    return later(began, -(as_seconds(run.told("claim_ms")) or 0.0))


def whole_of(run: ChatRun) -> timedelta | None:
    """Return how long a run took, from its queue to its end; None while it goes on."""
    began, ended = claim_of(run), as_moment(run.finished_at)
    if began is None or ended is None:
        return None
    if queue := queue_of(run):
        began = queue.began or began
    return max(ended - began, timedelta())


def step_name(number: int) -> str:
    """Return what a step is called."""
    return gettext("Step %s") % f"{number:,}"


def attempt_name(number: int) -> str:
    """Return what an attempt is called."""
    return gettext("attempt %s") % f"{number:,}"


def _is_full(run: ChatRun) -> bool:
    return run.level == Level.FULL


def _knows_all_calls(run: ChatRun) -> bool:
    """Return whether each call of a run is a period of it, so that the rest is its own work.

    One that was stopped or lost in the middle of a call knows nothing of that.
    """
    if _is_full(run):
        return True
    is_over = run.outcome in (Outcome.FAILED, Outcome.RECOVERED)
    return is_over and as_number(run.told("unrecorded_count")) == 0


def _order(period: Period) -> tuple[bool, float]:
    began = period.began
    return began is None, 0.0 if began is None else began.timestamp()


def _attempts_in_full(run: ChatRun, steps: Sequence[ChatStep]) -> Iterator[Period]:
    for call, step in enumerate(steps, start=1):
        attempts = _http_attempts(run, step)
        if not attempts:
            yield _step_as_a_whole(run, step, call)
        for index, times in enumerate(attempts):
            name = "" if index else step_name(step.step_number)
            yield _attempt(times, call, index + 1, step=name)


def _http_attempts(run: ChatRun, step: ChatStep) -> list[AttemptTimes]:
    stored = getattr(step, "attempt_times", None)
    found = as_list(step.attempts if stored is None else stored)
    return attempt_times(run, step, [one for one in found if isinstance(one, dict)])


def _attempt(times: AttemptTimes, call: int, place: int, *, step: str) -> Period:
    number = place if times.number is None else times.number
    began = times.began
    is_new = times.connection in (Connection.OPENED, Connection.NOT_OPENED)
    to_answer = times.to_head if times.to_first_part is None else times.to_first_part
    return Period(
        name=attempt_name(number),
        step=step,
        mark=Mark.CONNECT if is_new else Mark.ASKED,
        began=began,
        ended=times.ended,
        connected=later(began, times.to_connection) if is_new else None,
        is_reused=times.connection is Connection.REUSED,
        answer_began=later(began, to_answer),
        last_part=later(began, times.to_last_part),
        ending=times.ending,
        call=call,
        attempt=number,
    )


def _step_as_a_whole(run: ChatRun, step: ChatStep, call: int, name: str = "") -> Period:
    """Return a step of which no attempt is known, or one that stands for an attempt."""
    began, ended = as_moment(step.started_at), as_moment(step.finished_at)
    is_call = step.operation != Operation.RUN
    interrupted = Ending(gettext("interrupted"), tone=STOPPED)
    endings = {
        Status.ERROR: Ending(gettext("failed")),
        Status.INTERRUPTED: interrupted.stopped_by(stopper_of(run, step)),
    }
    if run.outcome is Outcome.LOST and step.status == Status.INTERRUPTED:
        # When it ended nobody knows: what is stored is when somebody missed it.
        ended, endings[Status.INTERRUPTED] = None, _lost()
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


def _failed_attempts(run: ChatRun, steps: Sequence[ChatStep]) -> Iterator[Period]:
    errors = [read_payload(error_of(step)) for step in steps]
    calls = calls_of(error["retry_count"] or 0 for error in errors)
    before = 0
    for step, error, call in zip(steps, errors, calls, strict=True):
        yield _failed_attempt(run, step, error, call, is_first=call != before)
        before = call
    if answered := _answered_attempt(run, calls[-1] if calls else 0):
        yield answered


def _answered_attempt(run: ChatRun, last_call: int) -> Period | None:
    """Return the attempt that answered after those that failed, if it is known."""
    number = as_number(run.told("answered_attempt"))
    after, took = (
        as_seconds(run.told(f"answered_{name}_ms")) for name in ("after", "in")
    )
    began = later(as_moment(run.started_at), after)
    if not number or began is None or took is None:
        return None
    is_first = number == 1  # at another call than that which failed
    answer_began = later(began, as_seconds(run.told("answered_first_part_ms")))
    call = last_call + is_first
    return Period(
        name=attempt_name(number),
        step=step_name(call) if is_first else "",
        mark=Mark.CALL if answer_began is None else Mark.ASKED,
        began=began,
        ended=later(began, took),
        answer_began=answer_began,
        ending=Ending(gettext("answered"), gettext("The answer came."), GOOD),
        call=call,
        attempt=number,
    )


def _failed_attempt(
    run: ChatRun, step: ChatStep, error: ErrorPayload, call: int, *, is_first: bool
) -> Period:
    """Return an attempt as its error tells of it."""
    number = (error["retry_count"] or 0) + 1
    whole = _step_as_a_whole(run, step, call, attempt_name(number))
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
        ending=_ending_of(run, step, error) or whole.ending,
        call=call,
        attempt=number,
    )


def _ending_of(run: ChatRun, step: ChatStep, error: ErrorPayload) -> Ending | None:
    """Return how an attempt ended: by a status, or by who closed the connection.

    A status that is no error's says less than either.
    """
    side = error["response"].get("closed_by", "")
    closed, status = ending_by(side), error["status_code"]
    if status is not None and status >= HTTP_ERRORS:
        return Ending(str(status), closed.sentence if closed else "")
    flaw = flaw_of(error_of(step))
    if closed and side == EndedBy.CLIENT:
        return closed.flawed(flaw).stopped_by(stopper_of(run, step))
    if status is not None and flaw is not None:
        return Ending(gettext("answered"), tone=GOOD).flawed(flaw)
    if closed:
        return closed
    # Of what came in the place of an answer its status tells nothing.
    return None if status is None else Ending(gettext("no answer"))


def _with_pauses(run: ChatRun, attempts: list[Period]) -> Iterator[Period]:
    if queue := queue_of(run):
        yield queue
    cursor = claim_of(run)
    last: Period | None = None
    for attempt in attempts:
        for pause in _pause(_pause_between(run, last, attempt), cursor, attempt.began):
            yield replace(pause, is_opening=last is None)
        yield attempt
        last = attempt
        # What has no end lasts until the end of all.
        ended = attempt.ended if attempt.ended or not attempt.began else NEVER
        cursor = max(filter(None, (cursor, attempt.began, ended)), default=None)
    end = as_moment(run.finished_at or run.updated_at)
    yield from _pause(_pause_after(run), cursor, end, _ending_after(run, attempts))


def _pause(
    what: tuple[str, Mark],
    began: datetime | None,
    ended: datetime | None,
    ending: Ending | None = None,
) -> Iterator[Period]:
    if began is None or ended is None or ended < began:
        return
    if ended - began >= BLINK or ending:
        name, mark = what
        yield Period(name=name, mark=mark, began=began, ended=ended, ending=ending)


def _pause_between(run: ChatRun, last: Period | None, then: Period) -> tuple[str, Mark]:
    """Say what came before an attempt, after the one before it."""
    if last is not None and last.call == then.call:
        if then.attempt == last.attempt + 1:
            return gettext("wait"), Mark.WAIT
        return gettext("other attempts"), Mark.UNRECORDED
    if _knows_all_calls(run):
        name = gettext("preparation") if last is None else gettext("between calls")
        return name, Mark.OWN
    return gettext("before this attempt"), Mark.UNRECORDED


def _pause_after(run: ChatRun) -> tuple[str, Mark]:
    """Say what came after the last attempt."""
    if run.finished_at is None:
        return gettext("still running"), Mark.UNRECORDED
    if run.outcome is Outcome.LOST:
        return gettext("no sign of life"), Mark.UNRECORDED
    if _knows_all_calls(run):
        return gettext("afterwards"), Mark.OWN
    if run.outcome is Outcome.RECOVERED:
        return gettext("until it was answered"), Mark.UNRECORDED
    return gettext("afterwards"), Mark.UNRECORDED


def _ending_after(run: ChatRun, attempts: Sequence[Period]) -> Ending | None:
    """Return how a run ended that no attempt ended with."""
    if run.outcome is Outcome.LOST:
        return _lost()
    was_stopped = any(one.ending and one.ending.is_of_the_run for one in attempts)
    if run.outcome is not Outcome.STOPPED or was_stopped:
        return None
    is_by_user = run.told("interrupted_by") == Interruption.USER
    ending = Ending(gettext("stopped"), gettext("This side ended it."), tone=STOPPED)
    return ending.stopped_by(Stopper.USER if is_by_user else None)


def _lost() -> Ending:
    """Return the ending of what nobody saw the end of."""
    sentence = gettext("The process that recorded it was lost; when, is not known.")
    return Ending(gettext("lost"), sentence, STOPPED, gettext("with its process"))
