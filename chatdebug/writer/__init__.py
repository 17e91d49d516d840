"""Brings rows to the database without the turn waiting for it: one writer a process."""

from chatdebug.writer.counters import Counters
from chatdebug.writer.lifespan import (
    close_writer,
    process_id,
    recorder_lifespan,
    replaced_writer,
    writer,
)
from chatdebug.writer.snapshot import Deferred, Snapshot, Table, value_of
from chatdebug.writer.statistics import Failure
from chatdebug.writer.thread import Writer

__all__ = [
    "Counters",
    "Deferred",
    "Failure",
    "Snapshot",
    "Table",
    "Writer",
    "close_writer",
    "process_id",
    "recorder_lifespan",
    "replaced_writer",
    "value_of",
    "writer",
]
