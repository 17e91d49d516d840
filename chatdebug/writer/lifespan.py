"""The one writer of a process: made when it is first asked for, closed when a server ends."""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import RLock

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started

from chatdebug.conf import recorder_settings
from chatdebug.logs import safe_logger
from chatdebug.writer.thread import Writer

logger = safe_logger(__name__)

FIRST_REQUEST = "chatdebug.writer.lifespan"

_lock = RLock()
# At most one, under the id of the process that owns it.
_writers: dict[int, Writer] = {}


# Known, for each turn asks several times, and each call of getpid asks the kernel.
_process = os.getpid()


def _note_process() -> None:
    global _process
    _process = os.getpid()


os.register_at_fork(after_in_child=_note_process)


def process_id() -> int:
    """Return the id of this process, which a fork of it does not have."""
    return _process


def _real_writer() -> Writer:
    return Writer(recorder_settings())


_make: Callable[[], Writer] = _real_writer


def writer() -> Writer:
    """Return the writer of this process; the first call makes it.

    A forked child gets its own, since threads and connections do not survive a fork.
    """
    found = _writers.get(_process)
    if found is not None:  # as for all calls but the first
        return found
    with _lock:
        current = _writers.get(_process)
        if current is None:
            _writers.clear()
            current = _writers[_process] = _make()
        return current


@contextmanager
def replaced_writer(make: Callable[[], Writer] | None = None) -> Iterator[None]:
    """Let this process, and its children, use another writer inside the block.

    Without a function that makes it, a real one, which is closed at the end. For tests.
    """
    global _make
    with _lock:
        before, _make = (_make, dict(_writers)), make or _real_writer
        _writers.clear()
    try:
        yield
    finally:
        close_writer()
        with _lock:
            _make, kept = before
            _writers.update(kept)


def close_writer(timeout: float | None = None) -> None:
    """Write what waits and end the writer's threads; a later row starts a new writer."""
    with _lock:
        current = _writers.pop(_process, None)
    if current is not None:
        current.close(recorder_settings().FLUSH_SECONDS if timeout is None else timeout)


atexit.register(close_writer)


@asynccontextmanager
async def recorder_lifespan() -> AsyncIterator[None]:
    """Start the writer, and flush it at the end, inside an ASGI lifespan.

    With the writer begins the import of captures that an earlier process left in the
    spool, and the periodic sweep of runs whose process is gone. Without this, both wait
    for the first row; the flush happens at exit then, but not after a SIGTERM.
    """
    request_started.disconnect(dispatch_uid=FIRST_REQUEST)
    writer().start()
    try:
        yield
    finally:
        await asyncio.to_thread(close_writer)


def watch_for_lifespan() -> None:
    """Warn once, at the first request, if an ASGI server serves without a lifespan.

    No check can know it: ``manage.py check`` is another process than the server.
    """
    request_started.connect(_warn_without_lifespan, dispatch_uid=FIRST_REQUEST)


def _warn_without_lifespan(*, sender: object, **kwargs: object) -> None:
    if not isinstance(sender, type):
        return
    if not issubclass(sender, ASGIHandler | WSGIHandler):
        return  # a test's client
    request_started.disconnect(dispatch_uid=FIRST_REQUEST)
    if issubclass(sender, ASGIHandler):
        logger.warning(
            "This server runs without chatdebug.recorder.recorder_lifespan: what waits in "
            "the spool is imported with the next failure, and a SIGTERM may cost what "
            "waits outside of it."
        )
