"""Brings rows to the database without the turn waiting for it: one writer a process."""

import atexit
import os
from threading import Lock

from chatdebug.conf import recorder_settings
from chatdebug.writer.counters import Counters
from chatdebug.writer.snapshot import Deferred, Snapshot, Table, value_of
from chatdebug.writer.thread import Writer

__all__ = [
    "Counters",
    "Deferred",
    "Snapshot",
    "Table",
    "Writer",
    "close_writer",
    "value_of",
    "writer",
]

_lock = Lock()
_writers: dict[
    int, Writer
] = {}  # at most one, under the id of the process that owns it


def writer() -> Writer:
    """Return the writer of this process; the first call makes it.

    A forked child gets its own, since threads and connections do not survive a fork.
    """
    with _lock:
        current = _writers.get(os.getpid())
        if current is None:
            _writers.clear()
            current = _writers[os.getpid()] = Writer(recorder_settings())
        return current


def close_writer(timeout: float | None = None) -> None:
    """Write what waits and end the writer's threads; a later row starts a new writer."""
    with _lock:
        current = _writers.pop(os.getpid(), None)
    if current is not None:
        current.close(recorder_settings().FLUSH_SECONDS if timeout is None else timeout)


atexit.register(close_writer)
