"""What a process has counted of each failure, and keeps until the database has it.

A failure is held here and reported a second later, with all others of that second: what
a group costs, it costs once for all of them. Until then something durable says so. One
whose run is stored stands in the journal beside that run, in a file that waits for both.
One that is only counted is a line in a file of this process, which survives a kill. No turn
waits for a disk because of it: the line is not synced, so that a power cut takes the counts
of the last seconds along.

The file ``<id>.tally`` is locked by its process while that lives. Whoever can lock it
imports it, and removes it; doing so twice, or too early, would count nothing twice.
"""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock, RLock
from typing import Any
from uuid import UUID

from chatdebug.logs import safe_logger
from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import OVERFLOW, new_id
from chatdebug.writer.counters import Counters
from chatdebug.writer.database import count_failures
from chatdebug.writer.locks import FileLock, lock_new, lock_of_lost_process
from chatdebug.writer.snapshot import Snapshot, Table, as_lines, from_lines
from chatdebug.writer.spool import Spool

logger = safe_logger(__name__)

TALLIES = 2_000
"""How many failures a process tells from each other within an hour; of others it knows
only that they were."""
FILE_BYTES = 256 * 1024
"""A file that has grown beyond this is written anew, with one line for each tally."""

type Cause = tuple[str, str]
"""A fingerprint and a model."""

OVERFLOWING: Cause = (OVERFLOW, "")
"""Of failures that are not told from each other."""
OF_ANY_CAUSE = {
    "fingerprint": OVERFLOW,
    "title": "",
    "provider": "",
    "model": "",
    "status_code": None,
}
"""What is said of them."""


@dataclass(slots=True)
class OwnTally:
    """A tally of this process, with what all failures of its cause have in common."""

    columns: dict[str, Any]
    count: int = 0


class Tallies:
    """The tallies of one process. Every method may be called from any thread."""

    def __init__(
        self, folder: Path | None, *, counters: Counters, spool: Spool | None = None
    ) -> None:
        self._file = TallyFile(folder) if folder is not None else None
        self._folder = folder
        self._spool = spool
        self._counters = counters
        self._tallies: dict[tuple[Cause, datetime], OwnTally] = {}
        self._held: dict[str, list[Snapshot]] = {}
        self._lock = RLock()
        self._writing = Lock()  # apart: a disk that hangs must not hold up the database

    def __bool__(self) -> bool:
        return bool(self._held)

    def count(
        self,
        cause: Cause,
        describe: Callable[[], dict[str, Any]],
        *,
        affected: dict[str, Any],
        run_id: UUID,
        at: datetime,
    ) -> Snapshot:
        """Count a failure; return it as what travels to the database.

        ``describe`` returns the columns that failures of this cause have in common, and
        is asked for the first one of an hour; ``affected`` are those of its turn.
        """
        hour = at.replace(minute=0, second=0, microsecond=0)
        described = None if (cause, hour) in self._tallies else describe()
        with self._lock:
            tally = self._tallies.get((cause, hour)) or self._begin(
                cause, hour, described or describe()
            )
            tally.count += 1
            count = tally.count
        return Snapshot(
            table=Table.FAILURE,
            id=new_id(),
            run_id=run_id,
            columns={
                **tally.columns,
                **affected,
                "count": count,
                "first_seen": at,
                "last_seen": at,
            },
            is_new=True,
            is_capture=False,
            taken_at=at,
        )

    def hold(self, failures: Sequence[Snapshot]) -> None:
        """Keep failures until they are reported: journaled ones, or only counted ones."""
        surplus = []
        with self._lock:
            for failure in failures:
                held = self._held.setdefault(failure.columns["tally"], [])
                held.append(failure)
                if len(held) > AFFECTED_KNOWN:  # it knows enough chats by their names
                    highest = max(held, key=_count)
                    surplus.append(held.pop(0 if held[0] is not highest else 1))
        self._forget_captures(surplus)
        counted = [failure for failure in failures if not failure.journaled]
        if self._file is None or not counted:
            return
        try:
            with self._writing:
                if self._file.append(as_lines(counted)) > FILE_BYTES:
                    self._file.replace(self._lines())
        except OSError as error:
            self._counters.note_error(error, failures[-1].taken_at)
            logger.warning("Counted failures are only in memory", exc_info=error)

    def report(self, *, using: str) -> None:
        """Bring what is held to the database.

        Raises the database's error when it is the database that does not work; nothing is
        let go of then.
        """
        reported = self._rows()
        if not reported:
            return
        count_failures(reported, using=using, counters=self._counters)
        done = {id(failure) for failure in reported}
        with self._lock:
            for tally, held in list(self._held.items()):
                left = [failure for failure in held if id(failure) not in done]
                if left:
                    self._held[tally] = left
                else:
                    del self._held[tally]
        self._forget_captures(reported)
        self._shorten()

    def import_left_behind(self, *, using: str) -> int:
        """Bring what processes that are gone have counted to the database.

        Returns how many failures their files named. Raises the database's error when it
        does not work; the files stay then.
        """
        if self._folder is None or not self._folder.is_dir():
            return 0
        named = 0
        # A draft of a process that was killed holds nothing that its file does not.
        for path in sorted(self._folder.glob("*.tally*")):
            if self._file is not None and path == self._file.path:
                continue
            with suppress(OSError):  # its process lives, or another importer was faster
                named += _import(path, using=using, counters=self._counters)
        return named

    def close(self) -> None:
        """Remove the file, unless it holds what the database does not have."""
        if (
            self._file is not None
            and not self._lines()
            and self._writing.acquire(blocking=False)
        ):
            try:
                self._file.remove()
            finally:
                self._writing.release()

    def _rows(self) -> list[Snapshot]:
        with self._lock:
            return [failure for held in self._held.values() for failure in held]

    def _forget_captures(self, failures: Sequence[Snapshot]) -> None:
        """Let the journal give up what the groups have, or what a higher count says."""
        for failure in failures:
            if self._spool is not None and failure.journaled:
                self._spool.remove(failure)

    def _lines(self) -> bytes:
        """Return what the file has to hold: what nothing else says."""
        return as_lines(row for row in self._rows() if not row.journaled)

    def _shorten(self) -> None:
        """Leave only what is still held in the file, unless it is being written."""
        if self._file is None or not self._writing.acquire(blocking=False):
            return
        try:
            self._file.replace(self._lines())
        except OSError as error:
            logger.warning("A file of counted failures stays long", exc_info=error)
        finally:
            self._writing.release()

    def _begin(
        self, cause: Cause, hour: datetime, described: dict[str, Any]
    ) -> OwnTally:
        """Begin a tally, or find that of all that is too much. Called with the lock held.

        Those of hours that are over are forgotten: a late failure begins another one.
        """
        for key in [key for key in self._tallies if key[1] < hour]:
            del self._tallies[key]
        if len(self._tallies) >= TALLIES:
            cause = OVERFLOWING
        if cause == OVERFLOWING:
            described = described | OF_ANY_CAUSE
        tally = OwnTally({"tally": str(new_id()), **described})
        return self._tallies.setdefault((cause, hour), tally)


class TallyFile:
    """The file of one process, made when it is first needed. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{new_id()}.tally"
        self._lock: FileLock | None = None
        self._bytes = 0

    def append(self, lines: bytes) -> int:
        """Add lines, and return how long the file is now. Raises OSError."""
        if self._lock is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = lock_new(self.path)
        os.write(self._lock.descriptor, lines)
        self._bytes += len(lines)
        return self._bytes

    def replace(self, lines: bytes) -> None:
        """Let the file hold these lines and no others, at once. Raises OSError."""
        if self._lock is None or self._bytes == len(lines) == 0:
            return
        draft = lock_new(self.path.with_suffix(".tally-draft"))
        try:
            os.write(draft.descriptor, lines)
            draft.path.rename(self.path)
        except OSError:
            draft.release()
            raise
        self._lock.release()
        self._lock, self._bytes = draft, len(lines)

    def remove(self) -> None:
        """Remove the file; a next line makes it anew."""
        if self._lock is not None:
            self.path.unlink(missing_ok=True)
            self._lock.release()
            self._lock, self._bytes = None, 0


def _count(failure: Snapshot) -> int:
    return int(failure.columns["count"])


def _import(path: Path, *, using: str, counters: Counters) -> int:
    """Import and remove a file whose process is gone. Raises OSError if it lives."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return 0  # never was a file of ours
    lock = lock_of_lost_process(path)
    try:
        # A line that a kill cut short names a failure whose turn had not ended.
        rows, _ = from_lines(path.read_bytes())
        if rows:
            count_failures(rows, using=using, counters=counters)
        lock.remove()
    finally:
        lock.release()
    return len(rows)
