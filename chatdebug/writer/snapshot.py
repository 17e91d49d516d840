"""What travels from the recorder to the database: whole rows, never differences.

In the spool a row is a line of JSON, an object with ``table``, ``id``, ``run_id``,
``taken_at``, ``revision`` and ``columns``. Lines of the version before have no
``revision``; it counts as 0 then.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from traceback import walk_tb
from typing import Any
from uuid import UUID

from django.db import models

from chatdebug.enums import STATUS_RANK, Status
from chatdebug.logs import safe_logger
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads import in_utc
from chatdebug.payloads.json import json_encoder

logger = safe_logger(__name__)


class Deferred:
    """A column's value that is made when the row is written, on the writer's thread.

    Normalising a long history takes milliseconds, which the turn should not wait for.
    Made once; what it is made of must not change any more.
    """

    __slots__ = ("_make", "_value", "is_stored")

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._value: Any = None
        self.is_stored = False  # whether the database has this value in its row

    def value(self) -> Any:
        """Return the value; a note of the failure if it cannot be made."""
        make = self._make
        if make is not None:
            try:
                self._value = make()
            except Exception as error:  # noqa: BLE001 - it is made of anyone's objects
                self._value = {"error": f"chatdebug: {type(error).__name__}"}
                logger.warning("A column could not be made: %s", _type_and_place(error))
            self._make = None
        return self._value


def _type_and_place(error: Exception) -> str:
    """Return what may be logged of an error that is being handled.

    Its message may quote what was recorded.
    """
    *_, (frame, line) = walk_tb(sys.exc_info()[2])
    return f"{type(error).__name__} in {frame.f_code.co_qualname}, line {line}"


def value_of(column: Any) -> Any:
    """Return a column's value, made now if it was put off."""
    return column.value() if isinstance(column, Deferred) else column


class Table(StrEnum):
    """Where a row goes. Runs are written before the steps that refer to them.

    A ``failure`` is no row of its own in the database: it is added to its group. It says
    how many of its tally there were, and so may be added any number of times.
    """

    RUN = "run"
    STEP = "step"
    FAILURE = "failure"


MODELS: dict[Table, type[models.Model]] = {Table.RUN: ChatRun, Table.STEP: ChatStep}
FAILURE_COLUMNS = {
    *("tally", "count", "fingerprint", "title", "kind", "provider", "model"),
    *("status_code", "release", "first_seen", "last_seen", "chat_id", "owner_id"),
    "started_at",  # of its turn
}
KNOWN_COLUMNS = {
    table: {field.attname for field in model._meta.concrete_fields} - {"id"}
    for table, model in MODELS.items()
} | {Table.FAILURE: FAILURE_COLUMNS}
NULLABLE_COLUMNS = {
    table: {field.attname for field in model._meta.concrete_fields if field.null}
    for table, model in MODELS.items()
} | {Table.FAILURE: {"status_code"}}
DATETIME_COLUMNS = ("started_at", "finished_at", "first_seen", "last_seen")
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a line that is no row makes of being read; deep nesting is a RecursionError."""


@dataclass(slots=True)
class Snapshot:
    """One row as it is now: every column, JSON-safe and redacted, or ``Deferred``.

    Because a snapshot is whole, the newest one of a row replaces those that wait.
    """

    table: Table
    id: UUID
    """Primary key; snapshots with one id are versions of one row."""
    run_id: UUID
    columns: dict[str, Any]
    """Column name to value; without ``id`` and ``updated_at``."""
    is_new: bool
    """Whether this is the row's first snapshot: an INSERT, not an UPDATE."""
    is_capture: bool
    """Whether it is evidence of an error: journaled first, dropped last."""
    taken_at: datetime
    """By the wall clock, which may be set back: it orders nothing."""
    revision: int = 0
    """Counts the snapshots of a run and of its steps: of two, the higher one is newer."""
    journaled: bool = field(default=False)
    _deferred: list[Deferred] = field(default_factory=list)

    @property
    def status(self) -> Status:
        """The status that this snapshot says; a failure has none, and is over."""
        return Status(self.columns.get("status", Status.ERROR))

    @property
    def is_counted_only(self) -> bool:
        """Whether it is a failure without a stored run."""
        return self.table is Table.FAILURE and not self.is_capture

    @property
    def is_counted_later(self) -> bool:
        """Whether it is a failure that need not be written with its run.

        Either there is no such run, or the journal has the failure until it is counted.
        """
        return self.table is Table.FAILURE and (self.journaled or not self.is_capture)

    @property
    def priority(self) -> int:
        """How late it is dropped from a full queue: 0 is first."""
        if self.is_capture:
            return 2 if self.journaled else 3
        return 0 if self.status is Status.IN_PROGRESS else 1

    def with_columns(self, columns: dict[str, Any]) -> "Snapshot":
        """Return the same snapshot with other columns."""
        return replace(self, columns=columns)

    def resolve(self) -> None:
        """Make the columns that were put off, unless an UPDATE can leave them as they are.

        Evidence of an error stays whole: in the journal it must stand for itself.
        """
        is_partial = not (self.is_new or self.is_capture)
        for name, column in list(self.columns.items()):
            if not isinstance(column, Deferred):
                continue
            if column.is_stored and is_partial:
                del self.columns[name]
            else:
                self.columns[name] = column.value()
                self._deferred.append(column)

    def note_stored(self) -> None:
        """Take note that the database has the row with all of its columns."""
        for column in self._deferred:
            column.is_stored = True

    def inherit(self, older: "Snapshot") -> "Snapshot":
        """Take over what an older one has that was never written, and return this one."""
        self.is_new = self.is_new or older.is_new
        self.is_capture = self.is_capture or older.is_capture
        # As nearly always; its name is compared, which a member would have to be found for.
        if older.columns.get("status") == Status.IN_PROGRESS.value:
            return self
        # As in the database: how a run ended is for its newest row to say.
        is_ranked = self.table is Table.STEP or self.status is Status.IN_PROGRESS
        if is_ranked and STATUS_RANK[self.status] < STATUS_RANK[older.status]:
            self.columns["status"] = older.columns["status"]
            self.columns["finished_at"] = older.columns["finished_at"]
        return self


def as_lines(rows: Iterable[Snapshot]) -> bytes:
    """Return the rows as they are journaled. A row without JSON form becomes a note."""
    lines = []
    for row in rows:
        data = {
            "table": row.table,
            "id": row.id,
            "run_id": row.run_id,
            "taken_at": row.taken_at.isoformat(),
            "revision": row.revision,
        }
        try:
            # UUIDs and times become text; both are read back by _from_line.
            line = json_encoder(str)(data | {"columns": row.columns}).encode()
        except Exception:  # noqa: BLE001 - anyone's object; other rows share the file
            columns = {name: _plain(value) for name, value in row.columns.items()}
            line = json.dumps(data | {"columns": columns}, default=str).encode()
        lines.append(line + b"\n")
    return b"".join(lines)


def _plain(value: Any) -> Any:
    """Return what can be journaled of a column: itself, or the error that it makes."""
    try:
        json.dumps(value, default=str)
    except Exception as error:  # noqa: BLE001 - anyone's object
        return {"error": f"chatdebug: {type(error).__name__}"}
    return value


def from_lines(data: bytes) -> tuple[list[Snapshot], int]:
    """Return the rows, runs first, and how many lines are no rows."""
    rows, damaged = [], 0
    for line in data.splitlines():
        try:
            rows.append(_from_line(line))
        except (*UNREADABLE, RecursionError):
            damaged += 1
    return sorted(rows, key=lambda row: row.table is not Table.RUN), damaged


def _from_line(line: bytes) -> Snapshot:
    data = json.loads(line)
    table = Table(data["table"])
    given: dict[str, Any] = data["columns"]
    # Another version may have columns, or nulls, that this one has no place for.
    columns = {
        name: given[name]
        for name in given.keys() & KNOWN_COLUMNS[table]
        if given[name] is not None or name in NULLABLE_COLUMNS[table]
    }
    for name in DATETIME_COLUMNS:
        if columns.get(name) is not None:
            columns[name] = datetime.fromisoformat(columns[name])
            in_utc(columns[name])  # else no page and no export could show it
    if table is Table.FAILURE:
        UUID(columns["tally"])  # else it is no failure that could be counted
    else:
        columns["status"] = Status(columns["status"]).value
    return Snapshot(
        table=table,
        id=UUID(data["id"]),
        run_id=UUID(data["run_id"]),
        columns=columns,
        is_new=True,
        is_capture=True,
        taken_at=datetime.fromisoformat(data["taken_at"]),
        revision=int(data.get("revision", 0)),
        journaled=True,
    )
