"""What an answer costs, as it is told of one that took several attempts."""

from chatd.turns.effort import Effort


def test_the_time_between_attempts_was_waited() -> None:
    effort = Effort()
    effort.begin_attempt()
    effort.end_attempt()
    before = effort.seconds
    assert effort.waited == 0
    effort.begin_attempt()
    assert 0 < effort.waited <= effort.seconds - before
    waited = effort.waited
    effort.end_attempt()
    assert effort.waited == waited, "what follows the last one is no wait between two"
