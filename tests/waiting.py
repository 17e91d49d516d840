"""Waits for what happens elsewhere and tells nobody."""

import gc
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


def collect_garbage() -> None:
    """Collect it, though another thread may be doing so.

    Python's own function returns at once then, and has found nothing.
    """
    until(_has_collected)


def _has_collected() -> bool:
    cycle: list[Any] = []
    cycle.append(cycle)
    del cycle
    return gc.collect() > 0  # that one at least
