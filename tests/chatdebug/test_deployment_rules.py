"""A deployment's own rules in processes that no server's lifespan has prepared."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import ProgrammingError, connection

from chatdebug import deployment_rules
from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import ErrorKind, Level
from chatdebug.levels import forget_levels, level_of
from chatdebug.models import ChatRun, ClassificationRule
from chatdebug.models.switches import Scope
from chatdebug.recorder import record_run
from chatdebug.services.switches import set_switch
from chatdebug.writer import close_writer

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "chatdebug_classificationrule"


class ProviderError(Exception):
    """An error that no built-in rule knows."""


@pytest.fixture
def rule() -> ClassificationRule:
    """Return a rule that the failing call below is known by, as another process made it."""
    return ClassificationRule.objects.create(kind=ErrorKind.CONFIG, text="the ballast")


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
