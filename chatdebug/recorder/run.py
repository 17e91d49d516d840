"""The recording of one run: what it is about, how it ended, and when it is written."""

import threading
from concurrent.futures import Future
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatdebug.enums import (
    ErrorKind,
    Evidence,
    Interruption,
    Level,
    Operation,
    Status,
    worst_outcome,
)
from chatdebug.levels import evidence_of_run
from chatdebug.logs import safe_logger
from chatdebug.models.runs import new_id
from chatdebug.recorder.arguments import RunFacts, as_choice, as_error
from chatdebug.recorder.calls import new_step
from chatdebug.recorder.columns import whole_of
from chatdebug.recorder.counting import count_turn
from chatdebug.recorder.endings import Ending
from chatdebug.recorder.failures import RunFailures
from chatdebug.recorder.request_notes import RequestNotes
from chatdebug.recorder.rows import RunRows
from chatdebug.recorder.rule_watch import RuleWatch
from chatdebug.recorder.seen_errors import (
    InnerErrors,
    Remembered,
    remember,
    stands_for_one_of,
)
from chatdebug.recorder.step import Step
from chatdebug.recorder.storm import StoredRun
from chatdebug.safety import never_raises
from chatdebug.scope import current_run
from chatdebug.writer import Snapshot, process_id, writer

logger = safe_logger("chatdebug.recorder")


class Run:
    """One run while it is being recorded. Its methods never raise.

    At the errors level nothing exists of it until a step fails with an unclassified
    error; at the full level its row is there from the start.
    """

    # On the class, and not set in __init__: a run is made for every turn that goes well.
    id: UUID | None = None
    error_kind: ErrorKind | None = None
    evidence = Evidence.ERROR
    """What its captured failures keep of their calls; at the full level, all have it."""
    failed_with: ErrorKind | None = None  # the last failure, also of a known kind
    is_one_call = False  # which is counted with it
    is_part = False  # of a turn whose own run is counted
    level_given: Level | None = None  # by who began it
    evidence_given = Evidence.FULL
    called = ("", "")  # the provider and the model of a call, if the run was not told
    started_at: datetime | None = None
    finished_at: datetime | None = None  # of one of which something is recorded
    _outcome: Status | None = None
    interrupted_by: Interruption | None = None
    _closed = False
    _ended = 0.0  # when it was closed, by ``perf_counter``
    _recorded: Remembered = ()  # the errors that steps hold
    steps: tuple[Step, ...] = ()  # those that are recorded
    calls = 0  # all that were begun, each attempt at the errors level
    answered: dict[str, int | None] | None = None  # when a call after them went well
    durable: Future[Any] | None = None  # what its end waits for, once it is closed
    inner_errors: InnerErrors | None = None  # of runs inside of it
    failures: RunFailures | None = None  # the captured ones
    _rows: RunRows | None = None  # from the first one that is to be written
    rule_watch: RuleWatch | None = None
    request_notes: RequestNotes | None = None  # of the failure that was kept last

    def __init__(self, facts: RunFacts, level: Level) -> None:
        self.facts = facts
        self.level = level
        self.started = perf_counter()
        self._process = process_id()
        self.holding: set[Step] = set()  # whose attempts are in the box
        # Reentrant, as all that an end takes: what nobody holds is closed anywhere. And
        # whoever holds it waits for nobody, or those two would wait for each other.
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether what happens now still belongs to this run."""
        return not self._closed and self.level is not Level.OFF

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process began it, and is no fork of the one that did."""
        return self._process == process_id()

    @property
    def stored_run(self) -> StoredRun | None:
        """Where the evidence of this run is found, else None.

        That is the run itself if its row was written or is about to be. A failure that
        was only counted is found on the run that counts it, and one of a run inside of
        this one on that: maybe another chat's, so whoever shows it asks first who may
        read that chat.
        """
        if self._rows is not None:
            return self.own
        if self.failures is not None and self.failures.counted_on is not None:
            return self.failures.counted_on
        return None if self.inner_errors is None else self.inner_errors.stored_run

    @property
    def stored_id(self) -> UUID | None:
        """The id of ``stored_run``."""
        return self.stored_run.id if self.stored_run is not None else None

    @property
    def own(self) -> StoredRun:
        """Where this run itself is found; the first question gives it its id."""
        if self.id is None:
            with self._lock:
                self.id = self.id or new_id()
        return StoredRun(self.id, self.facts.chat_id)

    @property
    def took(self) -> timedelta | None:
        """How long it took with its queue; None if it goes on, or nothing is recorded."""
        return whole_of(self.facts, self.started_at, self.finished_at)

    @property
    def evidence_is_safe(self) -> bool:
        """Whether a kill of this process could take no evidence of an error any more.

        True also where there is none. Asked after the run's block was left, it is False
        only if journal and database did not answer within ``FLUSH_SECONDS``, or if
        nothing waited for them: whoever shows the failure then should say so.
        """
        if self._closed or not self._has_capture:
            return self.durable is None or self.durable.done()
        return False

    def now(self) -> datetime:
        """Return the time by this run's own clock, which nobody sets back."""
        return self._at(perf_counter())

    def _at(self, moment: float) -> datetime:
        if self.started_at is None:
            ago = timedelta(seconds=perf_counter() - self.started)
            self.started_at = timezone.now() - ago
        return self.started_at + timedelta(seconds=moment - self.started)

    def begin(self, level: Level) -> None:
        """Begin at the level that holds now, as far as who began it wants that.

        At the full level its row is written.
        """
        if level is Level.FULL and self.level_given is not None:
            level = self.level_given  # what the deployment allows and the caller wants
        self.level = level
        chat_id, owner_id = self.facts.chat_id, self.facts.owner_id
        self.evidence = evidence_of_run(level, chat_id, owner_id, self.evidence_given)
        if level is Level.FULL:
            self._write()

    def step(self, operation: Operation | str = Operation.GENERATE) -> Step:
        """Return a new step, to be used as a block around one call of a provider.

        Raises TypeError with DEBUG for an operation that there is not.
        """
        known = as_choice(operation, "operation", Operation)
        return new_step(self, known or Operation.GENERATE)

    def should_store(self, step: Step) -> bool:
        """Count a failed step, and return whether its evidence is stored as well."""
        if step.error is None:
            return False
        with self._lock:
            self.failures = self.failures or RunFailures(self, self._lock)
        return self.failures.admit(step, step.error)

    def write_step(self, step: Step, *, is_capture: bool) -> None:
        """Write a step, and the run before it if that is not there yet.

        For the step's own methods, which do not raise what this may raise.
        """
        if self._closed:
            if step.number == 0 and step.started > self._ended:
                return
            # It was begun in the run: a stream that is read elsewhere, or a task. Nothing
            # that comes after it can have repaired it.
            ended = step.finished_at
            if step.status is Status.ERROR and ended and ended > self._at(self._ended):
                self._set_outcome(Status.ERROR)
        with self._lock:
            if self._closed:
                self.finished_at = self.finished_at or self._at(self._ended)
            is_first_capture = is_capture and not self._has_capture
            rows = self._begun_rows()
            rows.make(step, is_capture=is_capture)
        rows.hand_over()
        if is_first_capture:
            logger.info("Recorded run %s", self.own.id)

    def remember_error(self, error: BaseException | None, *, began: float) -> None:
        """Remember that a step holds this error, so that it is not recorded again."""
        if error is not None:
            self._recorded = remember(self._recorded, error, began=began)

    def has_recorded(self, error: BaseException | None, *, since: float) -> bool:
        """Return whether a step that began after that moment holds this error already.

        It then belongs to a call inside of another one, such as that of an SDK inside of
        a framework's. A retry begins after what it repeats, whose error may be its context.
        """
        if error is None or not self._recorded:
            return False
        inner = [known for known, began in self._recorded if began > since]
        return stands_for_one_of(error, inner)

    def note_inner_error(self, error: BaseException, inner: "Run") -> None:
        """Know what has left a run inside of this one, which has recorded it."""
        if inner.level is not Level.OFF:
            self.inner_errors = self.inner_errors or InnerErrors()
            self.inner_errors.add(error, inner)

    def complete(self) -> None:
        """Mark the turn as succeeded, its answer as committed.

        Made for ``transaction.on_commit``; it may come after the run was closed.
        """
        self._set_outcome(Status.COMPLETED)
        if self.rule_watch is not None:
            self.rule_watch.went_well(self.now())

    def interrupt(self, by: Interruption | str = "") -> None:
        """Mark the turn as stopped or cancelled; ``by`` says by whom, if that is known.

        Like ``complete`` it may come after the run was closed. Raises TypeError with DEBUG
        for somebody that there is not.
        """
        if by:
            self.interrupted_by = as_choice(by, "by", Interruption)
        self._set_outcome(Status.INTERRUPTED)

    def fail(self, error: BaseException | None = None) -> None:
        """Mark the turn as failed.

        The evidence is what its steps recorded, and the error if one is given: as if it
        had left the run's block.
        """
        known = as_error(error)
        if known is not None and not self._closed:
            self._take_error(known)
        self._set_outcome(Status.ERROR)

    def close(
        self, error: BaseException | None, outcome: Status | None = None
    ) -> Future[Any] | None:
        """End the run with what left its block; further calls are not recorded.

        The run around it, in whose block it was made, knows that error from now on.
        ``outcome`` is for whoever knows it only now; the worst that was said counts.
        Returns a future to wait for if evidence of an error is on its way, else None.
        """
        if error is not None:
            self._take_error(error)
        self._end(outcome)
        durable = self._evidence_on_its_way()
        around = current_run.get()
        if error is not None and around is not None:
            around.note_inner_error(error, self)
        return durable

    def _end(self, outcome: Status | None) -> None:
        """Take no more calls, let go of what is held, and write how the run ended."""
        with self._lock:
            is_first = not self._closed
            if is_first:
                self._ended = perf_counter()
            if is_first and outcome is not None:
                self._outcome = worst_outcome(self._outcome, outcome)
            self._closed = True
            self._recorded = ()
            if self.inner_errors is not None:
                self.inner_errors.forget()
            if self.rule_watch is not None:
                self.rule_watch.forget_errors()
            # Of most turns there is nothing to write, now or later.
            if is_first and (self._rows or self.steps or self.failures):
                self.finished_at = self.now()
        for step in tuple(self.holding):  # whose answers nobody has read to an end
            step.let_go()
        if is_first:
            count_turn(self, self._outcome)
        if is_first and self._rows is not None:
            self._write()

    def _evidence_on_its_way(self) -> Future[Any] | None:
        """Return what is to be waited for until the evidence is safe; None: nothing."""
        rows = self._rows
        if rows is not None and rows.has_capture:
            if not rows.wait():
                # In another thread's hands; in this one's, if this is an end in between.
                self.durable = Future()
                self.flush_timed_out()
                return None
            self.durable = writer().durable(self.own.id)
        elif self.failures is not None:  # written, so that a kill cannot take it
            self.durable = writer().journal_flushed(self.own.id)
        elif self.inner_errors is not None:
            self.durable = self.inner_errors.durable
        return self.durable

    @never_raises
    def flush_timed_out(self) -> None:
        """Log and count that the failure is shown before its evidence is safe."""
        if self.id is not None and not self.evidence_is_safe:
            writer().bypass_journal(self.id)
            logger.error("The evidence of run %s is not safe yet", self.id)

    @never_raises
    def _take_error(self, error: BaseException) -> None:
        """Take what made the run fail; what no step holds becomes a step of its own."""
        ending = Ending(self, error, [known for known, _ in self._recorded])
        self._set_outcome(ending.outcome)
        if self.level is not Level.OFF:
            ending.record()

    def _set_outcome(self, outcome: Status) -> None:
        """Take the worst of the outcomes; write it if it comes after the run's end."""
        with self._lock:
            before = self._outcome
            self._outcome = worst_outcome(before, outcome)
            is_late = self._closed
        if is_late and self._outcome is not before:
            count_turn(self, before, times=-1)
            count_turn(self, outcome)
        if is_late and self._rows is not None:
            self._write()

    @property
    def status(self) -> Status:
        """How it stands: in progress until it is closed."""
        if not self._closed:
            return Status.IN_PROGRESS
        return self._outcome or Status.INTERRUPTED

    @property
    def _has_capture(self) -> bool:
        return self._rows is not None and self._rows.has_capture

    @never_raises
    def _write(self) -> None:
        rows = self._begun_rows()
        rows.make()
        rows.hand_over()

    def _begun_rows(self) -> RunRows:
        with self._lock:
            if self._rows is None:
                self._rows = RunRows(self, self._lock)
            return self._rows

    def rows_of_failure(self, step: Step) -> list[Snapshot]:
        """Return the rows of this run and a failed step that was only counted until now.

        Called on the writer's thread, which writes them.
        """
        now = self.now()
        with self._lock:
            if self._closed:
                self.finished_at = self.finished_at or now
            if step.status is Status.IN_PROGRESS:  # just about to fail
                step.status = Status.ERROR
            step.finished_at = step.finished_at or now
        return self._begun_rows().take(step)
