"""Runs and their steps as people read them, in a list and opened."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils.translation import gettext

from chatdebug.enums import Level, Outcome, RunKind
from chatdebug.errors import answered_after, at_one_place, time_of_attempts, times_tried
from chatdebug.errors.payload import attempt_of, read_payload
from chatdebug.errors.sentences import AT_ONE_PLACE, Cause
from chatdebug.formats import counted, icon, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import calls_of
from chatdebug.presentation.attempts import address_of
from chatdebug.presentation.causes import LikelyCauses, report_of
from chatdebug.presentation.endings import error_of
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.periods import attempt_name, step_name, whole_of
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.shapes import shape_block
from chatdebug.presentation.timeline import Timeline
from chatdebug.presentation.titles import with_likely_cause
from chatdebug.presentation.values import as_dict, as_list

OF_AN_ADDRESS = frozenset(
    [
        *(Cause.PAGE, Cause.GATEWAY, Cause.PROXY, Cause.NO_MODEL, Cause.ADDRESS),
        *(Cause.UNKNOWN_HOST, Cause.UNREACHABLE, Cause.NOT_SECURE),
    ]
)
"""Causes that may lie in where a request was sent."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step with its error, its payloads not loaded."""

    step: ChatStep
    error: ErrorReport | None
    likely: LikelyCauses | None
    """What may have been wrong with its request; None if none was kept of it."""
    name: str
    """What it is called within its run."""
    is_at_one_place: bool = False
    """Whether it is the last of several attempts that ended at one place of the answer."""
    has_content: bool = True
    """Whether its reader may see what was said, and the names of the project's tools."""

    @classmethod
    def of(cls, step: ChatStep) -> "StepReport":
        """Read a step as it is in its run, whose other steps are read for that.

        Its error is also one that a later attempt repaired.
        """
        run = step.run
        if run.level == Level.FULL:
            return cls._of(step, step.step_number)
        others = run.steps.without_payloads().exclude(pk=step.pk)
        steps = sorted([*others, step], key=lambda one: one.step_number)
        return cls.all_of(run, steps)[steps.index(step)]

    @classmethod
    def all_of(cls, run: ChatRun, steps: Iterable[ChatStep]) -> "list[StepReport]":
        """Read the steps of a run; the attempts at one call are named as that."""
        rows = list(steps)
        alike = [_is_at_one_place(rows[: end + 1]) for end in range(len(rows))]
        if run.level == Level.FULL:
            return [
                cls._of(step, step.step_number, is_at_one_place=is_alike)
                for step, is_alike in zip(rows, alike, strict=True)
            ]
        before = [_retries(step) for step in rows]
        calls = calls_of(before)
        sizes = Counter(calls)
        return [
            # Of a call that was tried once, that it was is not worth saying.
            cls._of(
                step,
                call,
                retries if retries or sizes[call] > 1 else None,
                is_at_one_place=is_alike,
            )
            for step, call, retries, is_alike in zip(
                rows, calls, before, alike, strict=True
            )
        ]

    @classmethod
    def _of(
        cls,
        step: ChatStep,
        number: int,
        retries: int | None = None,
        *,
        is_at_one_place: bool = False,
    ) -> "StepReport":
        stored = error_of(step)
        name = step_name(number)
        if retries is not None:
            name = f"{name} · {attempt_name(retries + 1)}"
        likely = LikelyCauses.of(step) if stored else None
        error = None
        if stored:
            error = report_of(stored, likely, is_at_one_place=is_at_one_place)
        return cls(step, error, likely, name, is_at_one_place)

    @property
    def address(self) -> str:
        """Where its requests went, if that may be why it failed, and is known."""
        if self.error is None or self.error.cause not in OF_AN_ADDRESS:
            return ""
        attempts = as_list(getattr(self.step, "attempt_times", None))
        if attempts and self.has_content:
            return address_of(attempts[-1])
        return address_of({"url": as_dict(self.step.metadata).get("address")})

    @property
    def shape(self) -> Payload | None:
        """The shape of its request, where that is all that was kept, and may be seen."""
        shape = as_dict(as_dict(self.step.metadata).get("shape"))
        return shape_block(shape, self.spots) if shape and self.has_content else None

    @property
    def spots(self) -> str:
        """How the ids of the places in its request begin, on its pages."""
        return f"{self.step.pk}-"

    def without_content(self) -> "StepReport":
        """Return the same without a word of its error's own text."""
        likely = self.likely.without_content() if self.likely else None
        shown = self.error.without_content() if self.error else None
        return replace(self, error=shown, likely=likely, has_content=False)

    @property
    def is_over(self) -> bool:
        """Whether a later attempt repaired its error."""
        return self.error is not None and not self.step.error

    @property
    def icon(self) -> str:
        """The sign of its status."""
        return icon(self.step.status)

    @property
    def facts(self) -> str:
        """What it was and how long it took."""
        took = span(self.step.duration)
        return " · ".join(filter(None, (self.step.get_operation_display(), took)))


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, opened."""

    line: RunLine
    steps: list[StepReport]
    timeline: Timeline | None

    @classmethod
    def of(
        cls, run: ChatRun, steps: Iterable[ChatStep], *, asked: str = ""
    ) -> "RunReport":
        """Read a run and its steps, which need no more of their payloads than
        ``with_attempt_times`` gives."""
        rows = list(steps)
        reports = StepReport.all_of(run, rows)
        return cls(RunLine(run, asked), reports, Timeline.of(run, rows))

    def without_content(self) -> "RunReport":
        """Return the same for a reader who may know what happened, not what was said."""
        return replace(
            self,
            line=replace(self.line, asked="", has_content=False),
            steps=[step.without_content() for step in self.steps],
        )

    @property
    def failure(self) -> StepReport | None:
        """The step with the error that ended the run: the last one.

        Of a recovered run it may be an error that a later attempt repaired.
        """
        failed = [report for report in self.steps if report.error]
        if self.line.run.outcome is not Outcome.RECOVERED:
            failed = [report for report in failed if not report.is_over]
        return failed[-1] if failed else None

    @property
    def is_failed_turn(self) -> bool:
        """Whether it is a turn of a chat that failed, of which the chat itself tells."""
        is_turn = self.line.run.kind == RunKind.CHAT_TURN
        return is_turn and not self.recovery and self.failure is not None

    @property
    def heading(self) -> str:
        """What happened, with the likely cause in a few words.

        What the run is called where nothing failed.
        """
        failure = self.failure
        if self.recovery or failure is None or failure.error is None:
            return self.recovery.removesuffix(".") or self.line.title
        error, likely = failure.error, failure.likely
        first = likely.first if likely else None
        happened = error.happened.removesuffix(".")
        return with_likely_cause(happened, error.cause, first.rule if first else None)

    @property
    def largest_part(self) -> str:
        """What of its request was the most, beside what was asked; empty if unknown."""
        first = (
            self.failure.likely.first if self.failure and self.failure.likely else None
        )
        question = self.line.question
        is_whole = not question.endswith("…")
        return first.largest_beside(len(question) if is_whole else 0) if first else ""

    @property
    def state(self) -> str:
        """A text that is another one when the run is: for whoever asks again."""
        # A sweep that finds it lost leaves its revision as it is.
        revisions = [self.line.run.revision, *(one.step.revision for one in self.steps)]
        return f"{self.line.run.status}.{max(revisions)}"

    @property
    def recovery(self) -> str:
        """That another attempt answered, and which; nothing if that is not how it went."""
        if self.line.run.outcome is not Outcome.RECOVERED:
            return ""
        took = whole_of(self.line.run)
        seconds = took.total_seconds() if took else 0.0
        return answered_after(self.answered_attempt, seconds)

    @property
    def answered_attempt(self) -> int:
        """The number of the attempt after those that failed."""
        return 2 + max((_retries(report.step) for report in self.steps), default=0)

    @property
    def tried(self) -> str:
        """How often the call that ended it was tried; nothing for once, or if it did not."""
        if self.failure is None or self.recovery:
            return ""
        took = self._attempts_took
        if took is None:
            took = self.line.run.duration or timedelta()
        seconds = took.total_seconds()
        if (whole := whole_of(self.line.run)) is not None:
            seconds = time_of_attempts(seconds, whole.total_seconds())
        count, cause = 1 + _retries(self.failure.step), self.failure.error
        is_alike = cause is not None and self._has_failed_alike(count)
        met = [(cause.cause, None)] * count if cause and is_alike else []
        return times_tried(count, seconds, met=met)

    @property
    def _attempts_took(self) -> timedelta | None:
        """How long all attempts of the call that failed took, if each is recorded."""
        if self.failure is None:
            return None
        count = 1 + _retries(self.failure.step)
        known = [one.step for one in self.steps if one.error][-count:]
        if len(known) != count or known[0].started_at is None:
            return None
        ended = known[-1].finished_at
        return None if ended is None else ended - known[0].started_at

    @property
    def attempts(self) -> str:
        """How often the call that failed last was tried, and whether it met the same."""
        failure = self.failure
        count = 1 + _retries(failure.step) if failure else 0
        if failure is None or count < 2:  # the line above has it
            return ""
        attempts = counted(count, "attempt").replace(" ", "\N{NO-BREAK SPACE}")
        if not self._has_failed_alike(count):
            return f"{attempts}."
        words = gettext("Each of the %s failed in the same way.")
        is_told = failure.error is not None and failure.error.cause in AT_ONE_PLACE
        if failure.is_at_one_place and not is_told:
            words = gettext("Each of the %s failed in the same way at the same place.")
        return words % attempts

    @property
    def failed_attempt(self) -> str:
        """The number of the attempt that failed last."""
        return f"{1 + _retries(self.failure.step):,}" if self.failure else ""

    def _has_failed_alike(self, count: int) -> bool:
        """Whether so many attempts are known, and failed in one way."""
        known = [one.error for one in self.steps if one.error][-count:]
        ways = {(error.sentence, error.cause) for error in known}
        return len(known) == count and len(ways) == 1

    @property
    def lacks_text(self) -> bool:
        """Whether a text that would tell more of its failure was not recorded.

        Nobody asks for it where another attempt answered, or where it may not be seen.
        """
        is_asked_for = bool(
            self.failure is not None
            and not self.recovery
            and self.failure.error
            and self.failure.error.brief.is_shown_by
        )
        has_content = self.line.has_content
        return is_asked_for and has_content and not self.line.run.has_payloads

    @property
    def has_requests(self) -> bool:
        """Whether an HTTP request was recorded that can be sent again."""
        steps = (report.step for report in self.steps)
        return self.has_payloads and any(
            getattr(step, "attempt_times", None) for step in steps
        )

    @property
    def has_payloads(self) -> bool:
        """Whether requests and responses were recorded, and may be seen."""
        return self.line.run.has_payloads and self.line.has_content


def _is_at_one_place(steps: Sequence[ChatStep]) -> bool:
    """Whether the last of these steps is that of attempts which ended at one place."""
    count = 1 + _retries(steps[-1])
    known = [read_payload(error_of(step)) for step in steps[-count:]]
    if [attempt_of(one) for one in known] != list(range(1, count + 1)):
        return False
    met = [(one["rule"], one["characters_received"]) for one in known]
    return at_one_place(count, met)


def _retries(step: ChatStep) -> int:
    """Return how many attempts at the same call failed before that of this step."""
    return read_payload(error_of(step))["retry_count"] or 0
