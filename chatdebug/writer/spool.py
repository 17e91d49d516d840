"""The spool: a folder of error captures that are durable before the database has them.

A file ``<id>x<runs>+<owner>.jsonl`` holds what was journaled in one go: one JSON line for
each row (``chatdebug.writer.snapshot``), of one run or of many that failed together, with
one fsync. Its owner is a process (``chatdebug.writer.ownership``). No file is ever changed:
a newer state of a run stands in a later file, and the higher revision of a row counts. A
file is given up when the database has every row of it.

Writing goes into a file that is named ``.spare`` until it is whole. A spare is kept and
used again, because the name of a new file would need an fsync of its folder, and one
that is there already does not. After a power cut a file may have its older name, so the
spares of a process that is gone are captures, too, if they hold something.

Files of the versions before, ``<run id>.jsonl`` and ``<id>x<runs>.jsonl``, have the same
lines and are imported. A file that cannot be used, and a row that the database refuses,
is kept as ``.damaged``. The folder is for its account alone, whatever the umask, and so
are the files.
"""

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from threading import Lock, RLock
from uuid import UUID

from chatdebug.logs import safe_logger
from chatdebug.models.runs import new_id
from chatdebug.writer.ownership import (
    Ownership,
    age_of,
    captures_in,
    name_of,
    owned,
    owner_of,
    spares_in,
)
from chatdebug.writer.snapshot import Snapshot, as_lines, from_lines

logger = safe_logger(__name__)

DRAFT_SECONDS = 3600
"""Writing a file takes milliseconds: one that is older than this will not be finished."""
SPARES_KEPT = 2
NO_FILES = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO}
"""What opening something says that never was, or never will be, a file to read."""
MAX_BYTES = 256 * 1024 * 1024
"""More than a file of the journal ever holds, and less than makes its reader fail."""


class SpoolFullError(OSError):
    """The journal holds as many captures as it may."""


class Spool:
    """This process's part of a deployment's journal, whose folder all processes share."""

    def __init__(self, folder: Path, *, max_captures: float = inf) -> None:
        self._folder = folder
        self._ownership = Ownership(folder)
        self._max_captures = max_captures
        # The rows that each of this process's files waits for, with their runs, and in
        # which files each row stands, with its revision there.
        self._files: dict[Path, dict[UUID, UUID]] = {}
        self._places: dict[UUID, dict[Path, int]] = defaultdict(dict)
        self._spares: list[Path] = []
        self._is_private = False
        self._lock = RLock()  # the journal's thread writes, the writer's removes
        self._writing = Lock()  # apart: a disk that hangs must not hold up the writer

    def count(self) -> int:
        """Return how many captures wait: of a run that failed twice, there are two."""
        captures = 0
        for path in self.files():
            # The first files of all hold one run, and their names no number.
            _, mark, runs = name_of(path).rpartition("x")
            captures += int(runs) if mark and runs.isdecimal() else 1
        return captures

    def write(self, rows: Sequence[Snapshot]) -> list[Snapshot]:
        """Make rows durable with one fsync; return those that there is no place for.

        Raises OSError when nothing can be made durable.
        """
        with self._writing:
            taken = self._within_bounds(rows)
            if not taken:
                raise SpoolFullError(f"{self._max_captures} captures wait already")
            self._make_folder()
            runs = {row.run_id for row in taken}
            name = owned(f"{new_id()}x{len(runs)}", self._ownership.name())
            path = self._folder / f"{name}.jsonl"
            with self._lock:  # first, or the own importer would take it
                self._files[path] = {row.id: row.run_id for row in taken}
                for row in taken:
                    self._places[row.id][path] = row.revision
            try:
                self._write_file(path, as_lines(taken))
            except BaseException:
                self._release_file(path)
                raise
        kept = {row.id for row in taken}
        return [row for row in rows if row.id not in kept]

    def remove(self, row: Snapshot) -> None:
        """Forget a row that the database has, unless a newer snapshot of it waits."""
        with self._lock:
            places = self._places.get(row.id, {})
            older = [path for path in places if places[path] <= row.revision]
            for path in older:
                del self._files[path][row.id]
                self._forget(row.id, path)
                if not self._files[path]:
                    del self._files[path]
                    self._recycle(path)

    def release(self, row: Snapshot) -> None:
        """Leave a row to the importer: this process will not write it itself."""
        with self._lock:
            places = list(self._places.get(row.id, {}))
        for path in places:
            self._release_file(path)

    def keep_refused(self, row: Snapshot) -> None:
        """Keep a row that the database refuses, for people. Raises OSError."""
        self._make_folder()
        if sum(1 for _ in self._folder.glob("*.damaged")) >= self._max_captures:
            raise SpoolFullError(f"{self._max_captures} rows were kept already")
        _fill(self._folder / f"{new_id()}.damaged", as_lines([row]), is_new=True)

    def files(self) -> list[Path]:
        """Return the files of captures that wait, oldest first."""
        return captures_in(self._folder)

    def take_over(self) -> list[Path]:
        """Take what lost processes left; return the files that this one is to import.

        These are theirs, and those that it has released itself.
        """
        if not self._folder.is_dir():
            return []
        return self._ownership.take_over(self._is_busy)

    def remove_drafts(self) -> None:
        """Remove what processes were writing when they were killed, and lost spares."""
        if self._folder.is_dir():
            lost = [spare for spare in spares_in(self._folder) if not owner_of(spare)]
            for draft in (*self._folder.glob("*.tmp"), *lost):
                if age_of(draft) > DRAFT_SECONDS:
                    with suppress(OSError):
                        draft.unlink()

    def close(self) -> None:
        """Remove the spares, and leave all else to others.

        Whatever is written afterwards has a new owner, and makes new spares.
        """
        with self._lock:
            spares, self._spares = self._spares, []
        for spare in spares:
            with suppress(OSError):
                spare.unlink()
        if self._writing.acquire(blocking=False):  # one that hangs still owns its file
            try:
                self._ownership.give_up()
            finally:
                self._writing.release()

    def _within_bounds(self, rows: Sequence[Snapshot]) -> list[Snapshot]:
        """Return the rows that there is a place for; those that come first are kept."""
        runs = dict.fromkeys(row.run_id for row in rows)
        free = self._max_captures - self.count()
        if len(runs) <= free:
            return list(rows)
        with self._lock:
            files = list(self._files.values())
            known = {
                run_id for rows_of_file in files for run_id in rows_of_file.values()
            }
        new = [run_id for run_id in runs if run_id not in known]
        refused = set(new[int(max(free, 0)) :])
        return [row for row in rows if row.run_id not in refused]

    def _write_file(self, path: Path, data: bytes) -> None:
        with self._lock:  # those of an earlier owner may be somebody else's now
            self._spares = [
                spare for spare in self._spares if owner_of(spare) == owner_of(path)
            ]
        while True:
            with self._lock:
                spare = self._spares.pop() if self._spares else None
            if spare is None:
                break
            with suppress(FileNotFoundError):  # another process cleaned up
                _fill(spare, data)
                spare.rename(path)
                return
        draft = path.with_suffix(".spare")
        _fill(draft, data, is_new=True)
        draft.rename(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, must survive a power cut
        finally:
            os.close(folder)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_private:
            with suppress(OSError):  # whoever owns it decides
                self._folder.chmod(0o700)
            self._is_private = True

    def _recycle(self, path: Path) -> None:
        """Keep a file that is not needed any more as a spare, or remove it."""
        with suppress(OSError):  # an importer has it
            if len(self._spares) >= SPARES_KEPT:
                path.unlink()
                return
            spare = path.rename(path.with_suffix(".spare"))
            os.truncate(spare, 0)
            self._spares.append(spare)

    def _release_file(self, path: Path) -> None:
        with self._lock:
            for row_id in self._files.pop(path, {}):
                self._forget(row_id, path)

    def _forget(self, row_id: UUID, path: Path) -> None:
        del self._places[row_id][path]
        if not self._places[row_id]:
            del self._places[row_id]

    def _is_busy(self, path: Path) -> bool:
        """Return whether this process writes a file itself, and its rows."""
        with self._lock:
            return path in self._files or path in self._spares


def read_captures(path: Path) -> tuple[list[Snapshot], bool]:
    """Return the rows of one file, runs first, and whether it holds anything else.

    Nothing but other things is in what never was a file of ours: a folder, a link, a
    pipe, or more than the journal ever writes. Raises OSError when it cannot be read now.
    """
    try:
        # Not to wait for whoever writes to a pipe, and not to read what a link shows.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in NO_FILES:
            return [], True
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
        os.close(descriptor)
        return [], True
    with os.fdopen(descriptor, "rb") as file:
        rows, damaged = from_lines(file.read())
    return rows, bool(damaged) or not rows


def quarantine(path: Path) -> None:
    """Keep a file that cannot be used for people to look at, out of the importer's way.

    Raises OSError.
    """
    logger.error("Quarantined a capture that cannot be imported: %s", path.name)
    aside = path.with_name(f"{name_of(path)}.damaged")
    if os.path.lexists(aside):
        aside = aside.with_name(f"{aside.stem}+{new_id()}.damaged")
    path.rename(aside)


def _fill(path: Path, data: bytes, *, is_new: bool = False) -> None:
    """Write a whole file and make it durable; on failure nothing of it stays."""
    new = os.O_CREAT | os.O_EXCL if is_new else 0
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | new, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if is_new:
                os.fchmod(descriptor, 0o600)  # a umask may have taken from it
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)  # on a disk that is full, it takes space too
        raise
