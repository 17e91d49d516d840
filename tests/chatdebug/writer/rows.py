"""Rows as the recorder hands them to the writer."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatdebug.enums import Status
from chatdebug.models.runs import new_id
from chatdebug.writer import Snapshot, Table

_revisions = count(1)
FINISHED = {Status.COMPLETED, Status.ERROR, Status.INTERRUPTED}


def run_row(
    run_id: UUID | None = None,
    *,
    status: Status = Status.IN_PROGRESS,
    is_new: bool = True,
    is_capture: bool = False,
    age: float = 0.0,
    revision: int | None = None,
    **columns: Any,
) -> Snapshot:
    """Return a row of a run; one that is made later is newer, unless it says otherwise."""
    run_id = run_id or new_id()
    now = timezone.now() - timedelta(seconds=age)
    return Snapshot(
        table=Table.RUN,
        id=run_id,
        run_id=run_id,
        columns={
            "chat_id": "chat-1",
            "kind": "chat_turn",
            "level": "errors",
            "status": status.value,
            "summary": {},
            "started_at": now,
            "finished_at": now if status in FINISHED else None,
            **columns,
        },
        is_new=is_new,
        is_capture=is_capture,
        taken_at=now,
        revision=next(_revisions) if revision is None else revision,
    )


def step_row(
    run_id: UUID,
    step_id: UUID | None = None,
    *,
    number: int = 1,
    status: Status = Status.ERROR,
    is_new: bool = True,
    is_capture: bool = False,
    age: float = 0.0,
    revision: int | None = None,
    **columns: Any,
) -> Snapshot:
    """Return a row of a step; one that is made later is newer, unless it says otherwise."""
    now = timezone.now() - timedelta(seconds=age)
    return Snapshot(
        table=Table.STEP,
        id=step_id or new_id(),
        run_id=run_id,
        columns={
            "run_id": run_id,
            "chat_id": "chat-1",
            "step_number": number,
            "operation": "stream",
            "status": status.value,
            "error": {"message": "broken"},
            "metadata": {},
            "started_at": now,
            "finished_at": now if status in FINISHED else None,
            **columns,
        },
        is_new=is_new,
        is_capture=is_capture,
        taken_at=now,
        revision=next(_revisions) if revision is None else revision,
    )


def failure_row(count: int = 1, **columns: Any) -> Snapshot:
    """Return that a process has seen a failure ``count`` times in this hour."""
    now = timezone.now()
    return Snapshot(
        table=Table.FAILURE,
        id=new_id(),
        run_id=new_id(),
        columns={
            "tally": str(UUID(int=1)),
            "count": count,
            "fingerprint": "f1",
            "title": "The ballast shifted",
            "kind": "generic",
            "provider": "demo",
            "model": "demo-1",
            "status_code": 400,
            "release": "",
            "first_seen": now,
            "last_seen": now,
            "chat_id": "c",
            "owner_id": "o",
            **columns,
        },
        is_new=True,
        is_capture=True,
        taken_at=now,
    )
