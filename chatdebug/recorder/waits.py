"""How an error waits, before it leaves a call or a run, until its evidence is durable."""

import asyncio
import sys
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from django.db import connections

from chatdebug.conf import recorder_settings
from chatdebug.safety import in_event_loop
from chatdebug.writer import writer

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run


def wait_in_thread(run: "Run", durable: Future[Any]) -> None:
    """Wait for at most ``FLUSH_SECONDS``; not at all where an event loop would stand still.

    Where the database waits for this very thread, only the journal is waited for.
    """
    if in_event_loop() or run.id is None:
        return
    waited: Future[Any] = durable
    if _holds_the_lock():
        waited = writer().journal_flushed(run.id)
    try:
        waited.result(recorder_settings().FLUSH_SECONDS)
    except TimeoutError:
        run.flush_timed_out()


async def wait_in_task(
    run: "Run", durable: Future[Any], error: BaseException | None
) -> None:
    """Wait for at most ``FLUSH_SECONDS``, cancelled or not.

    Raises the cancellation that came meanwhile. If an error is leaving the block, that
    goes on, and the cancellation comes at the task's next wait.
    """
    if not in_event_loop():
        return  # another one, like trio's
    loop = asyncio.get_running_loop()
    deadline = loop.time() + recorder_settings().FLUSH_SECONDS
    cancellation = None
    with _shield():
        waiting = asyncio.wrap_future(durable)
        # The thread's own future first: whoever cancels at each turn of the loop lets no
        # other future be seen.
        while not durable.done() and (left := deadline - loop.time()) > 0:
            try:
                await asyncio.wait([waiting], timeout=left)
            except asyncio.CancelledError as cancelled:
                cancellation = cancelled
    if not durable.done():
        run.flush_timed_out()
    if cancellation is not None and error is None:
        raise cancellation
    if cancellation is not None and (task := asyncio.current_task()) is not None:
        # Once the error has left everything that handles both.
        loop.call_soon(_cancel_again, task)


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


def _cancel_again(task: asyncio.Task[Any]) -> None:
    """Cancel a task whose cancellation came while it waited here.

    Whoever asked for it, like ``asyncio.timeout``, takes it back where the error passes
    by; nothing is left to deliver then. Else the next wait is cancelled.
    """
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
