"""A deployment's own rules: they hold in each of its processes within seconds."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from chatdebug import deployment_rules
from chatdebug.conf import recorder_settings
from chatdebug.deployment_rules import REFRESH_SECONDS, LoadedRules, loaded_rules
from chatdebug.enums import ErrorKind, Level
from chatdebug.levels import forget_levels, level_of
from chatdebug.models import ChatRun, ClassificationRule
from chatdebug.models.switches import Scope
from chatdebug.recorder import record_run
from chatdebug.services.switches import set_switch
from chatdebug.writer import Writer, close_writer, maintenance
from tests.faults.sharing import sharing_process
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "chatdebug_classificationrule"


class ProviderError(Exception):
    """An error that no built-in rule knows."""


@pytest.fixture
def rule() -> ClassificationRule:
    """Return a rule that the failing call below is known by, as another process made it."""
    return ClassificationRule.objects.create(
        kind=ErrorKind.CONFIG, text="the ballast", mode="on"
    )


def fail() -> None:
    with suppress(ProviderError), record_run(chat_id="c") as run, run.step():
        raise ProviderError("The ballast of segment 3 does not match.")


async def fail_in_task() -> None:
    with suppress(ProviderError):
        async with record_run(chat_id="c") as run, run.step():
            raise ProviderError("The ballast of segment 3 does not match.")


def stored() -> int:
    close_writer(timeout=20)
    return ChatRun.objects.count()


type Ask = Callable[[str], str]


@pytest.fixture
def other_process() -> Iterator[Ask]:
    """Return what commands another process, in which a turn is running."""
    with sharing_process("tests.chatdebug.failing_process") as process:
        pipes = (process.stdin, process.stdout)

        def ask(command: str) -> str:
            commands, answers = pipes
            assert commands
            assert answers
            if command:
                commands.write(f"{command}\n")
                commands.flush()
            return answers.readline().strip()

        assert ask("") == "ready"
        yield ask
        process.kill()


def test_a_rule_holds_in_another_process_and_its_running_turn_within_seconds(
    other_process: Ask,
) -> None:
    assert other_process("kind") == ErrorKind.GENERIC
    ClassificationRule.objects.create(
        kind=ErrorKind.CONFIG, text="the ballast", mode="on"
    )
    until(lambda: other_process("kind") == ErrorKind.CONFIG, seconds=REFRESH_SECONDS)
    assert other_process("fail") == "known"


def test_so_does_its_end(other_process: Ask, rule: ClassificationRule) -> None:
    until(lambda: other_process("kind") == ErrorKind.CONFIG, seconds=REFRESH_SECONDS)
    rule.delete()
    until(lambda: other_process("kind") == ErrorKind.GENERIC, seconds=REFRESH_SECONDS)
    assert other_process("fail") == "stored"


def test_where_a_writer_works_no_turn_reads_them() -> None:
    writer = Writer(recorder_settings())
    writer.start()
    until(lambda: loaded_rules.is_fresh)
    for _ in range(3):
        forget_levels()
        with CaptureQueriesContext(connection) as queries:
            fail()
        assert not [query for query in queries if TABLE in query["sql"]]
    writer.close(timeout=10)


def test_a_database_that_is_away_is_asked_again_and_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(maintenance, "RULES_RETRY_SECONDS", 0.0)
    asked = 0

    def away(self: LoadedRules, *, using: str) -> None:
        nonlocal asked
        asked += 1
        raise OperationalError("the database system is starting up")

    with monkeypatch.context() as patch:
        patch.setattr(LoadedRules, "load", away)
        writer = Writer(recorder_settings())
        writer.start()
        until(lambda: asked >= 3)
    ClassificationRule.objects.create(
        kind=ErrorKind.CONFIG, text="the ballast", mode="on"
    )
    until(loaded_rules.current)
    writer.close(timeout=10)
    warnings = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1


@pytest.mark.usefixtures("rule")
def test_the_first_failure_of_a_worker_goes_by_them() -> None:
    fail()
    assert stored() == 0


@pytest.mark.usefixtures("rule")
def test_so_does_that_of_a_task() -> None:
    asyncio.run(fail_in_task())
    assert stored() == 0


def test_a_worker_that_is_never_written_for_takes_a_change_over(
    rule: ClassificationRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_rules, "REFRESH_SECONDS", 0.0)
    fail()
    rule.delete()
    forget_levels()  # which are known for some seconds, and the rules with them
    fail()
    assert stored() == 1


def test_without_a_writer_they_are_read_before_an_error_is_looked_at() -> None:
    with suppress(ProviderError), record_run(chat_id="c") as run:  # reads them
        ClassificationRule.objects.create(
            kind=ErrorKind.CONFIG, text="the ballast", mode="on"
        )
        loaded_rules.reset()  # as if minutes had passed
        with run.step():
            raise ProviderError("The ballast of segment 3 does not match.")
    assert stored() == 0


def test_a_run_whose_level_is_given_goes_by_them_too(rule: ClassificationRule) -> None:
    with suppress(ProviderError), record_run(chat_id="c", level=Level.ERRORS):
        raise ProviderError(f"{rule.text} of segment 3 does not match.")
    assert stored() == 0


@pytest.fixture
def unreadable() -> Iterator[None]:
    """Let the rules be gone, as before a migration."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(ClassificationRule, TABLE, f"{TABLE}_away")
    yield
    close_writer()
    with connection.schema_editor() as editor:
        editor.alter_db_table(ClassificationRule, f"{TABLE}_away", TABLE)


@pytest.mark.usefixtures("unreadable")
def test_rules_that_cannot_be_read_cost_no_evidence() -> None:
    for _ in range(3):
        forget_levels()
        fail()
    assert stored() == 3


def test_rules_that_cannot_be_read_change_no_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for scope, key in ((Scope.DEPLOYMENT, ""), (Scope.CHAT, "c")):
        set_switch(scope=scope, key=key, enabled=True, by=None)

    def refuse() -> None:
        raise ProgrammingError("permission denied")

    loaded_rules.reset()
    monkeypatch.setattr(loaded_rules, "load", refuse)
    assert level_of(chat_id="c") is Level.FULL
