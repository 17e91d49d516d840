"""Calls and attempts are counted the same, whatever is recorded of them."""

from collections.abc import Sequence

import pytest

from chatdebug.enums import Level, Operation
from chatdebug.models.runs import calls_of
from chatdebug.recorder.arguments import RunFacts
from chatdebug.recorder.columns import summarise
from chatdebug.recorder.run import Run
from chatdebug.recorder.step import Step


@pytest.mark.parametrize(
    ("retries", "calls"),
    [
        ([], []),
        ([0], [1]),
        ([3], [1]),
        ([0, 1, 2], [1, 1, 1]),
        ([0, 2, 0, 1], [1, 1, 2, 2]),
        ([0, 0, 0], [1, 2, 3]),
        ([2, 1], [1, 2]),
    ],
)
def test_attempts_with_growing_numbers_are_one_call(
    retries: list[int], calls: list[int]
) -> None:
    assert calls_of(retries) == calls


def counts(
    level: Level, retries: Sequence[int], operation: Operation = Operation.STREAM
) -> tuple[int, int]:
    run = Run(RunFacts(chat_id="c"), level)
    steps = [Step(run, operation) for _ in retries]
    for step, count in zip(steps, retries, strict=True):
        step.retries = count
    summary = summarise("", steps)
    return summary["step_count"], summary.get("attempt_count", 0)


def test_three_attempts_at_one_answer_are_one_step_at_every_level() -> None:
    assert counts(Level.ERRORS, [0, 1, 2]) == (1, 3)
    assert counts(Level.FULL, [2]) == (1, 3)  # one row, whichever attempt ended it


def test_attempts_of_which_only_the_last_was_recorded_count_all() -> None:
    assert counts(Level.ERRORS, [4]) == (1, 5)


def test_what_failed_outside_of_a_call_is_no_attempt() -> None:
    assert counts(Level.ERRORS, [0], Operation.RUN) == (1, 0)
