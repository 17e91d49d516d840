"""How an error ends a run, and the steps made of it where no call was at fault."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatdebug.deployment_rules import renew_rules
from chatdebug.enums import Level, Operation, Status
from chatdebug.errors import Classification, KnownError, classify, walk
from chatdebug.errors.chain import leaves
from chatdebug.recorder.counting import count_failure
from chatdebug.recorder.rule_watch import watch_rules
from chatdebug.recorder.seen_errors import is_recorded_inside
from chatdebug.recorder.step import Step

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

STEPS_OF_GROUP = 8
"""Of an exception group, how many members become steps, or are counted."""


class Ending:
    """How an error ends a run, and which of it no step holds yet."""

    def __init__(
        self, run: "Run", error: BaseException, recorded: Sequence[BaseException]
    ) -> None:
        renew_rules()
        provider = run.facts.provider
        self._run = run
        self._failures = _unrecorded(error, recorded, provider=provider)
        # What a step holds was classified there, and found to be a failure.
        is_recorded = any(error is known for known in recorded)
        found = next((found for one, found in self._failures if one is error), None)
        if found is None and not is_recorded:
            found = classify(error, provider=provider)
        is_stop = found is not None and found.cancelled
        self.outcome = Status.INTERRUPTED if is_stop else Status.ERROR

    def record(self) -> None:
        """Make steps of what made the run fail, unless one holds it.

        What has left a run inside of this one is recorded there. At the full level it is
        a step here too, for what is recorded in full is whole by itself, but is not
        counted.

        What ends a run without being a failure, a cancellation or the caller's own
        deadline, makes no step at any level.
        """
        run = self._run
        for failure, found in self._failures:
            is_failure = not (found.cancelled or found.deadline)
            if run.level is not Level.FULL and is_recorded_inside(run, failure):
                if is_failure:
                    run.failed_with = run.failed_with or found.kind
                continue
            step = Step(run, Operation.RUN)
            step.started = run.started
            if is_failure and (found.captured or run.level is Level.FULL):
                step.fail(failure, found=found)
                continue
            if found.own_rules:
                watch_rules(failure, found, step=step)
            if is_failure and run.failed_with is None:  # in no call either
                count_failure(step, found)


def _unrecorded(
    error: BaseException, recorded: Sequence[BaseException], *, provider: str
) -> list[tuple[BaseException, Classification]]:
    """Return the error and what it is, unless it, or one in its chain, is recorded.

    Of a group the members, those that are captured first: however many known ones come
    before an unknown one, its evidence is not lost.

    What the recorder finds out by itself, such as a stream that just ends, is an object
    of its own; a caller who finds it out too raises another one, which says the same.
    """
    failures = [
        (failure, classify(failure, provider=provider))
        for failure in leaves(error, without=recorded)
        if not _is_recorded(failure, recorded)
    ]
    failures.sort(key=lambda one: not one[1].captured)
    return failures[:STEPS_OF_GROUP]


def _is_recorded(error: BaseException, recorded: Sequence[BaseException]) -> bool:
    return any(
        link is known
        or (
            isinstance(link, KnownError)
            and type(link) is type(known)
            and link.args == known.args
        )
        for link in walk(error)
        for known in recorded
    )
