"""What the writer of this process has done so far, for the status command and page."""

from dataclasses import dataclass, fields
from datetime import datetime
from threading import RLock
from typing import Any

_lock = RLock()


@dataclass(slots=True)
class Counters:
    """Numbers since the process started. Every loss is counted somewhere here."""

    written: int = 0
    """Rows that reached the database."""
    journaled: int = 0
    """Rows of captures made durable in the spool before the database had them."""
    imported: int = 0
    """Rows of captures taken from the spool into the database."""
    dropped: int = 0
    """Row snapshots given up because the queue was full."""
    deferred: int = 0
    """Rows of captures that had no place in the queue, and come from the journal later."""
    orphaned: int = 0
    """Rows not written because they, or their run, had been deleted meanwhile."""
    refused: int = 0
    """Rows that the database does not take, whatever is done; kept as ``.damaged``.

    Where that cannot be written, what was journaled of them stays in the journal.
    """
    mended: int = 0
    """Rows stored without the columns that the database did not take."""
    suppressed: int = 0
    """Captures counted on a stored run instead of being stored: the same failure again."""
    failures: int = 0
    """Attempts to write that the database did not answer as it should."""
    journal_failures: int = 0
    """Rows of captures that could not be made durable in the spool."""
    unsafe: int = 0
    """Failures that were shown before anything durable held their evidence."""
    evicted: int = 0
    """HTTP attempts of running calls that were let go, because the box was full."""
    last_error: str = ""
    """Class of the last error; its text may hold what must not be shown."""
    last_error_at: datetime | None = None

    def add(self, **amounts: int) -> None:
        """Add to the named counters."""
        with _lock:
            for name, amount in amounts.items():
                setattr(self, name, getattr(self, name) + amount)

    def note_error(self, error: BaseException, at: datetime) -> None:
        """Remember the last error."""
        with _lock:
            self.last_error, self.last_error_at = type(error).__name__, at

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
