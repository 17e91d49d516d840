"""``chatdebug.testing``: what a host project's tests record stays in the test."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, record_run
from chatdebug.testing import RecorderTestMixin, captured_runs, written_runs
from chatdebug.writer import close_writer, writer
from tests.conftest import BOTH_ALIASES
from tests.optional import present
from tests.process import ROOT


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(chat_id: str = "c", level: Level | None = None) -> None:
    recording = record_run(chat_id=chat_id, level=level)
    with suppress(ProviderError), recording as run, run.step():
        raise ProviderError


class InATransaction(RecorderTestMixin, TestCase):
    def test_a_failure_waits_for_nothing_and_is_not_in_the_database(self) -> None:
        began = monotonic()
        fail()
        assert monotonic() - began < 2
        (captured,) = self.recorded_runs
        assert (captured.run.chat_id, captured.run.status) == ("c", "error")
        assert present(captured.steps[0].error)["type"] == "ProviderError"
        assert not ChatRun.objects.exists()

    def test_it_asks_the_database_nothing(self) -> None:
        with self.assertNumQueries(0):
            fail()
        assert len(self.recorded_runs) == 1

    def test_what_was_recorded_can_be_stored_in_the_tests_own_transaction(self) -> None:
        fail()
        self.recorded_runs.save()
        assert ChatStep.objects.get().run == ChatRun.objects.get()
        assert list(self.recorded_runs) == []


class WithoutADatabase(RecorderTestMixin, SimpleTestCase):
    def test_a_failure_is_recorded_too(self) -> None:
        fail()
        assert self.recorded_runs[0].run.finished_at is not None


class InCommits(RecorderTestMixin, TransactionTestCase):
    databases = set(BOTH_ALIASES)

    def test_nothing_is_written(self) -> None:
        fail()
        assert len(self.recorded_runs[:]) == 1
        assert not ChatRun.objects.exists()

    def test_unless_the_test_wants_it_as_in_production(self) -> None:
        with written_runs():
            fail()
        assert ChatRun.objects.get().status == "error"
        assert list(self.recorded_runs) == []


def test_what_threads_record_is_captured_and_so_are_repetitions() -> None:
    with captured_runs() as runs:
        threads = [Thread(target=fail) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(40):
            fail()
    assert len(runs) == 43


def test_the_full_level_is_captured_whole() -> None:
    with captured_runs() as runs, record_run(chat_id="c", level=Level.FULL) as run:
        with run.step() as step:
            step.complete({"said": "words"})
        run.complete()
    (captured,) = runs
    assert (captured.run.status, captured.run.summary["step_count"]) == ("completed", 1)
    assert captured.steps[0].normalized_response == {"said": "words"}


def test_of_blocks_inside_of_each_other_the_inner_one_has_its_own() -> None:
    with captured_runs() as outer:
        fail("first")
        with captured_runs() as inner:
            fail("second")
        fail("third")
    assert [captured.run.chat_id for captured in outer] == ["first", "third"]
    assert [captured.run.chat_id for captured in inner] == ["second"]


def test_the_process_has_its_own_writer_again_afterwards() -> None:
    before = writer()
    with captured_runs():
        assert writer() is not before
    assert writer() is before
    close_writer()


HOST_TESTS = """
from django.test import TestCase, TransactionTestCase
from chatdebug.models import ChatRun
from chatdebug.recorder import record_run


def fail():
    try:
        with record_run(chat_id="c") as run, run.step():
            raise RuntimeError("unheard of")
    except RuntimeError:
        pass


class InATransaction(TestCase):
    def test_first(self):
        fail()
        self.assertEqual(ChatRun.objects.count(), 0)

    test_second = test_first


class InCommits(TransactionTestCase):
    def test_first(self):
        fail()
        self.assertEqual(ChatRun.objects.count(), 0)

    test_second = test_first
"""
HOST_FIXTURES = """
def test_a_fixture_has_what_was_recorded(recorded_runs):
    fail()
    assert [captured.run.chat_id for captured in recorded_runs] == ["c"]
"""
HOST_SETTINGS = """
from tests.settings import *
INSTALLED_APPS = ["chatdebug"]
MIDDLEWARE = []
TEMPLATES = []
ROOT_URLCONF = "chatdebug.urls"
CHATDEBUG = {"SPOOL_DIR": CHATDEBUG["SPOOL_DIR"]}
for alias in DATABASES.values():
    if "MIRROR" not in alias.get("TEST", {}):
        alias["TEST"] = {**alias.get("TEST", {}), "NAME": TEST_NAME}
"""


def host(folder: Path) -> dict[str, str]:
    """Write a host's tests, and return the environment to run them in."""
    is_postgres = "postgres" in os.environ.get("DATABASE_URL", "")
    name = f"test_host_{os.getpid()}" if is_postgres else str(folder / "test.sqlite3")
    folder.joinpath("host_tests.py").write_text(HOST_TESTS)
    folder.joinpath("test_host.py").write_text(HOST_TESTS + HOST_FIXTURES)
    settings = HOST_SETTINGS.replace("TEST_NAME", repr(name))
    folder.joinpath("host_settings.py").write_text(settings)
    return os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
        "DJANGO_SETTINGS_MODULE": "host_settings",
    }


@pytest.mark.database  # of the environment, in a process of its own
@pytest.mark.parametrize(
    "command",
    [
        [
            *("manage.py", "test", "host_tests", "--verbosity", "0"),
            *("--testrunner", "chatdebug.testing.Runner"),
        ],
        [
            *("-m", "pytest", "-q", "-n0", "-p", "chatdebug.pytest_plugin"),
            *("-p", "no:cacheprovider", "-p", "no:randomly", "-c", "pytest.ini"),
            *("--rootdir", ".", "test_host.py"),
        ],
    ],
    ids=["manage.py test", "pytest"],
)
def test_a_hosts_suite_passes_and_lets_go_of_its_database(
    command: list[str], tmp_path: Path
) -> None:
    environment = host(tmp_path)
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\n")
    if command[0] == "manage.py":
        command = [str(ROOT / command[0]), *command[1:]]
    began = monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert monotonic() - began < 60
