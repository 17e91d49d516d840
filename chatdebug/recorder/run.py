"""The recording of one run: what it is about, how it ended, and when it is written."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatdebug.enums import ErrorKind, Level, Operation, RunKind, Status
from chatdebug.errors import classify
from chatdebug.models.runs import new_id
from chatdebug.payloads import summarise_label
from chatdebug.recorder.fingerprint import fingerprint
from chatdebug.recorder.guard import never_raises
from chatdebug.recorder.step import Step
from chatdebug.recorder.storm import storm_guard
from chatdebug.recorder.summary import summarise
from chatdebug.redaction import redact_text
from chatdebug.writer import Later, Snapshot, Table, writer

logger = logging.getLogger("chatdebug.recorder")

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
        "_durable",
        "_finished_at",
        "_has_capture",
        "_lock",
        "_outcome",
        "_revision",
        "_row_exists",
        "_started",
        "_started_at",
        "_steps",
        "error_kind",
        "facts",
        "fingerprint",
        "id",
        "level",
    )

    def __init__(self, facts: RunFacts, level: Level) -> None:
        self.facts = facts
        self.level = level
        self.id: UUID | None = None
        self.error_kind: ErrorKind | None = None
        self.fingerprint = ""
        self._started = perf_counter()
        self._started_at: datetime | None = None
        self._finished_at: datetime | None = None
        self._steps: list[Step] = []
        self._outcome: Status | None = None
        self._closed = False
        self._row_exists = False
        self._has_capture = False
        self._revision = 0
        self._durable: Future[bool] | None = None
        self._admitted: dict[str, bool] = {}
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether what happens now still belongs to this run."""
        return not self._closed and self.level is not Level.OFF

    @property
    def stored_id(self) -> UUID | None:
        """The run's id if its row was written or is about to be, else None."""
        return self.id if self._row_exists else None

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
        elapsed = timedelta(seconds=perf_counter() - self._started)
        if self._started_at is None:
            self._started_at = timezone.now() - elapsed
        return self._started_at + elapsed

    def step(self, operation: Operation = Operation.GENERATE) -> Step:
        """Return a new step, to be used as a block around one call of a provider."""
        return Step(self, operation)

    def complete(self) -> None:
        """Say that the turn succeeded and its answer is committed.

        Made for ``transaction.on_commit``; it may come after the run was closed.
        """
        self._say(Status.COMPLETED)

    def interrupt(self) -> None:
        """Say that the turn was stopped or cancelled."""
        self._say(Status.INTERRUPTED)

    def fail(self) -> None:
        """Say that the turn failed. The evidence is what its steps recorded."""
        self._say(Status.ERROR)

    @never_raises
    def start(self) -> None:
        """Write the run's row now, as the full level has it."""
        self._submit(None)

    def admits(self, error: dict[str, Any]) -> bool:
        """Say whether the evidence of this error is to be stored, or only counted.

        Asked with the error of a step that qualifies. A run counts once for each failure
        that is another one; what is recorded in full has its rows anyway.
        """
        failure = fingerprint(error, model=self.facts.model)
        if failure not in self._admitted:
            counted_on = storm_guard.admit(failure, self._require_id())
            is_stored = counted_on is None or self.level is Level.FULL
            if counted_on is not None and not is_stored:
                writer().count_similar(counted_on)
            self._admitted[failure] = is_stored
            if is_stored:
                self.fingerprint = failure
        return self._admitted[failure]

    def close(self, error: BaseException | None) -> Future[bool] | None:
        """End the run with what left its block; further calls are not recorded.

        Returns a future to wait for if evidence of an error is on its way, else None.
        """
        with self._lock:
            if error is None and not self._steps and not self._row_exists:
                self._closed = True  # nothing was recorded, and nothing will be
                return None
        if error is not None:
            ended_by_request = classify(error).cancelled
            self._say(Status.INTERRUPTED if ended_by_request else Status.ERROR)
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

    @never_raises
    def write_step(self, step: Step, *, is_capture: bool) -> None:
        """Write a step, and the run before it if that is not there yet."""
        with self._lock:
            if step.number == 0:
                if self._closed:
                    return
                self._steps.append(step)
                step.number = len(self._steps)
            self._has_capture = self._has_capture or is_capture
        self._submit(step, with_run=is_capture or not self._row_exists)

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
            self._finished_at = self.now()
        self._write_end()

    @never_raises
    def _write_end(self) -> None:
        if self._row_exists:
            self._submit(None)

    def _submit(self, step: Step | None, *, with_run: bool = True) -> None:
        with self._lock:
            self._revision += 1
            rows = [self._snapshot(timezone.now())] if with_run else []
            if step is not None:
                run_id = self._require_id()
                rows.append(step.snapshot(run_id=run_id, chat_id=self.facts.chat_id))
            for row in rows:
                row.is_capture = self._has_capture
                row.revision = self._revision
            self._row_exists = True
            writer().submit(rows)

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
        return summarise(summarise_label(self.facts.label), tuple(self._steps))
