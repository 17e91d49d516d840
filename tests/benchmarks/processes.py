"""Measuring in several processes, one after the other.

Where objects come to lie in memory differs from process to process, and with it what a turn
costs, by some per cent in either direction: that many turns in one process do not show. It
is the same for all that is measured side by side there, but not the same amount.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import django

PROCESSES = 7


def measured_in_processes[T](measure: Callable[..., T], *arguments: object) -> list[T]:
    """Return what a function of a module returns in each of ``PROCESSES`` new ones."""
    with ProcessPoolExecutor(
        max_workers=1,
        max_tasks_per_child=1,
        mp_context=get_context("spawn"),
        initializer=_prepare,
    ) as pool:
        return [pool.submit(measure, *arguments).result() for _ in range(PROCESSES)]


def _prepare() -> None:
    django.setup()
    logging.disable(logging.WARNING)
