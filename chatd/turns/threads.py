"""Runs database work of turns in threads, and sees it through."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.db import close_old_connections

MAX_THREADS = 4
"""Short units of work only. Django's own helper would share one thread of the process
between all turns, each waiting for the others."""

_threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="chatd-turns")


async def in_thread[**P, R](
    function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run one unit of database work; its connection is given back afterwards."""

    def work() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, work)


async def shielded[T](work: Awaitable[T]) -> T:
    """Await some work to its end, even if this task is cancelled meanwhile.

    Such a cancellation is not raised here. Where more follows than the end of the task,
    ask ``Task.cancelling`` afterwards.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()
