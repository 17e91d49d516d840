"""The journal of error captures: durable before the database has them.

One file for each run, named after it, one JSON line for each of its rows. A file is
replaced as a whole (write, fsync, rename), so a reader never sees half of one, and it is
removed when the database has every row of it.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from math import inf
from pathlib import Path
from threading import Lock
from time import time
from typing import Any
from uuid import UUID

from chatdebug.models.runs import new_id
from chatdebug.writer.rows import Snapshot, Table

logger = logging.getLogger(__name__)

DRAFT_SECONDS = 3600
"""Writing a file takes milliseconds: one that is older than this will not be finished."""
DATETIME_COLUMNS = ("started_at", "finished_at")


class SpoolFullError(OSError):
    """The journal holds as many captures as it may."""


class Spool:
    """The folder of one deployment's journal; shared by all its processes."""

    def __init__(self, folder: Path, *, max_files: float = inf) -> None:
        self._folder = folder
        self._max_files = max_files
        self._rows: dict[UUID, dict[UUID, Snapshot]] = {}
        self._lock = Lock()  # the journal's thread writes, the writer's strikes

    def count(self) -> int:
        """Return how many captures wait."""
        return sum(1 for _ in self.files())

    def write(self, snapshot: Snapshot) -> None:
        """Make a row durable. Raises OSError when it cannot be."""
        with self._lock:
            if snapshot.run_id not in self._rows and self.count() >= self._max_files:
                raise SpoolFullError(f"{self._max_files} captures wait already")
            rows = self._rows.setdefault(snapshot.run_id, {})
            rows[snapshot.id] = snapshot
            self._replace(snapshot.run_id, "".join(map(_as_line, rows.values())))

    def strike(self, snapshot: Snapshot) -> None:
        """Forget a row that the database has, unless a newer snapshot of it waits."""
        with self._lock:
            rows = self._rows.get(snapshot.run_id)
            if rows is None:
                return
            journaled = rows.get(snapshot.id)
            if journaled and journaled.taken_at <= snapshot.taken_at:
                del rows[snapshot.id]
            if not rows:
                del self._rows[snapshot.run_id]
                self._path(snapshot.run_id).unlink(missing_ok=True)

    def files(self) -> Iterator[Path]:
        """Yield the files of captures that wait, oldest first."""
        if self._folder.is_dir():
            yield from sorted(self._folder.glob("*.jsonl"))

    def leftovers(self) -> Iterator[Path]:
        """Yield the files that this process is not busy with itself."""
        with self._lock:
            own = {str(run_id) for run_id in self._rows}
        yield from (path for path in self.files() if path.stem not in own)

    def remove_drafts(self) -> None:
        """Remove what processes were writing when they were killed."""
        if self._folder.is_dir():
            for draft in self._folder.glob("*.tmp"):
                with suppress(OSError):
                    if time() - draft.stat().st_mtime > DRAFT_SECONDS:
                        draft.unlink()

    def claim(self, path: Path) -> Path:
        """Rename a file for its import, and return its new name.

        A process that is alive after all then writes a file of its own again, which the
        importer cannot delete by mistake. Raises FileNotFoundError.
        """
        run_id = path.stem.partition("+")[0]
        return path.rename(path.with_name(f"{run_id}+{new_id()}.jsonl"))

    def _replace(self, run_id: UUID, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._path(run_id).with_suffix(f".{os.getpid()}.tmp")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path(run_id))
        except OSError:
            draft.unlink(missing_ok=True)  # on a disk that is full, it takes space too
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, must survive a power cut
        finally:
            os.close(folder)

    def _path(self, run_id: UUID) -> Path:
        return self._folder / f"{run_id}.jsonl"


def read_captures(path: Path) -> list[Snapshot]:
    """Return the rows of one file, runs first. Raises OSError, or ValueError if damaged."""
    rows = [_from_line(line) for line in path.read_text("utf-8").splitlines()]
    return sorted(rows, key=lambda row: row.table is Table.STEP)


def set_aside(path: Path) -> None:
    """Keep a file that cannot be used for people to look at, out of the importer's way."""
    logger.error("Set aside a capture that cannot be imported: %s", path.name)
    path.replace(path.with_name(path.stem.partition("+")[0] + ".damaged"))


def _as_line(row: Snapshot) -> str:
    return (
        json.dumps(
            {
                "table": row.table,
                "id": row.id,
                "run_id": row.run_id,
                "taken_at": row.taken_at.isoformat(),
                "columns": row.columns,
            },
            default=str,  # UUIDs and times; both are read back by _from_line
        )
        + "\n"
    )


def _from_line(line: str) -> Snapshot:
    try:
        data: dict[str, Any] = json.loads(line)
        columns: dict[str, Any] = data["columns"]
        for name in DATETIME_COLUMNS:
            if columns.get(name) is not None:
                columns[name] = datetime.fromisoformat(columns[name])
        return Snapshot(
            table=Table(data["table"]),
            id=UUID(data["id"]),
            run_id=UUID(data["run_id"]),
            columns=columns,
            is_new=True,
            is_capture=True,
            taken_at=datetime.fromisoformat(data["taken_at"]),
            journaled=True,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a capture: {error!r}") from error
