"""A bounded queue of rows in which the newest snapshot of a row replaces older ones."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from threading import Condition
from uuid import UUID

from chatdebug.writer.rows import Snapshot, Table

LINGER_SECONDS = 0.05
"""How long rows wait for company, unless somebody waits for them or they are evidence."""
URGENT_ROWS = 100


class SnapshotQueue:
    """Rows on their way to the database. Every method may be called from any thread.

    When it is full, the oldest snapshots of rows in progress go first and captures last.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._waiting: dict[tuple[Table, UUID], Snapshot] = {}
        self._in_flight: Counter[UUID] = Counter()
        self._promises: dict[UUID, list[Future[bool]]] = {}
        self._changed = Condition()
        self._closed = False
        self._nudged = False

    def __len__(self) -> int:
        return len(self._waiting)

    def announce(self, run_id: UUID) -> None:
        """Say that a row of this run is about to be ``put(..., announced=True)``."""
        with self._changed:
            self._in_flight[run_id] += 1

    def put(self, snapshot: Snapshot, *, announced: bool = False) -> int:
        """Add a row, or renew the one that waits; return how many were dropped for it."""
        with self._changed:
            self._in_flight[snapshot.run_id] -= announced
            self._merge(snapshot)
            dropped = self._drop_surplus()
            self._changed.notify_all()
        return dropped

    def take(self, max_rows: int, timeout: float) -> list[Snapshot]:
        """Return up to ``max_rows`` rows, runs first, or none after ``timeout`` seconds.

        The rows count as unwritten until ``settle`` is called with them.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._closed or self._nudged, timeout
            )
            if self._waiting:
                # Rows in progress are soon followed by what ends them: one write for both.
                self._changed.wait_for(self._is_urgent, LINGER_SECONDS)
            self._nudged = False
            runs_first = sorted(
                self._waiting.values(), key=lambda row: row.table is Table.STEP
            )
            batch = runs_first[:max_rows]
            for row in batch:
                del self._waiting[row.key]
                self._in_flight[row.run_id] += 1
        return batch

    def settle(self, batch: Iterable[Snapshot], *, failed: bool = False) -> None:
        """Say that a batch is done with, or put it back after a failure.

        Whoever waits for a run is told at once when nothing of it is unwritten, and also
        when a failed batch left it durable in the journal: waiting longer is no use.
        """
        with self._changed:
            for row in batch:
                self._in_flight[row.run_id] -= 1
                if failed:
                    self._merge(row)
            self._in_flight = +self._in_flight
            self._keep_promises(failed=failed)
            self._changed.notify_all()

    def written(self, run_id: UUID) -> Future[bool]:
        """Return a future that is True once no row of this run is unwritten.

        It is False if the database does not answer but the run is durable in the journal.
        """
        promise: Future[bool] = Future()
        promise.set_running_or_notify_cancel()  # whoever waits cannot cancel it
        with self._changed:
            if self._is_unwritten(run_id):
                self._promises.setdefault(run_id, []).append(promise)
                self._changed.notify_all()  # somebody waits: do not linger
            else:
                promise.set_result(True)
        return promise

    def nudge(self) -> None:
        """Wake whoever waits in ``take``: there is something else to do."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def close(self) -> None:
        """Wake whoever waits in ``take``; nothing is refused or lost by it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_urgent(self) -> bool:
        return (
            self._closed
            or bool(self._promises)
            or len(self._waiting) >= URGENT_ROWS
            or any(row.is_capture for row in self._waiting.values())
        )

    def _merge(self, snapshot: Snapshot) -> None:
        waiting = self._waiting.get(snapshot.key)
        if waiting is None:
            self._waiting[snapshot.key] = snapshot
        elif waiting.taken_at > snapshot.taken_at:
            waiting.replacing(snapshot)
        else:
            self._waiting[snapshot.key] = snapshot.replacing(waiting)

    def _drop_surplus(self) -> int:
        surplus = len(self._waiting) - self._max_rows
        if surplus <= 0:
            return 0
        # sorted() is stable: among rows of equal worth the oldest goes first.
        for row in sorted(self._waiting.values(), key=lambda row: row.worth)[:surplus]:
            del self._waiting[row.key]
        return surplus

    def _is_unwritten(self, run_id: UUID) -> bool:
        return self._in_flight[run_id] > 0 or any(
            row.run_id == run_id for row in self._waiting.values()
        )

    def _keep_promises(self, *, failed: bool) -> None:
        for run_id in list(self._promises):
            written = not self._is_unwritten(run_id)
            if written or (failed and self._is_durable(run_id)):
                for promise in self._promises.pop(run_id):
                    promise.set_result(written)

    def _is_durable(self, run_id: UUID) -> bool:
        return self._in_flight[run_id] == 0 and all(
            row.journaled for row in self._waiting.values() if row.run_id == run_id
        )
