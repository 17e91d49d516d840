"""Errors that leave a run without having been any step's: evidence of their own."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from chatdebug.enums import Level, Operation
from chatdebug.errors import KnownError, classify, walk
from chatdebug.recorder.step import Step

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

MEMBERS = 8
"""Of an exception group, how many members become steps."""


def record_escaped(
    run: "Run", error: BaseException, *, recorded: Sequence[BaseException]
) -> None:
    """Make a step of an error that no step holds, if the run's level keeps such errors.

    ``recorded`` are the errors that steps hold. What ends a run without being a failure,
    a cancellation or the caller's own deadline, makes none at any level.
    """
    for failure in islice(_unrecorded(error, recorded), MEMBERS):
        classification = classify(failure, provider=run.facts.provider)
        is_ending = classification.cancelled or classification.deadline
        if not is_ending and (classification.captured or run.level is Level.FULL):
            step = Step(run, Operation.RUN)
            step.started = run.started
            step.fail(failure)


def _unrecorded(
    error: BaseException, recorded: Sequence[BaseException]
) -> Iterator[BaseException]:
    """Yield the error unless it, or one in its chain, is recorded; of a group each member."""
    if isinstance(error, BaseExceptionGroup) and not any(
        error is known for known in recorded
    ):
        for member in error.exceptions:
            yield from _unrecorded(member, recorded)
    elif not any(_is_same(link, known) for link in walk(error) for known in recorded):
        yield error


def _is_same(link: BaseException, known: BaseException) -> bool:
    """Return whether these are one failure.

    What the recorder finds out by itself, such as a stream that just ends, is an object
    of its own; a caller who finds it out too raises another one.
    """
    if link is known:
        return True
    is_known = isinstance(link, KnownError) and type(link) is type(known)
    return is_known and link.args == known.args
