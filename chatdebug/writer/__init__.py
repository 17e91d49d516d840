"""Brings rows to the database without the turn waiting for it: one writer a process."""

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from chatdebug.conf import recorder_settings
from chatdebug.writer.counters import Counters
from chatdebug.writer.snapshot import Later, Snapshot, Table, value_of
from chatdebug.writer.thread import Writer

__all__ = [
    "Counters",
    "Later",
    "Snapshot",
    "Table",
    "Writer",
    "close_writer",
    "replaced_writer",
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
            current = _writers[os.getpid()] = _make()
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


def _real_writer() -> Writer:
    return Writer(recorder_settings())


_make: Callable[[], Writer] = _real_writer


def close_writer(timeout: float | None = None) -> None:
    """Write what waits and end the writer's threads; a later row starts a new writer."""
    with _lock:
        current = _writers.pop(os.getpid(), None)
    if current is not None:
        current.close(recorder_settings().FLUSH_SECONDS if timeout is None else timeout)


atexit.register(close_writer)
