"""What a process has counted of each failure, and keeps until the database has it.

A failure whose run is stored travels with the rows of that run. One that is only counted
has no row to go with: it is held here, and reported a second later. Until then a line in a
file of this process says so, which survives a kill. No turn waits for a disk because of
it: the line is not synced, so that a power cut takes the counts of the last seconds along.

The file ``<id>.tally`` is locked by its process while that lives. Whoever can lock it
imports it, and removes it; doing so twice, or too early, would count nothing twice.
"""

import logging
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from chatdebug.models.groups import AFFECTED_KNOWN
from chatdebug.models.runs import OVERFLOW, new_id
from chatdebug.writer.counters import Counters
from chatdebug.writer.database import count_failures
from chatdebug.writer.locks import FileLock, lock_new, lock_of_lost_process
from chatdebug.writer.snapshot import Snapshot, Table, as_lines, from_lines

logger = logging.getLogger(__name__)

TALLIES = 2_000
"""How many failures a process tells from each other within an hour; of others it knows
only that they were."""
FILE_BYTES = 256 * 1024
"""A file that has grown beyond this is written anew, with one line for each tally."""

type Key = tuple[str, str, datetime]


class Tallies:
    """The tallies of one process. Every method may be called from any thread."""

    def __init__(self, folder: Path | None, *, counters: Counters) -> None:
        self._file = TallyFile(folder) if folder is not None else None
        self._folder = folder
        self._counters = counters
        self._counts: dict[Key, tuple[UUID, int]] = {}
        self._held: dict[UUID, list[Snapshot]] = {}
        self._lock = Lock()
        self._writing = Lock()  # apart: a disk that hangs must not hold up the database

    def __bool__(self) -> bool:
        return bool(self._held)

    def count(self, columns: dict[str, Any], *, run_id: UUID, at: datetime) -> Snapshot:
        """Count a failure; return it as what travels to the database.

        ``columns`` are those of a failure but for what is counted here.
        """
        hour = at.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            key = (str(columns["fingerprint"]), str(columns["model"]), hour)
            if key not in self._counts:
                self._forget_before(hour)
                if len(self._counts) >= TALLIES:
                    columns = columns | {"fingerprint": OVERFLOW, "title": ""}
                    columns |= {"provider": "", "model": "", "status_code": None}
                    key = (OVERFLOW, "", hour)
            tally, before = self._counts.get(key) or (new_id(), 0)
            self._counts[key] = (tally, before + 1)
        numbers = {"tally": str(tally), "count": before + 1}
        return Snapshot(
            table=Table.FAILURE,
            id=new_id(),
            run_id=run_id,
            columns=columns | numbers | {"first_seen": at, "last_seen": at},
            is_new=True,
            is_capture=False,
            taken_at=at,
        )

    def hold(self, failures: Sequence[Snapshot]) -> None:
        """Keep failures that were only counted until they are reported."""
        with self._lock:
            for failure in failures:
                held = self._held.setdefault(UUID(failure.columns["tally"]), [])
                held.append(failure)
                if len(held) > AFFECTED_KNOWN:  # it knows enough chats by their names
                    highest = max(held, key=_count)
                    del held[0 if held[0] is not highest else 1]
        if self._file is None:
            return
        try:
            with self._writing:
                if self._file.append(as_lines(failures)) > FILE_BYTES:
                    self._file.replace(as_lines(self._rows()))
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
            and not self
            and self._writing.acquire(blocking=False)
        ):
            try:
                self._file.remove()
            finally:
                self._writing.release()

    def _rows(self) -> list[Snapshot]:
        with self._lock:
            return [failure for held in self._held.values() for failure in held]

    def _shorten(self) -> None:
        """Leave only what is still held in the file, unless it is being written."""
        if self._file is None or not self._writing.acquire(blocking=False):
            return
        try:
            self._file.replace(as_lines(self._rows()))
        except OSError as error:
            logger.warning("A file of counted failures stays long", exc_info=error)
        finally:
            self._writing.release()

    def _forget_before(self, hour: datetime) -> None:
        """Forget tallies of hours that are over: a late failure begins another one."""
        for key in [key for key in self._counts if key[2] < hour]:
            del self._counts[key]


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
