"""Writes batches of rows on the recorder's own database alias."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, models, transaction
from django.db.models import Case, F, When

from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads import clean
from chatdebug.writer.counters import Counters
from chatdebug.writer.rows import STATUS_RANK, Snapshot, Table
from chatdebug.writer.spool import Spool, read_captures, set_aside

MODELS: dict[Table, type[models.Model]] = {Table.RUN: ChatRun, Table.STEP: ChatStep}
TEXT_LIMITS = {
    table: {
        field.name: field.max_length
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    for table, model in MODELS.items()
}
SIMILAR_RUNS = 100
"""On how many runs counts are added with one UPDATE."""
UNWRITABLE = (IntegrityError, DataError, ValueError, TypeError)
"""Errors of the row itself. Any other one is the database's: the row is tried again."""


def write_rows(
    rows: Sequence[Snapshot], *, using: str, now: datetime, counters: Counters
) -> None:
    """Write a batch in one transaction; if one row spoils it, each row in its own.

    Raises DatabaseError when the database does not work; nothing is written then. A row
    that the database will never take is counted as refused, and the rest is written.
    """
    try:
        with transaction.atomic(using=using):
            for table in Table:  # a step refers to its run
                new = [row for row in rows if row.is_new and row.table is table]
                if new:
                    _insert(new, using, now)
            orphaned = sum(_write(row, using, now) for row in rows if not row.is_new)
    except UNWRITABLE as error:
        counters.note_error(error, now)
        orphaned = 0
        for row in rows:
            orphaned += _write_alone(row, using, now, counters)
    counters.add(written=len(rows) - orphaned, orphaned=orphaned)


def insert_missing(rows: Sequence[Snapshot], *, using: str) -> int:
    """Insert those rows that are not there yet; return how many rows were looked at.

    For rows found in the spool: what the database has is newer and stays. Raises
    DatabaseError.
    """
    with transaction.atomic(using=using):
        for row in rows:
            if row.table is Table.STEP and not _run_exists(row, using):
                continue
            # Not ignore_conflicts: SQLite would ignore broken constraints with them. What
            # is there already keeps all that can have changed.
            _manager(row.table, using).bulk_create(
                [_instance(row, row.taken_at)],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["chat_id"],
            )
    return len(rows)


def import_captures(spool: Spool, *, using: str) -> int:
    """Bring captures that a dead database or process left behind into the database.

    Returns how many rows were looked at. A file that is damaged, or that the database
    does not take, is set aside. Raises DatabaseError when the database does not work; the
    files stay then.
    """
    rows = 0
    for path in spool.leftovers():
        try:
            claimed = spool.claim(path)
            captured = read_captures(claimed)
        except FileNotFoundError:
            continue  # its own process, or another importer, was faster
        except ValueError:
            set_aside(claimed)
            continue
        try:
            rows += insert_missing(captured, using=using)
        except UNWRITABLE:
            set_aside(claimed)  # else no file behind it would ever be imported
            continue
        claimed.unlink(missing_ok=True)
    spool.remove_drafts()
    return rows


def touch_runs(run_ids: Sequence[Any], *, using: str, now: datetime) -> None:
    """Say that the process of these runs is alive: one UPDATE for all of them."""
    ChatRun.objects.using(using).filter(
        id__in=run_ids, finished_at__isnull=True
    ).update(updated_at=now)


def add_similar(counts: Mapping[UUID, int], *, using: str) -> set[UUID]:
    """Add to the numbers of similar failures on stored runs, all or none.

    Returns the runs that are not there: nothing was counted on them. Raises DatabaseError.
    """
    runs, missing = ChatRun.objects.using(using), set(counts)
    with transaction.atomic(using=using):
        for ids in batched(sorted(counts), SIMILAR_RUNS):
            # Locked, so that what is there now is what the UPDATE finds.
            there = set(
                runs.select_for_update()
                .filter(pk__in=ids)
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            if there:
                more = (When(pk=run_id, then=counts[run_id]) for run_id in there)
                runs.filter(pk__in=there).update(
                    similar_count=F("similar_count") + Case(*more, default=0)
                )
            missing -= there
    return missing


def _write_alone(row: Snapshot, using: str, now: datetime, counters: Counters) -> int:
    try:
        with transaction.atomic(using=using):
            return _write(row, using, now)
    except IntegrityError as error:
        if row.table is Table.STEP and not _run_exists(row, using):
            return 1
        counters.note_error(error, now)
    except UNWRITABLE as error:
        counters.note_error(error, now)
    counters.add(refused=1, written=-1)
    return 0


def _write(row: Snapshot, using: str, now: datetime) -> int:
    """Write one row; return 1 if it had been deleted meanwhile, else 0."""
    if row.is_new:
        _insert([row], using, now)
        return 0
    return 0 if _update(row, using, now) else 1


def _insert(rows: Sequence[Snapshot], using: str, now: datetime) -> None:
    """Insert rows of one table in one statement: most of its cost is in making it."""
    # The conflict is with ourselves: an INSERT whose answer was lost, or a row that
    # another process imported from the spool.
    _manager(rows[0].table, using).bulk_create(
        [_instance(row, now) for row in rows],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*rows[0].columns, "updated_at"],
    )


def _update(row: Snapshot, using: str, now: datetime) -> bool:
    columns = dict(_columns(row), updated_at=now)
    rows = _manager(row.table, using).filter(pk=row.id)
    if row.table is Table.RUN and row.status is not Status.IN_PROGRESS:
        # How a run ended is the recorder's to say: it beats the sweeper's guess.
        return bool(rows.update(**columns))
    rank = STATUS_RANK[row.status]
    not_above = [status for status, other in STATUS_RANK.items() if other <= rank]
    return bool(rows.filter(status__in=not_above).update(**columns)) or rows.exists()


def _columns(row: Snapshot) -> dict[str, Any]:
    """Return the columns so that no text of a host project makes a row unwritable."""
    limits = TEXT_LIMITS[row.table]
    columns: dict[str, Any] = {
        name: clean(value)[: limits.get(name)] if isinstance(value, str) else value
        for name, value in row.columns.items()
    }
    if row.table is Table.STEP and columns["metadata"].get("repaired_error"):
        # A JSON null says that there was an error, and that a later attempt repaired it.
        columns["error"] = models.JSONNull()
    return columns


def _run_exists(row: Snapshot, using: str) -> bool:
    return ChatRun.objects.using(using).filter(pk=row.run_id).exists()


def _instance(row: Snapshot, now: datetime) -> models.Model:
    return MODELS[row.table](id=row.id, updated_at=now, **_columns(row))


def _manager(table: Table, using: str) -> models.QuerySet[Any]:
    return MODELS[table]._default_manager.using(using)
