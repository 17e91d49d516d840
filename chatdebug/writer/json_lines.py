"""Rows as lines of JSON: how they stand in the files of the journal.

A line is an object: ``table``, ``id``, ``run_id``, ``taken_at``, ``revision`` and
``columns``. Lines of the version before have no ``revision``; it counts as 0 then.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.writer.snapshot import Snapshot, Table

MODELS: dict[Table, type[models.Model]] = {Table.RUN: ChatRun, Table.STEP: ChatStep}
KNOWN_COLUMNS = {
    table: {field.attname for field in model._meta.concrete_fields} - {"id"}
    for table, model in MODELS.items()
}
NULLABLE_COLUMNS = {
    table: {field.attname for field in model._meta.concrete_fields if field.null}
    for table, model in MODELS.items()
}
DATETIME_COLUMNS = ("started_at", "finished_at")
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a line that is no row makes of being read; deep nesting is a RecursionError."""


def as_lines(rows: Iterable[Snapshot]) -> bytes:
    """Return the rows as they are journaled. A row without JSON form becomes a note."""
    return b"".join(map(_as_line, rows))


def from_lines(data: bytes) -> tuple[list[Snapshot], int]:
    """Return the rows, runs first, and how many lines are no rows."""
    rows, damaged = [], 0
    for line in data.splitlines():
        try:
            rows.append(_from_line(line))
        except (*UNREADABLE, RecursionError):
            damaged += 1
    return sorted(rows, key=lambda row: row.table is Table.STEP), damaged


def _as_line(row: Snapshot) -> bytes:
    data = {
        "table": row.table,
        "id": row.id,
        "run_id": row.run_id,
        "taken_at": row.taken_at.isoformat(),
        "revision": row.revision,
    }
    try:
        # UUIDs and times become text; both are read back by _from_line.
        line = json.dumps(data | {"columns": row.columns}, default=str)
    except Exception:  # noqa: BLE001 - anyone's object; other rows share the file
        columns = {name: _plain(value) for name, value in row.columns.items()}
        line = json.dumps(data | {"columns": columns}, default=str)
    return line.encode() + b"\n"


def _plain(value: Any) -> Any:
    """Return what can be journaled of a column: itself, or the error that it makes."""
    try:
        json.dumps(value, default=str)
    except Exception as error:  # noqa: BLE001 - anyone's object
        return {"error": f"chatdebug: {type(error).__name__}"}
    return value


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
