"""What the writer's thread does besides writing rows.

Each process looks after its own runs, rules and state, and after what dead ones left in the
spool. What is the deployment's, old and stale runs and old rows of any kind, one of them
does for all (``chatdebug.services.sweep``).
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import inf
from time import monotonic
from uuid import UUID

from django.db import Error, connections
from django.utils import timezone

from chatdebug.alarms.notices import prune_notices
from chatdebug.alarms.sender import AlarmSender
from chatdebug.conf import RecorderSettings
from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import Status
from chatdebug.logs import safe_logger
from chatdebug.models import WriterState
from chatdebug.models.runs import new_id
from chatdebug.services.forget import delete_forgotten, remove_old_marks
from chatdebug.services.groups import prune_groups
from chatdebug.services.outages import note_outages
from chatdebug.services.readings import prune_readings
from chatdebug.services.retention import prune_within
from chatdebug.services.rule_tallies import RuleCount
from chatdebug.services.stale import mark_stale_runs
from chatdebug.services.statistics import prune_statistics
from chatdebug.services.sweep import claim_sweep, give_up_sweep
from chatdebug.writer.counters import Counters
from chatdebug.writer.database import import_captures, touch_runs
from chatdebug.writer.queue import SnapshotQueue
from chatdebug.writer.rule_tallies import RuleTallies
from chatdebug.writer.similar_counts import Fallback, SimilarCounts
from chatdebug.writer.snapshot import Snapshot, Table
from chatdebug.writer.spool import Spool
from chatdebug.writer.statistics import Statistics
from chatdebug.writer.tallies import Tallies

logger = safe_logger(__name__)

REPORT_SECONDS = 1.0
"""How long what is new is kept in memory before it is reported."""
REPORT_SHARE = 0.05
"""How much of the thread's time reports may take: where one takes long, because much fails
or the database is slow, the next one comes later, and brings more at once."""
PAUSE_SECONDS = 5.0
"""How much later that is at most."""
STATISTICS_SECONDS = 30.0
"""The same for numbers of turns and calls, which have no hurry."""
STATISTICS_SOON_SECONDS = 5.0
"""The same beside something that is reported: a group that is news has its numbers soon, and
a storm does not write them with each report."""
TIDY_SECONDS = 0.5
"""How long rows are deleted at a stretch, and how long others are written between: as
fast as it must be, but never in the way of what is written for longer than that."""
RULES_SECONDS = 2.5
"""How often the deployment's rules are read, so that they hold within twice that time even
if the thread is busy for a while: one small query a process."""
RULES_RETRY_SECONDS = 10.0
"""The same while the database does not answer."""
ALARMS_SECONDS = 30.0
"""How often the process that sweeps looks whether there is something to tell."""
SWEPT_AGAIN = timedelta(days=1)
"""For so long with each beat, runs of a deleted chat are looked for in the whole table."""
WRITERS_KEPT = timedelta(days=7)


class Maintenance:
    """Heartbeat, stale and old runs, the spool, counted failures, own state, own rules.

    All but ``count_similar``, ``count_rules`` and ``hold`` is for the writer's thread alone.
    """

    def __init__(
        self,
        config: RecorderSettings,
        *,
        counters: Counters,
        queue: SnapshotQueue,
        spool: Spool | None,
        tallies: Tallies,
        statistics: Statistics,
        rule_tallies: RuleTallies,
        enqueue: Callable[[Sequence[Snapshot]], None],
    ) -> None:
        self._alias = config.DATABASE
        self._beat_seconds = config.STALE_SECONDS / 2
        self._counters = counters
        self._queue = queue
        self._enqueue = enqueue
        self._spool = spool
        self._tallies = tallies
        self._statistics = statistics
        self._rule_tallies = rule_tallies
        self._live: set[UUID] = set()
        self._similar_counts = SimilarCounts()
        self._new_chats: set[str] = set()
        self._new_owners: set[str] = set()
        self._swept_since: datetime | None = None  # at first, all
        self._is_sweeping = False
        # Imported rows may be of deleted chats: delete again, even if another process sweeps.
        self._owes_a_sweep = False
        self._alarms = AlarmSender(self._alias)
        self._next_alarms = inf
        self._next_tidy = inf
        self._next_beat = 0.0
        self._next_report = inf
        self._no_report_before = 0.0
        self._next_statistics = inf
        self._last_statistics = -inf
        self._next_rules = 0.0
        self._are_rules_missing = False
        self._state = WriterState(
            id=new_id(), host=socket.gethostname(), pid=os.getpid()
        )

    def count_similar(self, run_id: UUID, fallback: Fallback | None = None) -> None:
        """Count one more failure on a stored run. From any thread."""
        self._counters.add(suppressed=1)
        self._similar_counts.add(run_id, fallback)
        self._wake_to_report()

    def count_rules(self, counts: Mapping[int, RuleCount]) -> None:
        """Keep what fell under own rules until the next report. From any thread."""
        self._rule_tallies.add(counts)
        self._wake_to_report()

    def hold(self, failures: Sequence[Snapshot]) -> None:
        """Keep failures until the next report: all are one write. From any thread."""
        self._tallies.hold(failures)
        self._wake_to_report()

    def note_written(self, batch: Iterable[Snapshot]) -> None:
        """Take note of rows that the database has now."""
        for row in batch:
            if row.table is Table.RUN:
                if row.is_new:
                    self._new_chats.add(str(row.columns["chat_id"]))
                    self._new_owners.add(str(row.columns.get("owner_id", "")))
                if row.status is Status.IN_PROGRESS:
                    self._live.add(row.id)
                else:
                    self._live.discard(row.id)
                if row.is_capture:
                    self._similar_counts.note_written(row.id)
        self._report_soon()

    def note_recovered(self) -> None:
        """Take note that the database answers again: look after everything now."""
        self._next_beat = 0.0

    def seconds_left(self) -> float:
        """Return how long the thread may wait until there is something to do here."""
        due = (
            *(self._next_beat, self._next_report, self._next_statistics),
            *(self._next_rules, self._next_tidy, self._next_alarms),
        )
        return max(0.0, min(due) - monotonic())

    def work(self) -> None:
        """Do what is due. Never raises; what a database refuses is done later."""
        if self._statistics:
            self._statistics.sum_up()
            in_time = monotonic() + STATISTICS_SECONDS
            self._next_statistics = min(self._next_statistics, in_time)
        now = monotonic()
        is_beat, is_report = now >= self._next_beat, now >= self._next_report
        if is_beat:
            self._next_beat = now + self._beat_seconds
        if is_beat or is_report:
            self._try(self.report)
            if self._statistics:
                soon = self._last_statistics + STATISTICS_SOON_SECONDS
                self._next_statistics = min(self._next_statistics, soon)
        if is_beat or now >= self._next_statistics:
            self._try(self.report_statistics)
        if is_beat or now >= self._next_rules:
            self._renew_rules()
        if is_beat:
            self._look_after_everything()
        if is_beat or now >= self._next_tidy:
            self._next_tidy = inf
            self._try(self._tidy)
        if monotonic() >= self._next_alarms:
            self._next_alarms = monotonic() + ALARMS_SECONDS
            # Also while nobody is told: a rehearsal knows what there would have been.
            self._try(partial(note_outages, using=self._alias))
            self._try(self._alarms.start)

    def report(self) -> None:
        """Write what was counted, and this writer's state. Raises django.db.Error.

        Runs that were just written of a chat that was deleted meanwhile go again.
        """
        self._next_report, began = inf, monotonic()
        try:
            self._tallies.report(using=self._alias)
            self._enqueue(self._similar_counts.report(using=self._alias))
            self._rule_tallies.report(using=self._alias)
        finally:
            now = monotonic()
            pause = min((now - began) / REPORT_SHARE, PAUSE_SECONDS)
            self._no_report_before = now + pause
            if self._similar_counts or self._tallies or self._rule_tallies:
                self._report_soon()
        if self._new_chats:
            are_gone = delete_forgotten(
                chats=self._new_chats, owners=self._new_owners, using=self._alias
            )
            if not are_gone:
                self._next_tidy, self._owes_a_sweep = 0.0, True
            self._new_chats, self._new_owners = set(), set()
        numbers = self._counters.as_dict()
        state = self._state
        state.last_error = numbers.pop("last_error")
        state.last_error_at = numbers.pop("last_error_at")
        state.counters = numbers
        state.queued = len(self._queue)
        state.spooled = self._spool.count() if self._spool is not None else 0
        if not state.spooled:
            state.spooled_since = None
        elif state.spooled_since is None:
            state.spooled_since = timezone.now()
        state.seen_at = timezone.now()
        state.save(using=self._alias)

    def report_statistics(self) -> None:
        """Write the numbers of turns and calls. Raises django.db.Error."""
        self._next_statistics, self._last_statistics = inf, monotonic()
        self._statistics.report(using=self._alias)

    def import_spool(self) -> int:
        """Import what was left behind; return how many rows the database has of it.

        Raises django.db.Error if the database does not work; the files stay then.
        """
        if self._spool is None:
            return 0
        self._tallies.import_left_behind(using=self._alias)
        rows = import_captures(self._spool, using=self._alias, counters=self._counters)
        self._counters.add(imported=rows)
        if rows:  # of chats that were deleted any time ago
            self._swept_since, self._owes_a_sweep = None, True
        return rows

    def give_up_sweep(self) -> None:
        """Leave the deployment's chores to another process. Raises django.db.Error."""
        if self._is_sweeping:
            self._is_sweeping = False
            give_up_sweep(holder=self._state.id, using=self._alias)

    def close_alarms(self, timeout: float) -> None:
        """Wait for alarms that are being sent, at most so many seconds."""
        self._alarms.close(timeout)

    def _look_after_everything(self) -> None:
        """Do each chore on its own: what one stumbles over keeps no other from its work.

        Where the database cannot be reached, the others would only wait for it, too.
        """
        for chore in self._chores():
            if not self._try(chore):
                try:
                    connections[self._alias].ensure_connection()
                except Error:
                    return

    def _chores(self) -> Iterator[Callable[[], object]]:
        using = self._alias
        yield partial(touch_runs, list(self._live), using=using, now=timezone.now())
        yield self.import_spool
        yield self._claim_sweep
        if self._is_sweeping:
            yield partial(mark_stale_runs, using=using)
            yield self._remove_old_writers
            yield partial(remove_old_marks, using=using)
            yield partial(prune_readings, using=using)
            yield partial(prune_groups, using=using)
            yield partial(prune_notices, using=using)
            yield partial(prune_statistics, using=using)

    def _claim_sweep(self) -> None:
        self._is_sweeping = False  # if that cannot be known
        self._is_sweeping = claim_sweep(holder=self._state.id, using=self._alias)
        if not self._is_sweeping:
            self._next_alarms = inf
        elif self._next_alarms == inf:
            self._next_alarms = monotonic()

    def _renew_rules(self) -> None:
        load = partial(loaded_rules.load, using=self._alias)
        # What an outage has to say it says once, not every few seconds.
        is_read = self._try(load, quietly=self._are_rules_missing)
        self._are_rules_missing = not is_read
        pause = RULES_SECONDS if is_read else RULES_RETRY_SECONDS
        self._next_rules = monotonic() + pause

    def _remove_old_writers(self) -> None:
        old = timezone.now() - WRITERS_KEPT
        WriterState.objects.using(self._alias).filter(seen_at__lt=old).delete()

    def _tidy(self) -> None:
        """Delete runs of deleted chats, and old ones, for as long as it may take."""
        if not (self._is_sweeping or self._owes_a_sweep):
            return
        is_tidy = delete_forgotten(
            since=self._swept_since, budget=TIDY_SECONDS, using=self._alias
        )
        if is_tidy:
            self._swept_since = timezone.now() - SWEPT_AGAIN
            self._owes_a_sweep = False
            if self._is_sweeping:
                is_tidy = prune_within(seconds=TIDY_SECONDS, using=self._alias)
        if not is_tidy:
            self._next_tidy = monotonic() + TIDY_SECONDS

    def _wake_to_report(self) -> None:
        """Report soon, although the thread may be waiting for longer. From any thread."""
        before = self._next_report
        self._report_soon()
        if self._next_report < before:
            self._queue.wake()

    def _report_soon(self) -> None:
        in_time = max(monotonic() + REPORT_SECONDS, self._no_report_before)
        self._next_report = min(self._next_report, in_time)

    def _try(self, chore: Callable[[], object], *, quietly: bool = False) -> bool:
        try:
            chore()
        except Exception as error:
            self._counters.note_error(error, timezone.now())
            if not quietly:
                logger.warning("The recorder's maintenance failed", exc_info=error)
            connections[self._alias].close()
            return False
        return True
