"""What an answer costs, as it is told of one that took several attempts."""

import pytest

from chatd.turns.effort import Effort
from chatdebug.errors import IncompleteStreamError, classify


def test_an_effort_counts_its_attempts_and_stands_still_after_them() -> None:
    effort = Effort()
    assert (effort.attempts, effort.seconds) == (0, 0)
    failures = [classify(ValueError(text)) for text in ("the first", "the second")]
    for failure in failures:
        effort.begin_attempt()
        effort.end_attempt(failure)
    assert effort.attempts == 2
    assert effort.failures == failures
    took = effort.seconds
    assert effort.seconds == took


@pytest.mark.parametrize(
    ("reached", "is_at_one_place"),
    [((76, 76), True), ((76, 9), False), ((0, 0), False), ((76,), False)],
)
def test_attempts_end_at_one_place_if_as_much_had_come_in_each(
    reached: tuple[int, ...], is_at_one_place: bool
) -> None:
    effort = Effort()
    for characters in reached:
        effort.begin_attempt()
        effort.end_attempt(classify(IncompleteStreamError()), characters=characters)
    assert effort.is_at_one_place == is_at_one_place
