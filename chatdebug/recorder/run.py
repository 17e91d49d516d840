"""The recording of one run: what it is about, how it ended, and when it is written."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import ErrorKind, Level, Operation, RunKind, Status
from chatdebug.errors import classify, walk
from chatdebug.errors.fingerprint import fingerprint
from chatdebug.models.runs import new_id
from chatdebug.payloads import summarise_label
from chatdebug.recorder.arguments import as_choice, as_error
from chatdebug.recorder.step import Step
from chatdebug.recorder.storm import Admission, StoredRun, storm_guard
from chatdebug.recorder.summary import summarise
from chatdebug.recorder.unhandled import record_escaped
from chatdebug.redaction import redact_text
from chatdebug.safety import never_raises
from chatdebug.writer import Later, Snapshot, Table, writer

logger = logging.getLogger("chatdebug.recorder")

ERRORS_NOTED = 8
"""The newest errors that are known again when they leave the run."""
OUTCOME_RANK = {Status.COMPLETED: 1, Status.INTERRUPTED: 2, Status.ERROR: 3}
"""Of several outcomes said of a run, the worst one wins. Mind that the order of a step's
status is another one: there a repaired error counts as completed."""


@dataclass(slots=True, kw_only=True)
class RunFacts:
    """What is known of a run before it starts. Ids are the host project's, as text."""

    chat_id: str
    owner_id: str = ""
    kind: RunKind = RunKind.CHAT_TURN
    provider: str = ""
    model: str = ""
    trigger_message_id: str = ""
    history_tip_message_id: str = ""
    root_chat_id: str = ""
    parent_chat_id: str = ""
    model_config_id: str = ""
    label: str = ""


class Run:
    """One run while it is being recorded. Its methods never raise.

    At the errors level nothing exists of it until a step fails with an unclassified
    error; at the full level its row is there from the start.
    """

    __slots__ = (
        "_admitted",
        "_closed",
        "_counted_on",
        "_durable",
        "_finished_at",
        "_has_capture",
        "_lock",
        "_outcome",
        "_recorded",
        "_revision",
        "_row_exists",
        "_started_at",
        "_steps",
        "error_kind",
        "facts",
        "fingerprint",
        "id",
        "level",
        "started",
    )

    def __init__(self, facts: RunFacts, level: Level) -> None:
        self.facts = facts
        self.level = level
        self.id: UUID | None = None
        self.error_kind: ErrorKind | None = None
        self.fingerprint = ""
        self.started = perf_counter()
        self._started_at: datetime | None = None
        self._finished_at: datetime | None = None
        self._steps: list[Step] = []
        self._outcome: Status | None = None
        self._closed = False
        self._row_exists = False
        self._has_capture = False
        self._recorded: tuple[tuple[BaseException, float], ...] = ()
        self._revision = 0
        self._durable: Future[bool] | None = None
        self._admitted: dict[str, bool] = {}
        self._counted_on: StoredRun | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether what happens now still belongs to this run."""
        return not self._closed and self.level is not Level.OFF

    @property
    def stored_run(self) -> StoredRun | None:
        """Where the evidence of this run is found, else None.

        That is the run itself if its row was written or is about to be. A failure that
        was only counted is found on the run that counts it: maybe another chat's, so
        whoever shows it asks first who may read that chat.
        """
        if self._row_exists and self.id is not None:
            return self._own
        return self._counted_on

    @property
    def stored_id(self) -> UUID | None:
        """The id of ``stored_run``."""
        return self.stored_run.id if self.stored_run is not None else None

    @property
    def evidence_is_safe(self) -> bool:
        """Whether a kill of this process could take no evidence of an error any more.

        True also where there is none. Asked after the run's block was left, it is False
        only if journal and database did not answer within ``FLUSH_SECONDS``, or if
        nothing waited for them: whoever shows the failure then should say so.
        """
        if self._closed or not self._has_capture:
            return self._durable is None or self._durable.done()
        return False

    def now(self) -> datetime:
        """Return the time by this run's own clock, which nobody sets back."""
        elapsed = timedelta(seconds=perf_counter() - self.started)
        if self._started_at is None:
            self._started_at = timezone.now() - elapsed
        return self._started_at + elapsed

    def step(self, operation: Operation | str = Operation.GENERATE) -> Step:
        """Return a new step, to be used as a block around one call of a provider.

        Raises TypeError with DEBUG for an operation that there is not.
        """
        if not isinstance(operation, Operation):
            known = as_choice(operation, "operation", Operation)
            operation = known or Operation.GENERATE
        return Step(self, operation)

    def complete(self) -> None:
        """Say that the turn succeeded and its answer is committed.

        Made for ``transaction.on_commit``; it may come after the run was closed.
        """
        self._say(Status.COMPLETED)

    def interrupt(self) -> None:
        """Say that the turn was stopped or cancelled."""
        self._say(Status.INTERRUPTED)

    def fail(self, error: BaseException | None = None) -> None:
        """Say that the turn failed.

        The evidence is what its steps recorded, and the error if one is given: as if it
        had left the run's block.
        """
        known = as_error(error)
        if known is not None and not self._closed:
            self._take_error(known)
        self._say(Status.ERROR)

    @never_raises
    def start(self) -> None:
        """Write the run's row now, as the full level has it."""
        self._submit(None)

    def admits(self, step: Step) -> bool:
        """Return whether the evidence of a failed step is to be stored, or only counted.

        Asked of a step that qualifies. A run counts once for each failure that is another
        one; what is recorded in full has its rows anyway.
        """
        if step.error is None:
            return False
        failure = fingerprint(step.error, model=self.facts.model)
        if failure not in self._admitted:
            if self.level is Level.FULL:
                self.fingerprint, self._admitted[failure] = failure, True
            else:
                self._admitted[failure] = self._is_admitted(failure, step)
        return self._admitted[failure]

    def _is_admitted(self, failure: str, step: Step) -> bool:
        admission = storm_guard.admit(failure, self._own)
        if admission.counted_on in (None, self._own):
            self.fingerprint = admission.fingerprint
            return True
        self._counted_on = admission.counted_on
        instead = partial(self._store_after_all, admission, step)
        writer().count_similar(self._counted_on.id, instead)
        return False

    def _store_after_all(self, admission: Admission, step: Step) -> list[Snapshot]:
        """Return what was only counted as rows; the writer's thread writes them."""
        if admission.counted_on is not None:
            gone = admission.counted_on.id
            storm_guard.replace(admission.fingerprint, gone, self._own)
        now = self.now()
        with self._lock:
            self.fingerprint = self.fingerprint or admission.fingerprint
            self._has_capture = True
            if self._closed:
                self._finished_at = self._finished_at or now
            if step.status is Status.IN_PROGRESS:  # just about to fail
                step.status = Status.ERROR
            step.finished_at = step.finished_at or now
            self._number(step)
            return self._rows(step)

    @property
    def _own(self) -> StoredRun:
        return StoredRun(self._require_id(), self.facts.chat_id)

    def close(self, error: BaseException | None) -> Future[bool] | None:
        """End the run with what left its block; further calls are not recorded.

        Returns a future to wait for if evidence of an error is on its way, else None.
        """
        with self._lock:
            if error is None and not self._steps and not self._row_exists:
                self._closed = True  # nothing was recorded, and nothing will be
                self._recorded = ()
                return None
        if error is not None:
            self._take_error(error)
        self._close_rows()
        if self._has_capture and self.id is not None:
            self._durable = writer().durable(self.id)
        return self._durable

    @never_raises
    def give_up_waiting(self) -> None:
        """Note that the failure is shown before its evidence is safe, and log it."""
        if self.id is not None and not self.evidence_is_safe:
            writer().pass_journal(self.id)
            logger.error("The evidence of run %s is not safe yet", self.id)

    def note_error(self, error: BaseException | None, *, began: float) -> None:
        """Note that a step holds this error, so that it is not recorded again."""
        if error is not None:
            self._recorded = (*self._recorded[1 - ERRORS_NOTED :], (error, began))

    def holds(self, error: BaseException | None, *, since: float) -> bool:
        """Say whether a step that began after that moment holds this error already.

        It then belongs to a call inside of another one, such as that of an SDK inside of
        a framework's. A retry begins after what it repeats, whose error may be its context.
        """
        if error is None or not self._recorded:
            return False
        inner = [known for known, began in self._recorded if began > since]
        return any(link is known for link in walk(error) for known in inner)

    @never_raises
    def write_step(self, step: Step, *, is_capture: bool) -> None:
        """Write a step, and the run before it if that is not there yet."""
        with self._lock:
            if step.number == 0 and self._closed:
                return
            self._number(step)
            is_first = is_capture and not self._has_capture
            self._has_capture = self._has_capture or is_capture
        self._submit(step, with_run=is_capture or not self._row_exists)
        if is_first:
            logger.info("Recorded run %s", self.id)

    @never_raises
    def _take_error(self, error: BaseException) -> None:
        """Take what made the run fail; what no step holds becomes a step of its own."""
        is_stop = classify(error, provider=self.facts.provider).cancelled
        self._say(Status.INTERRUPTED if is_stop else Status.ERROR)
        if self.level is not Level.OFF:
            recorded = [known for known, _ in self._recorded]
            record_escaped(self, error, recorded=recorded)

    def _say(self, outcome: Status) -> None:
        with self._lock:
            if self._outcome is None or (
                OUTCOME_RANK[outcome] > OUTCOME_RANK[self._outcome]
            ):
                self._outcome = outcome
            late = self._closed
        if late:
            self._write_end()

    @never_raises
    def _close_rows(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._recorded = ()  # with them would live their frames and locals
            self._finished_at = self.now()
        self._write_end()

    @never_raises
    def _write_end(self) -> None:
        if self._row_exists:
            self._submit(None)

    def _submit(self, step: Step | None, *, with_run: bool = True) -> None:
        with self._lock:
            writer().submit(self._rows(step, with_run=with_run))

    def _rows(self, step: Step | None, *, with_run: bool = True) -> list[Snapshot]:
        """Return the rows as they are now, which are about to be written."""
        self._revision += 1
        rows = [self._snapshot(timezone.now())] if with_run else []
        if step is not None:
            run_id = self._require_id()
            rows.append(step.snapshot(run_id=run_id, chat_id=self.facts.chat_id))
        for row in rows:
            row.is_capture = self._has_capture
            row.revision = self._revision
        self._row_exists = True
        return rows

    def _number(self, step: Step) -> None:
        if step.number == 0:
            self._steps.append(step)
            step.number = len(self._steps)

    def _require_id(self) -> UUID:
        if self.id is None:
            self.id = new_id()
        return self.id

    def _snapshot(self, now: datetime) -> Snapshot:
        self.now()  # so that it is known when the run began
        status = Status.IN_PROGRESS
        if self._closed:
            status = self._outcome or Status.INTERRUPTED
        run_id = self._require_id()
        return Snapshot(
            table=Table.RUN,
            id=run_id,
            run_id=run_id,
            columns=self._columns(status, now),
            is_new=not self._row_exists,
            is_capture=self._has_capture,
            taken_at=now,
        )

    def _columns(self, status: Status, now: datetime) -> dict[str, Any]:
        facts = self.facts
        return {
            "chat_id": facts.chat_id,
            "owner_id": facts.owner_id,
            "root_chat_id": facts.root_chat_id,
            "parent_chat_id": facts.parent_chat_id,
            "model_config_id": facts.model_config_id,
            "trigger_message_id": facts.trigger_message_id,
            "history_tip_message_id": facts.history_tip_message_id,
            "kind": facts.kind.value,
            "level": self.level.value,
            "status": status.value,
            "provider": facts.provider,
            "model": Later(lambda: redact_text(facts.model)),
            "error_kind": self.error_kind.value if self.error_kind else "",
            "fingerprint": self.fingerprint,
            "summary": Later(self._summarise),
            "started_at": self._started_at,
            "finished_at": self._finished_at,
        }

    def _summarise(self) -> dict[str, Any]:
        keeps_label = self.level is Level.FULL or recorder_settings().KEEP_LABELS
        label = summarise_label(self.facts.label) if keeps_label else ""
        return summarise(label, tuple(self._steps))
