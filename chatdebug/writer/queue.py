"""A bounded queue of rows in which the newest snapshot of a row replaces older ones."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future
from threading import Condition
from uuid import UUID

from chatdebug.writer.snapshot import Snapshot, Table

LINGER_SECONDS = 0.05
"""How long rows wait for company, unless somebody waits for them or they are evidence."""
URGENT_ROWS = 100

type Waiters = dict[UUID, list[Future[bool]]]


class SnapshotQueue:
    """Rows on their way to the database. Every method may be called from any thread.

    When it is full, the oldest snapshots of rows in progress go first and captures last.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._waiting: dict[UUID, Snapshot] = {}
        self._in_flight: dict[UUID, list[Snapshot]] = defaultdict(list)
        self._written: Waiters = {}
        self._durable: Waiters = {}
        self._changed = Condition()
        self._closed = False
        self._woken = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, *snapshots: Snapshot) -> list[Snapshot]:
        """Add rows, or renew those that wait; return the rows dropped for them."""
        with self._changed:
            for snapshot in snapshots:
                self._merge(snapshot)
            surplus = len(self._waiting) - self._max_rows
            dropped = []
            if surplus > 0:
                # sorted() is stable: among rows of equal priority the oldest goes first.
                rows = self._waiting.values()
                dropped = sorted(rows, key=lambda row: row.priority)[:surplus]
            for row in dropped:
                self._let_go(row)
                if not row.journaled:
                    self._written.pop(row.run_id, None)  # never true any more
                    if row.is_capture:
                        self._durable.pop(row.run_id, None)
            self._changed.notify_all()
        return dropped

    def take(self, max_rows: int, timeout: float) -> list[Snapshot]:
        """Return up to ``max_rows`` rows, runs first, or none after ``timeout`` seconds.

        The rows count as unwritten until ``task_done`` is called with them.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._closed or self._woken, timeout
            )
            if self._waiting:
                # Rows in progress are soon followed by what ends them: one write for both.
                self._changed.wait_for(self._is_urgent, LINGER_SECONDS)
            self._woken = False
            runs_first = sorted(
                self._waiting.values(), key=lambda row: row.table is Table.STEP
            )
            batch = runs_first[:max_rows]
            for row in batch:
                self._let_go(row)
                self._in_flight[row.run_id].append(row)
        return batch

    def task_done(self, batch: Iterable[Snapshot], *, failed: bool = False) -> None:
        """Let go of a batch that is done with, or put it back after a failure.

        Whoever waits for a run is told at once when nothing of it is unwritten, and also
        when a failed batch left it durable in the journal: waiting longer is no use.
        """
        with self._changed:
            for row in batch:
                # This one, however like another one it is.
                in_flight = self._in_flight.pop(row.run_id, [])
                if left := [one for one in in_flight if one is not row]:
                    self._in_flight[row.run_id] = left
                if failed:
                    self._merge(row)
            resolved = self._resolved_waiters(failed=failed)
            self._changed.notify_all()
        # Not with the lock held: who waited goes on at once, and may ask for more.
        for waiter, is_written in resolved:
            waiter.set_result(is_written)

    def written(self, run_id: UUID) -> Future[bool]:
        """Return a future that is True once no row of this run is unwritten.

        It is False if the database does not answer but the run is durable in the journal.
        """
        with self._changed:
            return self._waiter(run_id, self._written, is_done=not self._rows(run_id))

    def durable(self, run_id: UUID) -> Future[bool]:
        """Return a future that is True once no evidence of this run is only in memory."""
        with self._changed:
            return self._waiter(run_id, self._durable, is_done=self._is_durable(run_id))

    def wake(self) -> None:
        """Wake whoever waits in ``take``: there is something else to do."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Wake whoever waits in ``take``; nothing is refused or lost by it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_urgent(self) -> bool:
        return (
            self._closed
            or bool(self._written or self._durable)
            or len(self._waiting) >= URGENT_ROWS
            or any(row.is_capture for row in self._waiting.values())
        )

    def _let_go(self, row: Snapshot) -> None:
        # Where garbage is collected, an end may have renewed it: that one waits on.
        if self._waiting.get(row.id) is row:
            del self._waiting[row.id]

    def _merge(self, snapshot: Snapshot) -> None:
        waiting = self._waiting.get(snapshot.id)
        if waiting is None:
            self._waiting[snapshot.id] = snapshot
        elif waiting.revision > snapshot.revision:
            waiting.inherit(snapshot)
        else:
            self._waiting[snapshot.id] = snapshot.inherit(waiting)

    def _waiter(self, run_id: UUID, waiters: Waiters, *, is_done: bool) -> Future[bool]:
        waiter: Future[bool] = Future()
        waiter.set_running_or_notify_cancel()  # whoever waits cannot cancel it
        if is_done:
            waiter.set_result(True)
        else:
            waiters.setdefault(run_id, []).append(waiter)
            self._changed.notify_all()  # somebody waits: do not linger
        return waiter

    def _resolved_waiters(self, *, failed: bool) -> list[tuple[Future[bool], bool]]:
        resolved = []
        for run_id in list(self._written):
            rows = self._rows(run_id)
            is_written = not rows
            if is_written or (failed and all(row.journaled for row in rows)):
                waiters = self._written.pop(run_id)
                resolved += [(waiter, is_written) for waiter in waiters]
        for run_id in list(self._durable):
            if self._is_durable(run_id):
                waiters = self._durable.pop(run_id)
                resolved += [(waiter, True) for waiter in waiters]
        return resolved

    def _rows(self, run_id: UUID) -> list[Snapshot]:
        waiting = [row for row in self._waiting.values() if row.run_id == run_id]
        return [*waiting, *self._in_flight.get(run_id, ())]

    def _is_durable(self, run_id: UUID) -> bool:
        return all(row.journaled or not row.is_capture for row in self._rows(run_id))
