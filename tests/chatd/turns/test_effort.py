"""What an answer costs, as it is told of one that took several attempts."""

from chatd.turns.effort import Effort
from chatdebug.errors import classify


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
