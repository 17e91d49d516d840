"""What travels from the recorder to the database: whole rows, never differences."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from traceback import walk_tb
from typing import Any
from uuid import UUID

from chatdebug.enums import Status

logger = logging.getLogger(__name__)

STATUS_RANK = {
    Status.IN_PROGRESS: 0,
    Status.INTERRUPTED: 1,
    Status.ERROR: 2,
    Status.COMPLETED: 3,
}
"""A row's status never falls back (reference (c), "Step status priority")."""


class Later:
    """A column's value that is made when the row is written, on the writer's thread.

    Normalising a long history takes milliseconds, which the turn should not wait for.
    Made once; what it is made of must not change any more.
    """

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._value: Any = None

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
    """Return what may be logged of an error: its message may quote what was recorded."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    return f"{type(error).__name__} in {frame.f_code.co_qualname}, line {line}"


def value_of(column: Any) -> Any:
    """Return a column's value, made now if it was put off."""
    return column.value() if isinstance(column, Later) else column


class Table(StrEnum):
    """Where a row goes. Runs are written before the steps that refer to them."""

    RUN = "run"
    STEP = "step"


@dataclass(slots=True)
class Snapshot:
    """One row as it is now: every column, JSON-safe and redacted, or ``Later``.

    Because a snapshot is whole, the newest one of a row replaces those that wait.
    """

    table: Table
    id: UUID
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

    @property
    def key(self) -> tuple[Table, UUID]:
        """What makes two snapshots those of one row."""
        return (self.table, self.id)

    @property
    def status(self) -> Status:
        """The status that this snapshot says."""
        return Status(self.columns["status"])

    @property
    def worth(self) -> int:
        """How late it is dropped from a full queue: 0 is first."""
        if self.is_capture:
            return 2 if self.journaled else 3
        return 0 if self.status is Status.IN_PROGRESS else 1

    def with_columns(self, columns: dict[str, Any]) -> "Snapshot":
        """Return the same snapshot with other columns."""
        return replace(self, columns=columns)

    def resolve(self) -> None:
        """Make the columns that were put off."""
        for name, column in self.columns.items():
            self.columns[name] = value_of(column)

    def replacing(self, older: "Snapshot") -> "Snapshot":
        """Return this snapshot with what it inherits from one that was never written."""
        self.is_new = self.is_new or older.is_new
        self.is_capture = self.is_capture or older.is_capture
        if STATUS_RANK[self.status] < STATUS_RANK[older.status]:
            self.columns["status"] = older.columns["status"]
            self.columns["finished_at"] = older.columns["finished_at"]
        return self
