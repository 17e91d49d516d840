"""The rows of a run on their way to the writer: in order, and without anybody waiting.

An answer ends wherever its last reference goes, so also inside the garbage collector, while
its thread holds some lock: that of the writer's queue, for one. So no lock that an end takes
is held while another one is waited for. What is to be written is made under the lock of its
run, whose holder waits for nobody, and handed over afterwards by one thread at a time;
another one that has something leaves it to that one.
"""

from collections import deque
from datetime import timedelta
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatdebug.logs import safe_logger
from chatdebug.models.runs import new_id
from chatdebug.recorder.columns import run_columns, step_columns
from chatdebug.writer import Snapshot, Table, writer

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.step import Step

logger = safe_logger("chatdebug.recorder")

WAIT_SECONDS = 1.0
"""For another thread that hands rows of the same run over, which takes microseconds."""
BACKLOG = 100
BACKLOG_SECONDS = 0.01
"""How long who writes waits for its turn while so many others were not handed over yet."""


class RunRows:
    """The rows of one run, from the first that is to be written. Thread-safe."""

    has_capture = False

    def __init__(self, run: "Run", lock: "RLock") -> None:
        self._run = run
        self._revision = 0
        self._has_row = False
        # Both reentrant: where garbage is collected, an end of this run may come in between.
        self._making = lock  # the run's own, whose state the rows are
        self._is_making = False
        self._wanted: deque[tuple[Step | None, bool]] = deque()
        self._made: deque[list[Snapshot]] = deque()
        self._handing = RLock()
        self._is_handing = False

    def make(self, step: "Step | None" = None, *, is_capture: bool = False) -> None:
        """Make the run's row, or a step's, and the run's before it if that is not there.

        Each as it is now. A capture's run is always made with it. ``hand_over`` is to
        follow.
        """
        with self._making:
            self.has_capture = self.has_capture or is_capture
            self._wanted.append((step, step is None or is_capture))
            if self._is_making:
                # Garbage was collected inside of this call, and another answer of the run
                # ended by it: that comes after this one, as the revisions do.
                return
            self._is_making = True
            try:
                while self._wanted:
                    step, with_run = self._wanted.popleft()
                    self._made.append(self._rows(step, with_run=with_run))
            finally:
                self._is_making = False

    def hand_over(self) -> None:
        """Hand over what was made, unless another thread is about to."""
        # Again after the release: who was refused meanwhile had made it before that.
        while self._made:
            patience = BACKLOG_SECONDS if len(self._made) > BACKLOG else 0
            if not self._try_to_hand_over(patience):
                return

    def wait(self) -> bool:
        """Return whether all that was made is handed over, also by other threads.

        Waits for those, for ``WAIT_SECONDS`` at most.
        """
        return self._try_to_hand_over(WAIT_SECONDS)

    def take(self, step: "Step") -> list[Snapshot]:
        """Return a step's rows, of a run that was only counted, instead of writing them.

        Called on the writer's thread.
        """
        with self._making:
            self.has_capture = True
            return self._rows(step, with_run=True)

    def _try_to_hand_over(self, seconds: float) -> bool:
        """Hand over what was made; return False if another one does that for so long."""
        try:
            if not self._handing.acquire(timeout=seconds):
                return False
            if self._is_handing:
                return False  # this thread does, and garbage was collected meanwhile
            self._submit_all()
            return True
        finally:
            # A signal may raise after the lock was taken and before that is known here. So
            # it is released before anything else is called, taken or not.
            try:  # noqa: SIM105
                self._handing.release()
            except RuntimeError:
                pass  # it was not taken

    def _submit_all(self) -> None:
        self._is_handing = True
        try:
            while self._made:
                try:
                    writer().submit(self._made[0])
                except Exception:
                    logger.exception("Rows could not be handed over to the writer")
                # Not before: what an interrupt ends is handed over again.
                self._made.popleft()
        finally:
            self._is_handing = False

    def _rows(self, step: "Step | None", *, with_run: bool) -> list[Snapshot]:
        run, is_new = self._run, not self._has_row
        now = run.now()  # with it, it is known when the run began
        run_id = run.own.id
        self._revision = revision = self._revision + 1
        is_capture = self.has_capture

        def row(table: Table, id: UUID, columns: Any, *, is_new: bool) -> Snapshot:
            return Snapshot(
                table=table,
                id=id,
                run_id=run_id,
                columns=columns,
                is_new=is_new,
                is_capture=is_capture,
                taken_at=now,
                revision=revision,
            )

        if step is not None and step.id is None:
            step.id = new_id()
            step.started_at = now - timedelta(seconds=perf_counter() - step.started)
            run.steps = (*run.steps, step)
            step.number = len(run.steps)
        rows = []
        if is_new or with_run:
            rows.append(row(Table.RUN, run_id, run_columns(run), is_new=is_new))
        if step is not None and step.id is not None:
            columns = step_columns(step, run_id=run_id)
            rows.append(row(Table.STEP, step.id, columns, is_new=not step.has_row))
        failures = run.failures.take_counted() if run.failures is not None else ()
        for failure in failures:  # with the rows, in one file and one transaction
            failure.is_capture, failure.revision = is_capture, revision
        # Only now: what could not be made is new the next time, too.
        self._has_row = True
        if step is not None:
            step.has_row = True
        return [*rows, *failures]
