"""Waits, at the end of a run, until its evidence is durable; changes nothing else.

A cancellation that comes meanwhile is not lost: it is delivered when the wait is over, as
if the recorder were not there.
"""

import asyncio
import sys
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connections

from chatdebug.conf import recorder_settings
from chatdebug.recorder.run import Run
from chatdebug.writer import writer

type Durable = Future[bool]


def wait_in_thread(run: Run, durable: Durable) -> None:
    """Wait for at most ``FLUSH_SECONDS``; not at all where an event loop would stand still.

    Where the database waits for this very thread, only the journal is waited for.
    """
    if _in_event_loop() or run.id is None:
        return
    is_in_the_way = _holds_the_lock()
    waited: Future[Any] = writer().journal_flushed(run.id) if is_in_the_way else durable
    try:
        waited.result(recorder_settings().FLUSH_SECONDS)
    except TimeoutError:
        run.flush_timed_out()


async def wait_in_task(run: Run, durable: Durable, error: BaseException | None) -> None:
    """Wait for at most ``FLUSH_SECONDS``, cancelled or not.

    Raises the cancellation that came meanwhile. If an error is leaving the block, that
    goes on, and the cancellation comes at the task's next wait.
    """
    if not _in_event_loop():
        return  # another one, like trio's
    with _shield():
        cancellation = await _wait(durable, recorder_settings().FLUSH_SECONDS)
    if not durable.done():
        run.flush_timed_out()
    if cancellation is not None:
        if error is None:
            raise cancellation
        _deliver_later()


async def _wait(durable: Durable, seconds: float) -> asyncio.CancelledError | None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    waiting = asyncio.wrap_future(durable)
    cancellation = None
    # The thread's own future first: whoever cancels at each turn of the loop lets no
    # other future be seen.
    while not durable.done() and (left := deadline - loop.time()) > 0:
        try:
            await asyncio.wait([waiting], timeout=left)
        except asyncio.CancelledError as error:
            cancellation = error
    return cancellation


def _shield() -> AbstractContextManager[Any]:
    """Return a block that a cancelled scope of anyio leaves in peace.

    Else anyio would cancel this task at each turn of the loop, at the full use of a CPU,
    until the wait is over; it does so again afterwards.
    """
    anyio = sys.modules.get("anyio")
    if anyio is None or asyncio.current_task() is None:
        return nullcontext()
    scope: AbstractContextManager[Any] = anyio.CancelScope(shield=True)
    return scope


def _deliver_later() -> None:
    """Cancel this task again, once the error has left everything that handles both.

    Whoever asked for the cancellation, like ``asyncio.timeout``, takes it back where the
    error passes by; nothing is left to deliver then. Else the next wait is cancelled.
    """
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().call_soon(_cancel_again, task)


def _cancel_again(task: asyncio.Task[Any]) -> None:
    if not task.done() and task.cancelling():
        task.uncancel()  # it has been counted already
        task.cancel()


def _holds_the_lock() -> bool:
    """Whether this thread is in a transaction of the SQLite database that is written to.

    The writer waits for its end then, which would not come while this thread waits.
    """
    written = connections.settings.get(recorder_settings().DATABASE, {})
    return any(
        connection.vendor == "sqlite"
        and connection.connection is not None
        and not connection.autocommit
        and connection.settings_dict["NAME"] == written.get("NAME")
        for connection in connections.all(initialized_only=True)
    )


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
