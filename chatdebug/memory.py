"""What is recorded, kept in memory: for tests, and for failures that are played again.

The recorder's writer has a thread and a database connection of its own. Here nothing waits
for either, and no row outlives its block.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import overload
from uuid import UUID

from chatdebug.conf import recorder_settings
from chatdebug.levels import closed_gate
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder.storm import storm_guard
from chatdebug.services.rule_tallies import RuleCount
from chatdebug.writer import Snapshot, Table, Writer, replaced_writer
from chatdebug.writer.similar_counts import Fallback

RUNS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class CapturedRun:
    """A run as it would be stored, with its steps. Neither is in the database."""

    run: ChatRun
    steps: list[ChatStep]


class CapturedRuns(Sequence[CapturedRun]):
    """What has been recorded so far, oldest first. At most ``RUNS_KEPT`` are kept."""

    def __init__(self, writer: "MemoryWriter") -> None:
        self._writer = writer

    def __len__(self) -> int:
        return len(self._writer.runs())

    @overload
    def __getitem__(self, index: int) -> CapturedRun: ...
    @overload
    def __getitem__(self, index: slice) -> list[CapturedRun]: ...
    def __getitem__(self, index: int | slice) -> CapturedRun | list[CapturedRun]:
        return self._writer.runs()[index]

    def save(self) -> None:
        """Store what has been recorded, in the test's own transaction, and forget it.

        So that a page can be asked for it. Raises django.db.Error.
        """
        runs = self._writer.runs()
        self._writer.clear()
        ChatRun.objects.bulk_create([captured.run for captured in runs])
        ChatStep.objects.bulk_create(
            [step for captured in runs for step in captured.steps]
        )


@contextmanager
def captured_runs() -> Iterator[CapturedRuns]:
    """Keep what is recorded inside the block, by whatever thread, in memory.

    Blocks may be inside of each other; the innermost one has what happens in it. Nothing
    is asked of the database, so that the recorder adds no query to those that are
    counted::

        with captured_runs() as runs:
            response = client.post("/chats/1/messages/", {"text": "Hello"})
        (failed,) = runs
        assert failed.steps[0].error["kind"] == "generic"
    """
    memory = MemoryWriter()
    storm_guard.reset()
    with closed_gate(), replaced_writer(lambda: memory):
        yield CapturedRuns(memory)


class MemoryWriter(Writer):
    """Takes rows as the real writer does, and writes nothing anywhere."""

    def __init__(self) -> None:
        super().__init__(replace(recorder_settings(), SPOOL_DIR=None))
        self._rows: dict[UUID, dict[UUID, Snapshot]] = {}
        self._taking = Lock()

    def start(self) -> None:
        """Start nothing: there is no thread."""

    def submit(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep rows, the newest of each."""
        with self._taking:
            for row in snapshots:
                if row.table is Table.FAILURE:
                    continue  # a number in a group, which nobody asks for here
                rows = self._rows.setdefault(row.run_id, {})
                older = rows.get(row.id)
                rows[row.id] = row if older is None else row.inherit(older)
            while len(self._rows) > RUNS_KEPT:
                del self._rows[next(iter(self._rows))]

    def count_similar(self, run_id: UUID, fallback: Fallback | None = None) -> None:
        """Keep a failure that would only be counted: a test wants to see each."""
        if fallback is not None:
            self.submit(fallback())

    def count_failure(self, failure: Snapshot) -> None:
        """Do nothing: groups are in a database."""

    def count_rules(self, counts: Mapping[int, RuleCount]) -> None:
        """Do nothing: rules are in a database."""

    def written(self, run_id: UUID) -> Future[bool]:
        """Return a future that is done."""
        return _done(True)  # noqa: FBT003 - the future's result

    def durable(self, run_id: UUID) -> Future[bool]:
        """Return a future that is done: memory is as safe as a test needs it."""
        return self.written(run_id)

    def journal_flushed(self, run_id: UUID) -> Future[None]:
        """Return a future that is done."""
        return _done(None)

    def bypass_journal(self, run_id: UUID) -> None:
        """Do nothing: there is no journal."""

    def close(self, timeout: float) -> None:
        """Do nothing: what was kept can still be looked at."""

    def runs(self) -> list[CapturedRun]:
        """Return what is kept, oldest first."""
        with self._taking:
            kept = [list(rows.values()) for rows in self._rows.values()]
        return [captured for rows in kept for captured in _captured(rows)]

    def clear(self) -> None:
        """Forget all that is kept."""
        with self._taking:
            self._rows.clear()


def _captured(rows: list[Snapshot]) -> Iterator[CapturedRun]:
    runs, steps = list[ChatRun](), list[ChatStep]()
    for row in rows:
        row.resolve()
        facts = {"id": row.id, "revision": row.revision, **row.columns}
        if row.table is Table.RUN:
            runs.append(ChatRun(**facts))
        else:
            steps.append(ChatStep(**facts))
    steps.sort(key=lambda step: step.step_number)
    yield from (CapturedRun(run, steps) for run in runs)


def _done[T](result: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(result)
    return future
