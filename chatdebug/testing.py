"""For the tests of a host project: what is recorded in a test stays in the test.

The recorder's writer has a thread and a database connection of its own. A test has neither
for it: what it writes is rolled back in another connection, or nowhere. So in tests rows
are kept in memory. Nothing waits, no row outlives its test, and no connection keeps the
test database from being dropped.

With pytest nothing has to be done where ``chatdebug`` is installed; ``recorded_runs`` is
a fixture. With ``manage.py test``, one line in the settings serves all tests::

    TEST_RUNNER = "chatdebug.testing.Runner"

and ``RecorderTestMixin`` the tests of a class.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, overload
from unittest import TestCase, TestResult
from uuid import UUID

from django.test.runner import DiscoverRunner

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


def written_runs() -> AbstractContextManager[None]:
    """Let the recorder write to the database inside the block, as in production.

    At its end all is written, and the writer's connection closed. For tests that commit:
    ``TransactionTestCase``, or pytest's ``transactional_db``, with the recorder's alias
    among their ``databases``::

        with written_runs():
            response = client.post("/chats/1/messages/", {"text": "Hello"})
        assert ChatRun.objects.get().chat_id == "1"
    """
    storm_guard.reset()
    return replaced_writer()


class RecorderTestMixin(TestCase):
    """Keeps in ``self.recorded_runs`` what each test of a class records.

    For any of Django's test cases, before them in the list of bases::

        class ChatTests(RecorderTestMixin, django.test.TestCase):
            def test_a_failing_call_is_recorded(self):
                self.client.post("/chats/1/messages/", {"text": "Hello"})
                self.assertEqual(len(self.recorded_runs), 1)
    """

    recorded_runs: CapturedRuns

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run one test, its ``setUp`` and ``tearDown`` included."""
        with captured_runs() as self.recorded_runs:
            return super().run(result)


class Runner(DiscoverRunner):
    """Django's test runner, with all that is recorded kept in memory."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        """Begin to do so before the databases are made."""
        super().setup_test_environment(**kwargs)
        self._capturing = captured_runs()
        self._capturing.__enter__()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        """End it."""
        self._capturing.__exit__(None, None, None)
        super().teardown_test_environment(**kwargs)


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
                rows[row.id] = row if older is None else row.replacing(older)
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
