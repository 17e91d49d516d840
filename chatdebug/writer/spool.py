"""The spool: a folder of error captures that are durable before the database has them.

A file ``<id>x<runs>.jsonl`` holds what was journaled in one go: one JSON line for each
row (``chatdebug.writer.snapshot``), of one run or of many that failed together, with one
fsync. No file is ever changed: a newer state of a run stands in a later file, and the
higher revision of a row counts. A file is given up when the database has every row of it.

Writing goes into a file that is named ``.spare`` until it is whole. A spare is kept and
used again, because the name of a new file would need an fsync of its folder, and one
that is there already does not. After a power cut a file may have its older name, so old
spares that hold something are captures, too.

Files of the version before, ``<run id>.jsonl``, have the same lines and are imported. A
file that cannot be used, and a row that the database refuses, is kept as ``.damaged``.
The folder is for its owner alone, whatever the umask, and so are the files.
"""

import errno
import logging
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from threading import Lock
from time import time
from uuid import UUID

from chatdebug.models.runs import new_id
from chatdebug.writer.snapshot import Snapshot, as_lines, from_lines

logger = logging.getLogger(__name__)

DRAFT_SECONDS = 3600
"""Writing a file takes milliseconds: one that is older than this will not be finished."""
SPARE_SECONDS = 60
"""A spare that holds something for this long has lost its process or its new name."""
SPARES_KEPT = 2
NO_FILES = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO}
"""What opening something says that never was, or never will be, a file to read."""


MAX_BYTES = 256 * 1024 * 1024
"""More than a file of the journal ever holds, and less than makes its reader fail."""


class SpoolFullError(OSError):
    """The journal holds as many captures as it may."""


class Spool:
    """The folder of one deployment's journal; shared by all its processes."""

    def __init__(self, folder: Path, *, max_files: float = inf) -> None:
        self._folder = folder
        self._max_files = max_files
        # The rows that each of this process's files waits for, with their runs, and in
        # which files each row stands, with its revision there.
        self._files: dict[Path, dict[UUID, UUID]] = {}
        self._places: dict[UUID, dict[Path, int]] = defaultdict(dict)
        self._spares: list[Path] = []
        self._is_private = False
        self._lock = Lock()  # the journal's thread writes, the writer's removes
        self._writing = Lock()  # apart: a disk that hangs must not hold up the writer

    def count(self) -> int:
        """Return how many captures wait: of a run that failed twice, there are two."""
        captures = 0
        for path in self.files():
            runs = path.stem.partition("+")[0].rpartition("x")[2]
            # A file of the version before holds one run, and its name no number.
            is_counted = "x" in path.stem and runs.isdecimal()
            captures += int(runs) if is_counted else 1
        return captures

    def write(self, rows: Sequence[Snapshot]) -> list[Snapshot]:
        """Make rows durable with one fsync; return those that there is no place for.

        Raises OSError when nothing can be made durable.
        """
        with self._writing:
            taken = self._within_bounds(rows)
            if not taken:
                raise SpoolFullError(f"{self._max_files} captures wait already")
            runs = {row.run_id for row in taken}
            path = self._folder / f"{new_id()}x{len(runs)}.jsonl"
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
        if sum(1 for _ in self._folder.glob("*.damaged")) >= self._max_files:
            raise SpoolFullError(f"{self._max_files} rows were kept already")
        _fill(self._folder / f"{new_id()}.damaged", as_lines([row]), is_new=True)

    def files(self) -> Iterator[Path]:
        """Yield the files of captures that wait, oldest first."""
        if self._folder.is_dir():
            yield from sorted(self._folder.glob("*.jsonl"))

    def orphaned_files(self) -> list[Path]:
        """Return the files that this process is not busy with itself."""
        with self._lock:
            own = {*self._files, *self._spares}
        lost = []
        for spare in self._spares_of_all():
            with suppress(OSError):  # its process has used or removed it
                found = spare.lstat()
                if found.st_size > 0 and time() - found.st_mtime > SPARE_SECONDS:
                    lost.append(spare)
        return [path for path in (*lost, *self.files()) if path not in own]

    def remove_drafts(self) -> None:
        """Remove what processes were writing when they were killed, and their spares."""
        if self._folder.is_dir():
            drafts = [*self._folder.glob("*.tmp"), *self._spares_of_all()]
            for draft in drafts:
                with suppress(OSError):
                    if time() - draft.lstat().st_mtime > DRAFT_SECONDS:
                        draft.unlink()

    def claim(self, path: Path) -> Path:
        """Rename a file for its import, and return its new name.

        Its process, if it is alive after all, can then not use it again. Raises OSError.
        """
        name = path.stem.partition("+")[0]
        return path.rename(path.with_name(f"{name}+{new_id()}.jsonl"))

    def close(self) -> None:
        """Remove the spares. Whatever is written afterwards makes new ones."""
        with self._lock:
            spares, self._spares = self._spares, []
        for spare in spares:
            with suppress(OSError):
                spare.unlink()

    def _within_bounds(self, rows: Sequence[Snapshot]) -> list[Snapshot]:
        """Return the rows that there is a place for; those that come first are kept."""
        runs = dict.fromkeys(row.run_id for row in rows)
        free = self._max_files - self.count()
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
        self._make_folder()
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

    def _spares_of_all(self) -> list[Path]:
        return sorted(self._folder.glob("*.spare")) if self._folder.is_dir() else []


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
    aside = path.with_name(path.stem.partition("+")[0] + ".damaged")
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
