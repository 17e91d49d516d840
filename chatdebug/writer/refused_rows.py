"""Stores what can be stored of a row that the database refuses as it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from chatdebug.enums import Operation
from chatdebug.logs import safe_logger
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.runs import new_id
from chatdebug.writer.snapshot import Snapshot, Table

logger = safe_logger(__name__)

ESSENTIAL = {
    Table.RUN: {"chat_id", "status", "finished_at"},
    Table.STEP: {
        "run_id",
        "chat_id",
        "step_number",
        "operation",
        "status",
        "finished_at",
    },
}
"""Without these there is no row. Each other column has a default."""
NOTES = {Table.RUN: "summary", Table.STEP: "metadata"}
"""Where a row says which of its columns were left out."""

type Write = Callable[[dict[str, Any]], int]
"""Writes a row with these columns; returns 1 if there was no place for it, else 0."""


@dataclass(slots=True)
class Outcome:
    """What became of one row."""

    orphaned: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """The columns that it was stored without, and what each was refused with."""
    error: Exception | None = None
    """What it was refused with for good; it is not stored then."""


def raise_if_database_fails(error: Exception, *, using: str) -> None:
    """Raise what the database says if it does not take a run and a step without fault.

    Else whatever a row was refused with is the row's own. They are rolled back.
    """
    try:
        with transaction.atomic(using=using):
            run = ChatRun(id=new_id())
            ChatRun.objects.using(using).bulk_create([run])
            step = ChatStep(run=run, step_number=1, operation=Operation.GENERATE)
            ChatStep.objects.using(using).bulk_create([step])
            transaction.set_rollback(True, using=using)
    except Exception as probed:
        raise probed from error


def write_without_refused_columns(
    row: Snapshot, write: Write, *, using: str
) -> Outcome:
    """Write one row in a transaction of its own, without the columns that spoil it.

    Raises the database's error when it is the database that does not work.
    """
    try:
        with transaction.atomic(using=using):
            return Outcome(orphaned=write(row.columns))
    except Exception as error:  # noqa: BLE001 - whatever a row is refused with
        raise_if_database_fails(error, using=using)
    if row.table is Table.STEP and not run_exists(row, using):
        return Outcome(orphaned=1)
    essential = {
        name: value
        for name, value in row.columns.items()
        if name in ESSENTIAL[row.table]
    }
    kept, left_out = dict(essential), dict[str, str]()
    for name in row.columns.keys() - essential.keys():
        column = {name: row.columns[name]}
        if (refusal := _refusal(write, essential | column, using)) is None:
            kept |= column
        else:
            left_out[name] = type(refusal).__name__
    if left_out:
        note = NOTES[row.table]
        stored = kept.get(note)
        said = stored if isinstance(stored, dict) else {}
        kept[note] = {**said, "left_out": left_out}
    return _store(row, write, kept, left_out, using)


def _refusal(write: Write, columns: dict[str, Any], using: str) -> Exception | None:
    """Try to write, roll it back, and return what the database refuses it with."""
    try:
        with transaction.atomic(using=using):
            write(columns)
            transaction.set_rollback(True, using=using)
    except Exception as error:  # noqa: BLE001 - whatever a row is refused with
        raise_if_database_fails(error, using=using)
        return error
    return None


def _store(
    row: Snapshot,
    write: Write,
    columns: dict[str, Any],
    left_out: dict[str, str],
    using: str,
) -> Outcome:
    try:
        with transaction.atomic(using=using):
            orphaned = write(columns)
    except (OperationalError, InterfaceError):
        raise  # what is left is nothing that a row could be refused for
    except Exception as error:  # noqa: BLE001 - whatever a row is refused with
        raise_if_database_fails(error, using=using)
        # Not the error's own text, which may quote what the row holds.
        logger.error(  # noqa: TRY400
            "The database refuses a %s for good (%s): %s",
            row.table,
            type(error).__name__,
            row.id,
        )
        return Outcome(error=error)
    if left_out:
        logger.error(
            "A %s was stored without what the database refuses of it: %s (%s)",
            row.table,
            ", ".join(f"{name} ({kind})" for name, kind in left_out.items()),
            row.id,
        )
    return Outcome(orphaned=orphaned, left_out=left_out)


def run_exists(row: Snapshot, using: str) -> bool:
    """Return whether there is the run that a step belongs to."""
    return ChatRun.objects.using(using).filter(pk=row.run_id).exists()
