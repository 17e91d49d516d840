"""The writer of a process: two threads of its own, one connection of its own.

The journal's thread makes captures durable; the writer's thread brings all rows to the
database. They are apart so that a database that hangs cannot keep a capture from the
journal. Neither ever raises into whoever hands rows over.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from threading import Event, Lock, Thread
from time import monotonic
from uuid import UUID

from django.db import Error, connections
from django.utils import timezone

from chatdebug.conf import RecorderSettings
from chatdebug.enums import Status
from chatdebug.services.stale import mark_stale_runs
from chatdebug.writer.counters import Counters
from chatdebug.writer.database import (
    add_similar,
    insert_missing,
    touch_runs,
    write_rows,
)
from chatdebug.writer.queue import SnapshotQueue
from chatdebug.writer.rows import Snapshot, Table
from chatdebug.writer.spool import Spool, read_captures, set_aside

logger = logging.getLogger(__name__)

BATCH_ROWS = 200
FIRST_RETRY_SECONDS = 0.1
MAX_RETRY_SECONDS = 5.0
COUNT_SECONDS = 1.0
"""How long failures are only counted in memory before their number is written."""


class Writer:
    """Takes snapshots of rows and writes them behind the back of the turn."""

    def __init__(self, config: RecorderSettings) -> None:
        self.counters = Counters()
        self.spool = Spool(config.SPOOL_DIR) if config.SPOOL_DIR else None
        self.queue = SnapshotQueue(config.QUEUE_ROWS)
        self._alias = config.DATABASE
        self._beat_seconds = config.STALE_SECONDS / 2
        self._live: set[UUID] = set()
        self._journal = ThreadPoolExecutor(1, thread_name_prefix="chatdebug-journal")
        self._closing = Event()
        self._starting = Lock()
        self._counting = Lock()
        self._similar: Counter[UUID] = Counter()
        self._thread: Thread | None = None
        self._retry_seconds = 0.0
        self._next_beat = 0.0
        self._next_count = 0.0

    def start(self) -> None:
        """Start the thread, and with it the import of what was left in the spool."""
        self._ensure_thread()

    def submit(self, snapshots: Sequence[Snapshot]) -> None:
        """Take rows over, in order. Returns at once."""
        for snapshot in snapshots:
            if snapshot.is_capture and self.spool is not None:
                self.queue.announce(snapshot.run_id)
                self._journal.submit(self._journal_first, snapshot)
            else:
                self._enqueue(snapshot)
        self._ensure_thread()

    def count_similar(self, run_id: UUID) -> None:
        """Count one more failure on a stored run; the row says so a little later."""
        self.counters.add(suppressed=1)
        with self._counting:
            is_first = not self._similar
            self._similar[run_id] += 1
            if is_first:
                self._next_count = monotonic() + COUNT_SECONDS
        self._ensure_thread()
        if is_first:
            self.queue.nudge()

    def written(self, run_id: UUID) -> Future[bool]:
        """Return a future that is done once this run is in the database.

        True: every row of it is. False: the database does not answer, but the run is
        durable in the journal and comes later.
        """
        return self.queue.written(run_id)

    def close(self, timeout: float) -> None:
        """Write what waits, for ``timeout`` seconds at most, and end the threads."""
        self._journal.shutdown(wait=True)
        self._closing.set()
        self.queue.close()
        if self._thread is not None:
            self._thread.join(timeout)

    def import_spool(self) -> int:
        """Bring captures that a dead database or process left behind into the database.

        Returns how many rows were looked at. Raises django.db.Error if the database does
        not work; the files stay then. A damaged file is set aside.
        """
        rows = 0
        for path in self.spool.leftovers() if self.spool is not None else ():
            try:
                captured = read_captures(path)
            except FileNotFoundError:
                continue  # its own process was faster
            except ValueError:
                set_aside(path)
                continue
            rows += insert_missing(captured, using=self._alias)
            path.unlink(missing_ok=True)
        self.counters.add(imported=rows)
        return rows

    def _ensure_thread(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(
                    target=self._run, name="chatdebug-writer", daemon=True
                )
                self._thread.start()

    def _journal_first(self, snapshot: Snapshot) -> None:
        try:
            snapshot.resolve()
            if self.spool is not None:
                self.spool.write(snapshot)
                snapshot.journaled = True
                self.counters.add(journaled=1)
        except Exception as error:  # noqa: BLE001 - noted and counted
            self._note(error, "A capture could not be journaled")
            self.counters.add(journal_failures=1)
        self._enqueue(snapshot, announced=True)

    def _enqueue(self, snapshot: Snapshot, *, announced: bool = False) -> None:
        if dropped := self.queue.put(snapshot, announced=announced):
            self.counters.add(dropped=dropped)
            logger.warning("The recorder's queue is full: %s rows dropped", dropped)

    def _run(self) -> None:
        try:
            while not (self._closing.is_set() and not len(self.queue)):
                self._beat_if_due()
                if self._seconds_to_count() <= 0:
                    self._write_similar()
                batch = self.queue.take(BATCH_ROWS, self._seconds_to_wait())
                if batch and not self._write(batch) and self._closing.is_set():
                    return  # what is durable comes at the next start
            self._write_similar()
        except Exception as error:  # noqa: BLE001 - noted; the next row starts it anew
            self._note(error, "The recorder's writer died")
        finally:
            connections[self._alias].close()

    def _write(self, batch: list[Snapshot]) -> bool:
        failed = True
        try:
            for row in batch:
                row.resolve()
            now = timezone.now()
            write_rows(batch, using=self._alias, now=now, counters=self.counters)
            failed = False
        except Error as error:
            self.counters.add(failures=1)
            self._note(error, "The recorder's database did not answer")
            connections[self._alias].close()
        finally:
            self.queue.settle(batch, failed=failed)
        if failed:
            self._wait_to_retry()
        else:
            self._wrote(batch)
        return not failed

    def _wrote(self, batch: list[Snapshot]) -> None:
        recovered, self._retry_seconds = bool(self._retry_seconds), 0.0
        for row in batch:
            if self.spool is not None and row.is_capture:
                self.spool.strike(row)
            if row.table is Table.RUN:
                if row.status is Status.IN_PROGRESS:
                    self._live.add(row.id)
                else:
                    self._live.discard(row.id)
        if recovered:
            self._next_beat = 0.0

    def _wait_to_retry(self) -> None:
        self._retry_seconds = min(
            self._retry_seconds * 2 or FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS
        )
        self._closing.wait(self._retry_seconds)

    def _write_similar(self) -> None:
        """Write how many failures were only counted; what fails is added later."""
        with self._counting:
            similar, self._similar = self._similar, Counter()
        if not similar:
            return
        try:
            add_similar(similar, using=self._alias)
        except Error as error:
            self._note(error, "Counted failures could not be written")
            connections[self._alias].close()
            with self._counting:
                self._similar.update(similar)

    def _seconds_to_wait(self) -> float:
        return min(self._seconds_to_beat(), self._seconds_to_count())

    def _seconds_to_count(self) -> float:
        return max(0.0, self._next_count - monotonic()) if self._similar else inf

    def _seconds_to_beat(self) -> float:
        return max(0.0, self._next_beat - monotonic())

    def _beat_if_due(self) -> None:
        """Say that this process is alive, and look after what others left behind."""
        if self._seconds_to_beat() > 0:
            return
        self._next_beat = monotonic() + self._beat_seconds
        try:
            if self._live:
                touch_runs(list(self._live), using=self._alias, now=timezone.now())
            self.import_spool()
            mark_stale_runs(using=self._alias)
        except (Error, OSError) as error:
            self._note(error, "The recorder's heartbeat failed")
            connections[self._alias].close()

    def _note(self, error: Exception, what: str) -> None:
        self.counters.note_error(error, timezone.now())
        logger.warning("%s (%s)", what, type(error).__name__, exc_info=error)
