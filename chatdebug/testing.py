"""For the tests of a host project: what is recorded in a test stays in the test.

The recorder's writer has a thread and a database connection of its own. A test has neither
for it: what it writes is rolled back in another connection, or nowhere. So in tests rows
are kept in memory. Nothing waits, no row outlives its test, and no connection keeps the
test database from being dropped.

With pytest nothing has to be done where ``chatdebug`` is installed; ``recorded_runs`` is
a fixture. With ``manage.py test``, one line in the settings serves all tests::

    TEST_RUNNER = "chatdebug.testing.Runner"

and ``RecorderTestMixin`` the tests of a class.

``play_cassette`` makes a captured failure happen again, offline.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import TestCase, TestResult

from django.test.runner import DiscoverRunner

from chatdebug.cassettes.cassette import Cassette
from chatdebug.cassettes.playing import Ask, NotPlayed, Outcome, PlayedCall, play
from chatdebug.memory import CapturedRun, CapturedRuns, captured_runs
from chatdebug.recorder.storm import storm_guard
from chatdebug.writer import replaced_writer

__all__ = [
    "CapturedRun",
    "CapturedRuns",
    "NotPlayed",
    "Outcome",
    "PlayedCall",
    "RecorderTestMixin",
    "Runner",
    "captured_runs",
    "play_cassette",
    "written_runs",
]


def play_cassette(path: Path | str, ask: Ask) -> Outcome:
    """Let a call fail as it was captured, and return what comes of it today.

    ``path`` is a cassette that ``manage.py chatdebug_make_test`` wrote. A server on the
    loopback answers as the provider did; ``ask`` gets a ``PlayedCall``, which says where it
    listens and what to ask, and makes the call as the project makes it, in a function or a
    coroutine::

        def ask(call):
            with OpenAI(base_url=f"{call.base_url}/v1", api_key="offline") as client:
                chatdebug.instrument_openai(client)
                client.chat.completions.create(**call.request)

        outcome = play_cassette("test_bad_request.json", ask)
        assert outcome.kind == "generic"

    Nothing is asked of a database: of the rules, those decide that this process has at
    hand, which are the built-in ones in a test that does not load others. Raises NotPlayed,
    an AssertionError, if the call asks for what the cassette does not have, for another
    machine, or for nothing; OSError if there is no such file; and UnreadableCassette, a
    ValueError, for what is no cassette.
    """
    return play(Cassette.read(Path(path).read_text(encoding="utf-8")), ask)


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
