"""Waits for what happens elsewhere and tells nobody."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

WAIT = 60  # seconds


def until(condition: Callable[[], Any], *, seconds: float = WAIT) -> None:
    """Return once the condition holds; an AssertionError says that it never did."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not happen"
        sleep(0.01)
