"""Writes batches of rows on the recorder's own database alias."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Case, F, Q, When

from chatdebug.enums import STATUS_RANK, Status
from chatdebug.logs import safe_logger
from chatdebug.models import ChatRun
from chatdebug.payloads import clean, storable_id
from chatdebug.writer.counters import Counters
from chatdebug.writer.group_counts import add_tallies, tallies_of
from chatdebug.writer.refused_rows import (
    raise_if_database_fails,
    run_exists,
    write_without_refused_columns,
)
from chatdebug.writer.snapshot import MODELS, Snapshot, Table
from chatdebug.writer.spool import Spool, quarantine, read_captures
from chatdebug.writer.statements import insert_rows

logger = safe_logger(__name__)

TEXT_LIMITS = {
    table: {
        field.name: field.max_length
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField)
    }
    for table, model in MODELS.items()
}
IDS = {"chat_id", "owner_id", "root_chat_id", "parent_chat_id"}
"""Ids: one that is too long is shortened with a digest, not cut."""
SIMILAR_RUNS = 100
"""On how many runs counts are added with one UPDATE."""


def write_rows(
    rows: Sequence[Snapshot], *, using: str, now: datetime, counters: Counters
) -> list[Snapshot]:
    """Write a batch in one transaction; if one row spoils it, each row in its own.

    Returns the rows that the database does not take, whatever is left out of them. Raises
    the database's error when it is the database that does not work: rows may be written
    then, and writing them again does no harm.
    """
    orphaned, refused = 0, list[Snapshot]()
    try:
        with transaction.atomic(using=using):
            for table in MODELS:  # a step refers to its run
                new = [row for row in rows if row.is_new and row.table is table]
                if new:
                    _insert(new, using, now, update=_renewed(new[0]))
            orphaned = sum(_write(row, using, now) for row in rows if not row.is_new)
            count_failures(rows, using=using, counters=counters)
        for row in rows:
            if row.is_new:  # of an UPDATE it is not known: a newer row may have stood
                row.note_stored()
    except Exception as error:  # noqa: BLE001 - whatever a row is refused with
        raise_if_database_fails(error, using=using)
        counters.note_error(error, now)
        orphaned, refused = _write_each(rows, using, now, counters)
    counters.add(
        written=len(rows) - orphaned - len(refused),
        orphaned=orphaned,
        refused=len(refused),
    )
    return refused


def insert_missing(
    rows: Sequence[Snapshot], *, using: str, counters: Counters | None = None
) -> tuple[int, list[Snapshot]]:
    """Bring rows found in the spool to the database, unless it has something newer.

    Returns how many had no place because their run is deleted, and those that it does not
    take, whatever is left out of them. Raises the database's error when it is the database
    that does not work.
    """
    counters = counters or Counters()
    try:
        with transaction.atomic(using=using):
            runs_and_steps = (row for row in rows if row.table is not Table.FAILURE)
            orphaned = sum(_import(row, using) for row in runs_and_steps)
            count_failures(rows, using=using, counters=counters)
    except Exception as error:  # noqa: BLE001 - whatever a row is refused with
        raise_if_database_fails(error, using=using)
        return _write_each(rows, using, None, counters)
    return orphaned, []


def import_captures(
    spool: Spool, *, using: str, counters: Counters | None = None
) -> int:
    """Bring captures that a dead database or process left behind into the database.

    Returns how many rows it has now. What is damaged, or the database does not take, is
    quarantined, and keeps nothing else back. Raises the database's error when it does not
    work; the files stay then.
    """
    counters = counters or Counters()
    imported = 0
    for path in spool.take_over():
        try:
            rows, is_damaged = read_captures(path)
            orphaned, refused = (
                insert_missing(rows, using=using, counters=counters)
                if rows
                else (0, list[Snapshot]())
            )
            counters.add(orphaned=orphaned)
            if is_damaged or refused:
                quarantine(path)
            else:
                path.unlink(missing_ok=True)
            imported += len(rows) - orphaned - len(refused)
        except FileNotFoundError:
            continue  # its process lives after all, or another importer was faster
        except OSError:
            logger.exception("A capture cannot be imported now: %s", path.name)
    spool.remove_drafts()
    return imported


def touch_runs(run_ids: Sequence[Any], *, using: str, now: datetime) -> None:
    """Renew the sign of life of these runs, with one UPDATE for all of them."""
    if not run_ids:
        return
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


def count_failures(rows: Sequence[Snapshot], *, using: str, counters: Counters) -> None:
    """Add the failures among these rows to their groups; what spoils it is left out.

    A group that cannot be written never keeps a run from being stored, and nothing but
    itself from being counted. Last in a transaction: a group is a row that other processes
    wait for. Raises the database's error when it is the database that does not work.
    """
    failures = [row for row in rows if row.table is Table.FAILURE]
    if not failures:
        return
    try:
        add_tallies(tallies_of(failures), using=using)
    except Exception as error:  # noqa: BLE001 - whatever a tally is refused with
        raise_if_database_fails(error, using=using)
        # In the order of their groups, whose locks are held to the end of the transaction.
        for failure in sorted(failures, key=_fingerprint):
            try:
                add_tallies(tallies_of([failure]), using=using)
            except Exception as refusal:
                raise_if_database_fails(refusal, using=using)
                counters.note_error(refusal, failure.taken_at)
                logger.exception("A failure could not be added to its group")


def _fingerprint(failure: Snapshot) -> str:
    return str(failure.columns.get("fingerprint", ""))


def _write_each(
    rows: Sequence[Snapshot], using: str, now: datetime | None, counters: Counters
) -> tuple[int, list[Snapshot]]:
    """Write each row on its own; return how many had no place, and which are refused.

    Without a time they are rows from the spool.
    """
    orphaned, refused = 0, []
    count_failures(rows, using=using, counters=counters)
    for row in rows:
        if row.table is Table.FAILURE:
            continue

        def write(columns: dict[str, Any], row: Snapshot = row) -> int:
            part = row.with_columns(columns)
            return _import(part, using) if now is None else _write(part, using, now)

        outcome = write_without_refused_columns(row, write, using=using)
        if outcome.error is not None:
            counters.note_error(outcome.error, row.taken_at)
            refused.append(row)
        orphaned += outcome.orphaned
        if outcome.left_out:
            counters.add(mended=1)
    return orphaned, refused


def _write(row: Snapshot, using: str, now: datetime) -> int:
    """Write one row; return 1 if it, or its run, had been deleted meanwhile, else 0."""
    if row.is_new:
        _insert([row], using, now, update=_renewed(row))
        return 0
    return 0 if _update(row, using, now) else 1


def _import(row: Snapshot, using: str) -> int:
    """Bring one row of the spool to the database; return 1 if its run is gone, else 0."""
    if _manager(row.table, using).filter(pk=row.id).exists():
        _update(row, using, row.taken_at)
        return 0
    if row.table is Table.STEP and not run_exists(row, using):
        return 1
    # Not ignore_conflicts: SQLite would ignore broken constraints with them. If another
    # importer was faster, the row keeps all that can have changed.
    _insert([row], using, row.taken_at, update=["chat_id"])
    return 0


def _renewed(row: Snapshot) -> list[str]:
    """Return what an INSERT renews of a row that is there already.

    The conflict is with ourselves: an INSERT whose answer was lost, or a row that another
    process imported from the spool.
    """
    return [*row.columns, "revision", "updated_at"]


def _insert(
    rows: Sequence[Snapshot], using: str, now: datetime, *, update: list[str]
) -> None:
    """Insert rows of one table in one statement."""
    stamped = []
    for row in rows:
        columns = _columns(row)
        columns["id"], columns["revision"] = row.id, row.revision
        columns["updated_at"] = now
        stamped.append(columns)
    insert_rows(
        MODELS[rows[0].table],
        stamped,
        renewed=update,
        using=using,
    )


def _update(row: Snapshot, using: str, now: datetime) -> bool:
    """Renew a row unless it is newer than this; return whether there is one at all."""
    rows = _manager(row.table, using).filter(pk=row.id)
    columns = dict(_columns(row), updated_at=now, revision=row.revision)
    if rows.filter(_is_older_than(row)).update(**columns):
        return True
    if row.table is Table.RUN and row.status is Status.IN_PROGRESS:
        # What it says of the run is newer than what the sweeper found, but not its end.
        for name in ("status", "finished_at"):
            columns.pop(name)
        if rows.filter(revision__lt=row.revision).update(**columns):
            return True
    return rows.exists()


def _is_older_than(row: Snapshot) -> Q:
    """Return the condition on the stored row with which this one replaces it.

    The higher revision is newer, and of one and the same revision the status that is
    further on: the sweeper's guess leaves the revision as it is. A step's status never
    falls back; how a run ended is its own process's to say, whatever the sweeper guessed.
    """
    rank = STATUS_RANK[row.status]
    below = [status for status, other in STATUS_RANK.items() if other < rank]
    newer = Q(revision__lt=row.revision)
    if row.table is Table.STEP or row.status is Status.IN_PROGRESS:
        newer &= Q(status__in=[*below, row.status])
    return newer | Q(revision=row.revision, status__in=below)


def _columns(row: Snapshot) -> dict[str, Any]:
    """Return the columns so that no text of a host project makes a row unwritable."""
    limits = TEXT_LIMITS[row.table]
    columns = dict(row.columns)
    for name in columns.keys() & limits.keys():
        # Ids may be anything in a host project, and numbers or null in an older spool.
        given = columns[name]
        said = "" if given is None else str(given)
        columns[name] = (
            storable_id(said) if name in IDS else clean(said)[: limits[name]]
        )
    metadata = columns.get("metadata")
    if isinstance(metadata, dict) and metadata.get("repaired_error"):
        # A JSON null says that there was an error, and that a later attempt repaired it.
        columns["error"] = models.JSONNull()
    return columns


def _manager(table: Table, using: str) -> models.QuerySet[Any]:
    return MODELS[table]._default_manager.using(using)
