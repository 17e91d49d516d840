"""What travels from the recorder to the database: whole rows, never differences."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chatdebug.enums import Status

STATUS_RANK = {
    Status.IN_PROGRESS: 0,
    Status.INTERRUPTED: 1,
    Status.ERROR: 2,
    Status.COMPLETED: 3,
}
"""A row's status never falls back (reference (c), "Step status priority")."""


class Table(StrEnum):
    """Where a row goes. Runs are written before the steps that refer to them."""

    RUN = "run"
    STEP = "step"


@dataclass(slots=True)
class Snapshot:
    """One row as it is now: every column, JSON-safe and redacted already.

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
            return 2
        return 0 if self.status is Status.IN_PROGRESS else 1

    def replacing(self, older: "Snapshot") -> "Snapshot":
        """Return this snapshot with what it inherits from one that was never written."""
        self.is_new = self.is_new or older.is_new
        self.is_capture = self.is_capture or older.is_capture
        if STATUS_RANK[self.status] < STATUS_RANK[older.status]:
            self.columns["status"] = older.columns["status"]
            self.columns["finished_at"] = older.columns["finished_at"]
        return self
