"""Begins turns, does their database work in threads, and sees it through in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from django.db import close_old_connections

from chatd.daemons import DaemonThreads

logger = logging.getLogger(__name__)

MAX_THREADS = 4
"""Short units of work only. Django's own helper would share one thread of the process
between all turns, each waiting for the others."""
GIVE_UP_AGAIN_SECONDS = 0.05

_threads = DaemonThreads(MAX_THREADS, name="chatd-turns")
_shielded: set[asyncio.Task[Any]] = set()
"""What is being seen through now."""


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


def begun_task[T](work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Begin some work now; what it breaks off with is logged.

    A task that is cancelled before its first step would not run at all.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.Task(work, loop=loop, name=name, eager_start=True)
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("The task of %s broke off", task.get_name(), exc_info=error)


async def shielded[T](work: Awaitable[T]) -> T:
    """Await some work to its end, even if this task is cancelled meanwhile.

    Such a cancellation is not raised here. Where more follows than the end of the task,
    ask ``Task.cancelling`` afterwards. Raises CancelledError only where ``end_within``
    gave the work up.
    """
    task = asyncio.ensure_future(work)
    _shielded.add(task)
    task.add_done_callback(_shielded.discard)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()


async def end_within(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> int:
    """Cancel tasks and await their ends; return how many had to give work up.

    They see through what is shielded as long as one of them ends every so many
    seconds. A database that is away would keep them for longer than whoever ends the
    process waits.
    """
    late = {task for task in tasks if not task.done()}
    for task in late:
        task.cancel()
    while late:
        ended, late = await asyncio.wait(
            late, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not ended:
            break
    given_up = len(late)
    while late:  # whoever gives one work up may begin another one, to say so
        for work in list(_shielded):
            work.cancel()
        late = (await asyncio.wait(late, timeout=GIVE_UP_AGAIN_SECONDS))[1]
    return given_up
