"""What ends a run, and the steps that are made of it where no call was at fault."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatdebug.deployment_rules import renew_rules
from chatdebug.enums import Level, Operation, Status
from chatdebug.errors import classify
from chatdebug.recorder.counting import count_failure
from chatdebug.recorder.failures import unrecorded_failures
from chatdebug.recorder.passed import is_passed
from chatdebug.recorder.rule_watch import watch_rules
from chatdebug.recorder.step import Step

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run


def outcome_of(
    run: "Run", error: BaseException, recorded: Sequence[BaseException]
) -> Status:
    """Return how a run ends by an error: as interrupted, if that is a cancellation."""
    renew_rules()
    # What a step holds was classified there, and found to be a failure.
    if any(error is known for known in recorded):
        return Status.ERROR
    is_stop = classify(error, provider=run.facts.provider).cancelled
    return Status.INTERRUPTED if is_stop else Status.ERROR


def record_ending(
    run: "Run", error: BaseException, recorded: Sequence[BaseException]
) -> None:
    """Make a step of what made a run fail, unless one holds it.

    What has left a run inside of this one is recorded there. At the full level it is a
    step here too, for what is recorded in full is whole by itself, but is not counted.

    What ends a run without being a failure, a cancellation or the caller's own deadline,
    makes no step at any level.
    """
    provider = run.facts.provider
    for failure, found in unrecorded_failures(error, recorded, provider=provider):
        is_ending = found.cancelled or found.deadline
        if run.level is not Level.FULL and is_passed(run, failure):
            if not is_ending:
                run.failed_with = run.failed_with or found.kind
            continue
        step = Step(run, Operation.RUN)
        step.started = run.started
        if not is_ending and (found.captured or run.level is Level.FULL):
            step.fail(failure)
        else:
            if found.own_rules:
                watch_rules(failure, found, step=step)
            if not is_ending and run.failed_with is None:  # in no call either
                count_failure(step, found)
