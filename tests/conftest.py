"""What every test gets: its own spool, a quiet recorder, and no silent skips in CI."""

import os
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from asgiref.sync import SyncToAsync
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir

from chatdebug.deployment_rules import loaded_rules
from chatdebug.errors import set_deployment_rules_source
from chatdebug.evidence.changes import last_good_calls
from chatdebug.recorder.storm import storm_guard
from chatdebug.services.known_health import forget_health
from chatdebug.writer import close_writer
from tests.authorities import trust_no_authority
from tests.rows import delete_rows

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
BOTH_ALIASES = ["default", "chatdebug"]


def pytest_configure(config: pytest.Config) -> None:
    """Keep Hypothesis out of the tree, and its examples the same in each CI run.

    Nor is there an authority whose certificates a client would have to load: where tests
    run, and not in the process that starts those and hands its environment on to them.
    """
    is_worker = hasattr(config, "workerinput")
    if is_worker or not config.getoption("numprocesses", None):
        trust_no_authority(config.cache.mkdir("authorities"))
    set_hypothesis_home_dir(config.cache.mkdir("hypothesis"))
    hypothesis_settings.register_profile(
        "chatd", deadline=None, database=None, derandomize=IN_CI
    )
    hypothesis_settings.load_profile("chatd")
    TransactionTestCase._fixture_teardown = delete_rows  # type: ignore[attr-defined]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that use a database, and give the transactional ones both aliases.

    What is not marked with ``database`` cannot touch one: pytest-django refuses it. So it
    runs once, with the suite on SQLite. A test that starts a process on the database of
    the environment says so itself.

    The recorder's writer works in a thread of its own, so a test would otherwise fail
    there, where nobody looks. A test inside a transaction keeps ``default`` alone: on
    SQLite a second connection could only wait for the lock that the test itself holds.
    """
    marker = item.get_closest_marker("django_db")
    options = dict(marker.kwargs) if marker else {}
    fixtures = set(getattr(item, "fixturenames", ()))
    if {"transactional_db", "live_server"} & fixtures:
        options["transaction"] = True
    if options.get("transaction") and "databases" not in options:
        both = pytest.mark.django_db(**options, databases=BOTH_ALIASES)
        item.add_marker(both, append=False)
    case = getattr(item, "cls", None)
    is_django_case = isinstance(case, type) and issubclass(case, TransactionTestCase)
    if marker or is_django_case or {"db", "transactional_db", "live_server"} & fixtures:
        item.add_marker("database")


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have a test which may take longer than others.

    Were one of them the last, one process would work on it while the others idle.
    """
    long = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session", autouse=True)
def database_of_worker(request: pytest.FixtureRequest) -> None:
    """Make the database of a parallel worker before its first test.

    It would else be made whenever the worker comes to a test that needs one: after a
    thousand others, any of whose threads may ask for a connection in the moment between
    the creation of the database and its tables. On PostgreSQL that would fill the pool
    with connections to the server's own database, and the tables would be made there.
    """
    if hasattr(request.config, "workerinput"):
        request.getfixturevalue("django_db_setup")


@pytest.fixture(autouse=True)
def recorder(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Give each test a spool of its own, and end the writer before the rows go.

    No storm and no rule of an earlier test counts.
    """
    storm_guard.reset()
    last_good_calls.forget()
    loaded_rules.reset()
    set_deployment_rules_source(loaded_rules.current)
    cache.clear()  # nor what an earlier one asked for of the API
    forget_health()
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": tmp_path / "spool"}
    yield
    close_writer()
    for thread in threading.enumerate():  # one that a test closed, and did not wait for
        if thread.name == "chatdebug-writer":
            thread.join(timeout=10)


@pytest.fixture(autouse=True)
def asgiref_thread() -> Iterator[None]:
    """Close what async queries under ``asyncio.run`` left open in asgiref's one thread."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test that was skipped, or expected to fail, as failed in CI."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Count a module that skips itself as failed in CI."""
    return _refuse_skip((yield))


def _refuse_skip[Report: (pytest.TestReport, pytest.CollectReport)](
    report: Report,
) -> Report:
    if IN_CI and report.skipped:
        reason = getattr(report, "wasxfail", report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"Nothing is skipped in CI: {reason}"
    return report
