"""The rows of a run on their way to the writer: in order, and without anybody waiting."""

from collections import deque
from datetime import timedelta
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatdebug.models.runs import new_id
from chatdebug.recorder.columns import run_columns, step_columns
from chatdebug.writer import Snapshot, Table, writer

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.step import Step

WAIT_SECONDS = 5.0
"""For another thread that writes rows of the same run, which takes microseconds."""


class RunRows:
    """Hands the rows of one run over, each as it is at that moment.

    Any thread may say that something is to be written; one at a time does it, for all that
    come meanwhile. Nobody waits for that one. An answer ends wherever its last reference
    goes, so also inside the garbage collector, while its thread holds some lock: that of
    the writer's queue, for one. Whoever writes this run may be waiting for just that lock.
    """

    has_capture = False

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._revision = 0
        self._wanted: deque[tuple[Step | None, bool]] = deque()
        self._writing = Lock()

    def write(self, step: "Step | None" = None, *, is_capture: bool = False) -> None:
        """Write the run's row, or a step's, and the run's before it if that is not there.

        A capture's run is always written with it.
        """
        self.has_capture = self.has_capture or is_capture
        self._wanted.append((step, step is None or is_capture))
        self._go_on()

    def wait(self) -> None:
        """Wait until what was to be written is handed over, also by other threads."""
        if self._writing.acquire(timeout=WAIT_SECONDS):
            self._writing.release()
            self._go_on()

    def take(self, step: "Step") -> list[Snapshot]:
        """Return a step's rows, of a run that was only counted, instead of writing them.

        Called on the writer's thread.
        """
        self.has_capture = True
        with self._writing:
            rows = self._rows(step, with_run=True)
        self._go_on()
        return rows

    def _go_on(self) -> None:
        # Again after the release: what was refused meanwhile was there before that.
        while self._wanted and self._writing.acquire(blocking=False):
            try:
                while self._wanted:
                    step, with_run = self._wanted.popleft()
                    writer().submit(self._rows(step, with_run=with_run))
            finally:
                self._writing.release()

    def _rows(self, step: "Step | None", *, with_run: bool) -> list[Snapshot]:
        run, is_first = self._run, self._revision == 0
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

        is_new_step = step is not None and step.id is None
        if step is not None and step.id is None:
            step.id = new_id()
            step.started_at = now - timedelta(seconds=perf_counter() - step.started)
            run.steps = (*run.steps, step)
            step.number = len(run.steps)
        rows = []
        if with_run or is_first:
            rows.append(row(Table.RUN, run_id, run_columns(run), is_new=is_first))
        if step is not None and step.id is not None:
            columns = step_columns(step, run_id=run_id)
            rows.append(row(Table.STEP, step.id, columns, is_new=is_new_step))
        failures = run.take_failures()
        for failure in failures:  # with the rows, in one file and one transaction
            failure.is_capture, failure.revision = is_capture, revision
        return [*rows, *failures]
