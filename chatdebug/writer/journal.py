"""The journal: a thread that writes captures to the spool, those of many turns at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Condition
from uuid import UUID

from django.utils import timezone

from chatdebug.logs import safe_logger
from chatdebug.writer.counters import Counters
from chatdebug.writer.snapshot import Snapshot
from chatdebug.writer.spool import Spool
from chatdebug.writer.worker import Worker

logger = safe_logger(__name__)

LINGER_SECONDS = 0.05
"""How long the evidence of a call waits for the end of its turn, to be one write with it.
Nobody waits that long: the end of a turn is written at once, with all that lingers."""
GROUP_ROWS = 200
"""How many rows go into one file at most."""


class Journal:
    """Rows on their way to the disk. Every method may be called from any thread.

    ``on_done`` is called, from the journal's thread, with rows that need no more of it:
    they are durable, or marked as not ``journaled``. ``hold`` takes failures that are only
    counted, which are no captures and need no sync.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        counters: Counters,
        on_done: Callable[[list[Snapshot]], None],
        hold: Callable[[list[Snapshot]], None],
    ) -> None:
        self._spool = spool
        self._counters = counters
        self._on_done = on_done
        self._hold = hold
        self._waiting: dict[object, Snapshot] = {}
        self._being_written: list[Snapshot] = []
        self._held: Counter[UUID] = Counter()  # how many of both each run has
        self._waiters: dict[UUID, list[Future[None]]] = {}
        self._changed = Condition()
        self._closed = False
        self._worker = Worker(self._run, name="chatdebug-journal")

    def add(self, rows: Iterable[Snapshot]) -> None:
        """Take rows over; they are durable a little later, or at once after ``close``."""
        with self._changed:
            for row in rows:
                older = self._waiting.get(row.id)
                self._waiting[row.id] = row if older is None else row.inherit(older)
                self._held[row.run_id] += older is None
            self._changed.notify_all()
            closed = self._closed
        if not closed:
            self._worker.start()
            return
        while self._waiting:  # the process ends: nobody else will do it
            self._write_group()

    def flushed(self, run_id: UUID) -> Future[None]:
        """Return a future that is done once nothing of this run waits here."""
        waiter: Future[None] = Future()
        waiter.set_running_or_notify_cancel()  # whoever waits cannot cancel it
        with self._changed:
            is_held = run_id in self._held
            if is_held:
                self._waiters.setdefault(run_id, []).append(waiter)
                self._changed.notify_all()  # somebody waits: do not linger
        if not is_held:
            waiter.set_result(None)
        return waiter

    def rows(self, run_id: UUID | None = None) -> list[Snapshot]:
        """Return what is not on disk yet, of one run or of all."""
        with self._changed:
            rows = [*self._being_written, *self._waiting.values()]
            return [row for row in rows if run_id in (None, row.run_id)]

    def close(self, timeout: float) -> None:
        """Write what waits, for ``timeout`` seconds at most, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._changed.wait_for(self._is_urgent, LINGER_SECONDS)
                if not self._waiting:
                    return
            self._write_group()

    def _is_urgent(self) -> bool:
        is_full = len(self._waiting) >= GROUP_ROWS
        return self._closed or bool(self._waiters) or is_full

    def _write_group(self) -> None:
        with self._changed:
            self._being_written = group = list(self._waiting.values())[:GROUP_ROWS]
            for row in group:
                # Where garbage is collected, an end may have renewed it: that one waits on.
                if self._waiting.get(row.id) is row:
                    del self._waiting[row.id]
                else:
                    self._held[row.run_id] += 1
        counted = [row for row in group if row.is_counted_only]
        captures = [row for row in group if not row.is_counted_only]
        try:
            if counted:
                self._hold(counted)
            if captures:
                self._make_durable(captures)
        finally:
            self._on_done(captures)
            with self._changed:
                self._being_written = []
                self._held -= Counter(row.run_id for row in group)  # drops zeros
                resolved = self._resolved_waiters(group)
            # Not with the lock held: who waited may ask another one, which takes its own.
            for waiter in resolved:
                waiter.set_result(None)

    def _make_durable(self, group: list[Snapshot]) -> None:
        try:
            for row in group:
                row.resolve()
            refused = self._spool.write(group)
        except Exception as error:
            self._counters.note_error(error, timezone.now())
            logger.warning(
                "%s captures could not be journaled (%s)",
                len(group),
                type(error).__name__,
                exc_info=error,
            )
            refused = group
        lost = {row.id for row in refused}
        for row in group:
            row.journaled = row.id not in lost
        self._counters.add(
            journaled=len(group) - len(refused), journal_failures=len(refused)
        )

    def _resolved_waiters(self, group: list[Snapshot]) -> list[Future[None]]:
        runs = {row.run_id for row in group} & self._waiters.keys() - self._held.keys()
        return [waiter for run_id in runs for waiter in self._waiters.pop(run_id)]
