"""The writer of a process: two threads of its own, one connection of its own.

The journal's thread makes captures durable; the writer's thread brings all rows to the
database. They are apart so that a database that hangs cannot keep a capture from the
journal. Neither ever raises into whoever hands rows over.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Event
from time import monotonic, sleep
from uuid import UUID

from django.db import Error, connections
from django.utils import timezone

from chatdebug.conf import RecorderSettings
from chatdebug.logs import safe_logger
from chatdebug.services.rule_tallies import RuleCount
from chatdebug.writer.counters import Counters
from chatdebug.writer.database import write_rows
from chatdebug.writer.journal import Journal
from chatdebug.writer.maintenance import Maintenance
from chatdebug.writer.queue import SnapshotQueue
from chatdebug.writer.rule_tallies import RuleTallies
from chatdebug.writer.similar_counts import Fallback
from chatdebug.writer.snapshot import Snapshot
from chatdebug.writer.spool import Spool
from chatdebug.writer.statistics import Statistics
from chatdebug.writer.tallies import Tallies
from chatdebug.writer.worker import Worker

logger = safe_logger(__name__)

BATCH_ROWS = 200
FIRST_RETRY_SECONDS = 0.1
MAX_RETRY_SECONDS = 5.0
ALARMS_AT_CLOSE_SECONDS = 1.0
"""How long alarms that are being sent may take at the end; another process sends them."""
LAST_TRIES = 3
"""After the writer was closed, while the database does not answer."""


class Writer:
    """Takes snapshots of rows and writes them behind the back of the turn."""

    def __init__(self, config: RecorderSettings) -> None:
        self.counters = Counters()
        self.spool = (
            Spool(config.SPOOL_DIR, max_captures=config.SPOOL_FILES)
            if config.SPOOL_DIR
            else None
        )
        self.queue = SnapshotQueue(config.QUEUE_ROWS)
        self.tallies = Tallies(
            config.SPOOL_DIR, counters=self.counters, spool=self.spool
        )
        self.statistics = Statistics(on_first=lambda: self.start())  # a subclass's own
        self.rule_tallies = RuleTallies()
        self.maintenance = Maintenance(
            config,
            counters=self.counters,
            queue=self.queue,
            spool=self.spool,
            tallies=self.tallies,
            statistics=self.statistics,
            rule_tallies=self.rule_tallies,
            enqueue=self._enqueue,
        )
        self._alias = config.DATABASE
        self._journal = (
            Journal(
                self.spool,
                counters=self.counters,
                on_done=self._enqueue,
                hold=self.maintenance.hold,
            )
            if self.spool is not None
            else None
        )
        self._closing = Event()
        self.worker = Worker(self._run, name="chatdebug-writer")
        self._retry_seconds = 0.0
        self._import_is_due = False
        self._last_tries = LAST_TRIES

    def start(self) -> None:
        """Start the thread, and with it the import of what was left in the spool."""
        self.worker.start()

    def submit(self, snapshots: Sequence[Snapshot]) -> None:
        """Take rows over, in order. Returns at once."""
        captures = [row for row in snapshots if row.is_capture]
        if captures and self._journal is not None:
            self._enqueue([row for row in snapshots if not row.is_capture])
            self._journal.add(captures)
        else:
            self._enqueue(snapshots)
        self.start()

    def count_similar(self, run_id: UUID, fallback: Fallback | None = None) -> None:
        """Count one more failure on a stored run; the row says so a little later.

        ``fallback`` makes the rows to be stored if that run is deleted before that.
        """
        self.maintenance.count_similar(run_id, fallback)
        self.start()

    def count_failure(self, failure: Snapshot) -> None:
        """Take over a failure that has no rows of its own; its group says so a little later.

        Once ``journal_flushed`` of its run is done, a kill cannot take it any more.
        """
        if self._journal is None:
            self.maintenance.hold([failure])
        else:
            self._journal.add([failure])
        self.start()

    def count_rules(self, counts: Mapping[int, RuleCount]) -> None:
        """Take over what fell under own rules, by their keys; they say so a little later."""
        self.maintenance.count_rules(counts)
        self.start()

    def written(self, run_id: UUID) -> Future[bool]:
        """Return a future that is done once this run is in the database.

        True: every row of it is. False: the database does not answer, but the run is
        durable in the journal and comes later.
        """
        return self._after_journal(run_id, self.queue.written)

    def durable(self, run_id: UUID) -> Future[bool]:
        """Return a future that is True once a kill cannot take this run's evidence.

        It is in the journal then, or in the database where there is no journal, or one
        that cannot be written.
        """
        return self._after_journal(run_id, self.queue.durable)

    def journal_flushed(self, run_id: UUID) -> Future[None]:
        """Return a future that is done once the journal has had all of this run."""
        if self._journal is not None:
            return self._journal.flushed(run_id)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def bypass_journal(self, run_id: UUID) -> None:
        """Bring a run to the database though the journal has not answered in time."""
        self.counters.add(unsafe=1)
        self._bypass_journal(run_id)

    def close(self, timeout: float) -> None:
        """Write what waits, for ``timeout`` seconds at most, and end the threads."""
        deadline = monotonic() + timeout
        if self._journal is not None:
            self._journal.close(timeout / 2)
            self._bypass_journal()  # what a disk that hangs has left
        self._closing.set()
        self.queue.close()
        self.worker.join(max(0.0, deadline - monotonic()))
        left = max(0.0, deadline - monotonic())
        self.maintenance.close_alarms(min(left, ALARMS_AT_CLOSE_SECONDS))
        if self.spool is not None:
            self.spool.close()
        self.tallies.close()

    def _after_journal(
        self, run_id: UUID, then: Callable[[UUID], Future[bool]]
    ) -> Future[bool]:
        if self._journal is None:
            return then(run_id)
        waiter: Future[bool] = Future()
        waiter.set_running_or_notify_cancel()  # whoever waits cannot cancel it

        def go_on(left: Future[None]) -> None:
            then(run_id).add_done_callback(
                lambda last: waiter.set_result(last.result())
            )

        self._journal.flushed(run_id).add_done_callback(go_on)
        return waiter

    def _bypass_journal(self, run_id: UUID | None = None) -> None:
        if self._journal is not None:
            self._enqueue(self._journal.rows(run_id))

    def _enqueue(self, rows: Sequence[Snapshot]) -> None:
        if held := [row for row in rows if row.is_counted_later]:
            self.maintenance.hold(held)
            rows = [row for row in rows if not row.is_counted_later]
        surplus = self.queue.put(*rows) if rows else []
        if not surplus:
            return
        deferred = [row for row in surplus if row.journaled]
        for row in deferred:
            if self.spool is not None:
                self.spool.release(row)  # the import brings it
        if deferred:
            self._import_is_due = True
        lost = len(surplus) - len(deferred)
        self.counters.add(dropped=lost, deferred=len(deferred))
        logger.warning(
            "The recorder's queue is full: %s rows dropped, %s left to the journal",
            lost,
            len(deferred),
        )

    def _run(self) -> None:
        try:
            while not (self._closing.is_set() and not len(self.queue)):
                try:
                    if not self._closing.is_set():  # else each chore may wait in vain
                        self.maintenance.work()
                    batch = self.queue.take(BATCH_ROWS, self.maintenance.seconds_left())
                    if batch and not self._write(batch) and self._gives_up():
                        return  # what is durable comes at the next start
                except Exception as error:  # noqa: BLE001 - the thread must go on
                    self._note(error, "The recorder's writer failed")
                    self._wait_to_retry()
                    if self._gives_up():
                        return
            self._report_end()
        finally:
            connections[self._alias].close()

    def _gives_up(self) -> bool:
        """Return whether to leave the rest: after a few tries once the writer is closed."""
        if self._closing.is_set():
            self._last_tries -= 1
        return self._last_tries <= 0

    def _write(self, batch: list[Snapshot]) -> bool:
        """Bring a batch to the database; return whether it took it."""
        is_written, unkept = False, set[UUID]()
        try:
            for row in batch:
                row.resolve()
            refused = write_rows(
                batch, using=self._alias, now=timezone.now(), counters=self.counters
            )
            if self.spool is not None:
                unkept = {row.id for row in refused if not self._keep(row, self.spool)}
            is_written = True
        except Error as error:
            self.counters.add(failures=1)
            self._note(error, "The recorder's database did not answer")
            connections[self._alias].close()
        finally:
            self.queue.task_done(batch, failed=not is_written)
        if not is_written:
            self._wait_to_retry()
            return False
        for row in batch:
            if self.spool is not None and row.is_capture and row.id not in unkept:
                self.spool.remove(row)
        self.maintenance.note_written(batch)
        has_recovered, self._retry_seconds = self._retry_seconds > 0, 0.0
        if has_recovered or (self._import_is_due and not len(self.queue)):
            self._import_is_due = False
            self.maintenance.note_recovered()
        return True

    def _keep(self, refused: Snapshot, spool: Spool) -> bool:
        """Set a row aside; False: what the journal has of it is all that there is."""
        try:
            spool.keep_refused(refused)
        except OSError as error:
            self._note(error, "A row that was refused could not be kept")
            return False
        return True

    def _wait_to_retry(self) -> None:
        self._retry_seconds = min(
            self._retry_seconds * 2 or FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS
        )
        if self._closing.is_set():
            sleep(FIRST_RETRY_SECONDS)
        else:
            self._closing.wait(self._retry_seconds)

    def _report_end(self) -> None:
        try:
            self.maintenance.report()
            if batch := self.queue.take(BATCH_ROWS, 0):  # instead of deleted runs
                self._write(batch)
                self.maintenance.report()
            self.maintenance.report_statistics()
            self.maintenance.give_up_sweep()
        except Exception as error:  # noqa: BLE001 - nobody is there to raise it to
            self._note(error, "The writer's last report could not be written")

    def _note(self, error: Exception, what: str) -> None:
        self.counters.note_error(error, timezone.now())
        logger.warning("%s (%s)", what, type(error).__name__, exc_info=error)
