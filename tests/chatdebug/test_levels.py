"""How much is recorded of a run that is not told, and what cannot break a turn."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatdebug import levels
from chatdebug.deployment_rules import loaded_rules
from chatdebug.levels import level_of
from chatdebug.models import ChatRun, ClassificationRule, RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.recorder import Level, record_run
from chatdebug.safety import apart
from chatdebug.services.switches import set_switch
from chatdebug.writer import close_writer
from tests.factories import UserFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db(transaction=True)

SWITCHES = "chatdebug_recordingswitch"


class ProviderError(Exception):
    """An error that no rule knows."""


def switch_on(scope: Scope, key: str = "") -> None:
    set_switch(scope=scope, key=key, enabled=True, by=None)


@pytest.fixture
def default_off(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "DEFAULT_LEVEL": "off"}


@pytest.fixture
def unreadable() -> Iterator[None]:
    """Let the switches be gone, as before the first migration."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(RecordingSwitch, SWITCHES, f"{SWITCHES}_away")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(RecordingSwitch, f"{SWITCHES}_away", SWITCHES)


def sync_level(**facts: Any) -> Level:
    with record_run(**{"chat_id": "c", "owner_id": "7", **facts}) as run:
        run.complete()
        return run.level


async def async_level(**facts: Any) -> Level:
    async with record_run(**{"chat_id": "c", "owner_id": "7", **facts}) as run:
        run.complete()
        return run.level


def both_levels(**facts: Any) -> set[Level]:
    levels.forget_levels()
    first = sync_level(**facts)
    levels.forget_levels()
    return {first, asyncio.run(async_level(**facts))}


def test_without_a_level_the_default_counts() -> None:
    assert both_levels() == {Level.ERRORS}


@pytest.mark.parametrize("scope", [Scope.OWNER, Scope.CHAT])
def test_without_a_level_the_switches_count(scope: Scope) -> None:
    switch_on(scope, "7" if scope is Scope.OWNER else "c")
    assert both_levels() == {Level.ERRORS}, "the gate is closed"
    switch_on(Scope.DEPLOYMENT)
    assert both_levels() == {Level.FULL}
    assert both_levels(chat_id="other", owner_id="other") == {Level.ERRORS}


def test_without_a_level_the_deployment_may_force_it(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FORCE_FULL": True}
    with collected_statements() as seen:
        assert both_levels() == {Level.FULL}
    assert not [sql for sql in seen if SWITCHES in sql]


def test_ids_of_any_type_are_the_same_ids() -> None:
    chat = uuid4()
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.CHAT, str(chat))
    assert both_levels(chat_id=chat, owner_id=None) == {Level.FULL}
    assert level_of(chat_id=chat, owner_id=None) is Level.FULL


@pytest.mark.usefixtures("default_off")
@pytest.mark.parametrize("level", [None, Level.ERRORS, Level.FULL])
def test_where_the_default_is_off_nothing_is_stored(level: Level | None) -> None:
    with (
        suppress(ProviderError),
        record_run(chat_id="c", level=level) as run,
        run.step(),
    ):
        raise ProviderError
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()
    assert run.stored_id is None


@pytest.mark.usefixtures("default_off")
def test_where_the_default_is_off_the_deployments_own_switches_still_count() -> None:
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.CHAT, "c")
    assert both_levels() == {Level.FULL}
    assert both_levels(level=Level.FULL) == {Level.FULL}
    assert both_levels(level=Level.ERRORS) == {Level.ERRORS}
    assert both_levels(level=Level.OFF) == {Level.OFF}
    assert both_levels(chat_id="other") == {Level.OFF}


@pytest.mark.parametrize("level", list(Level))
def test_a_level_that_is_given_counts_and_asks_nobody(level: Level) -> None:
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.CHAT, "c")
    with collected_statements() as seen:
        assert both_levels(level=level) == {level}
    assert not [sql for sql in seen if SWITCHES in sql]


@pytest.mark.parametrize("is_open", [True, False])
def test_the_switches_are_asked_once_in_a_while(*, is_open: bool) -> None:
    if is_open:
        switch_on(Scope.DEPLOYMENT)
    levels.forget_levels()

    async def many() -> None:
        await asyncio.gather(*(async_level() for _ in range(20)))

    with collected_statements() as seen:
        for _ in range(20):
            sync_level()
        asyncio.run(many())
    assert len([sql for sql in seen if SWITCHES in sql]) == 1


def test_runs_that_begin_at_once_ask_once() -> None:
    async def many() -> None:
        await asyncio.gather(*(async_level(chat_id=n) for n in range(20)))

    with collected_statements() as seen:
        asyncio.run(many())
    assert len([sql for sql in seen if SWITCHES in sql]) == 1


def test_a_change_in_this_process_counts_at_once() -> None:
    assert sync_level() is Level.ERRORS
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.CHAT, "c")
    assert sync_level() is Level.FULL


def test_a_change_elsewhere_counts_some_seconds_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sync_level() is Level.ERRORS
    for scope, key in ((Scope.DEPLOYMENT, ""), (Scope.CHAT, "c")):
        RecordingSwitch.objects.create(scope=scope, key=key, enabled=True)
    assert sync_level() is Level.ERRORS
    later = monotonic() + levels.KNOWN_SECONDS
    monkeypatch.setattr(levels, "monotonic", lambda: later)
    assert sync_level() is Level.FULL


def test_a_plain_block_in_an_event_loop_takes_what_is_known() -> None:
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.CHAT, "c")

    async def body() -> list[Level]:
        first = sync_level()
        while levels._known.last(("c", "7"), Level.OFF) is not Level.FULL:  # noqa: ASYNC110
            await asyncio.sleep(0)  # the thread that asks tells nobody
        return [first, sync_level(), level_of(chat_id="c", owner_id="7")]

    assert asyncio.run(body()) == [Level.ERRORS, Level.FULL, Level.FULL]


@pytest.mark.usefixtures("unreadable")
def test_switches_that_cannot_be_read_are_the_default_and_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "_last_warning", 0.0)
    assert level_of(chat_id="c", owner_id="7") is Level.ERRORS
    assert both_levels() == {Level.ERRORS}
    assert [r.name for r in caplog.records if r.levelname == "WARNING"] == [
        "chatdebug.levels"
    ], "once a minute, not with every turn"


@pytest.mark.usefixtures("unreadable")
def test_the_transaction_around_it_goes_on() -> None:
    with transaction.atomic():
        UserFactory(username="before")
        assert level_of(chat_id="c", owner_id="7") is Level.ERRORS
        assert sync_level() is Level.ERRORS
        UserFactory(username="after")
    assert UserFactory._meta.model.objects.count() == 2


def test_a_transaction_that_is_broken_already_is_no_reason_to_raise() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        assert level_of(chat_id="c", owner_id="7") is Level.ERRORS


def test_a_database_that_raises_anything_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(**ids: str) -> None:
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr(levels, "decide_level", down)
    assert level_of(chat_id="c", owner_id="7") is Level.ERRORS
    assert both_levels() == {Level.ERRORS}


def test_settings_that_are_nonsense_do_not_break_a_turn(settings: LazySettings) -> None:
    settings.CHATDEBUG = {"NO_SUCH_KEY": 1}
    assert level_of(chat_id="c") is Level.OFF
    assert both_levels() == {Level.OFF}


def test_asking_leaves_no_connection_open_where_there_was_none() -> None:
    async def body() -> list[bool]:
        await async_level()
        return await asyncio.to_thread(lambda: [connection.connection is None])

    assert asyncio.run(body()) == [True]


def test_inside_a_transaction_a_savepoint_and_its_bound_are_all_it_costs() -> None:
    loaded_rules.load()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        sync_level()
    bound = 3 if connection.vendor == "postgresql" else 0  # asked for, set, and reset
    assert len(queries) == 3 + bound  # it, the question, and its release


if connection.vendor == "postgresql":  # readers of SQLite wait for no writer

    @contextmanager
    def locked(model: type[Model]) -> Iterator[None]:
        """Lock a table inside the block, as a migration does."""
        other = connection.copy()
        other.set_autocommit(False)
        try:
            with other.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {model._meta.db_table}")
            yield
        finally:
            other.close()

    def bound() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    @pytest.mark.parametrize("model", [RecordingSwitch, ClassificationRule])
    @pytest.mark.parametrize("around", [nullcontext, transaction.atomic])
    def test_a_table_that_is_locked_keeps_no_turn_waiting(
        model: type[Model], around: Callable[[], AbstractContextManager[None]]
    ) -> None:
        before = bound()
        with locked(model), around():
            assert sync_level() is Level.ERRORS
            assert bound() == before
            assert not ChatRun.objects.exists(), "the host's transaction goes on"

    @pytest.mark.parametrize(
        ("hosts", "inside"), [("0", "1s"), ("50ms", "50ms"), ("1min", "1s")]
    )
    def test_a_shorter_bound_of_the_hosts_counts(hosts: str, inside: str) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{hosts}'")
            with apart("default", at_most=1.0):
                assert bound() == inside
            assert bound() == hosts


@pytest.mark.parametrize("scope", [Scope.DEPLOYMENT, Scope.OWNER, Scope.CHAT])
def test_what_has_ended_by_itself_is_off(scope: Scope) -> None:
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.OWNER, "ada")
    switch_on(Scope.CHAT, "7")
    ids = {"chat_id": "7", "owner_id": "ada" if scope is not Scope.CHAT else ""}
    if scope is Scope.OWNER:
        ids["chat_id"] = "another"
    of_scope = RecordingSwitch.objects.filter(scope=scope)
    of_scope.update(until=timezone.now() + timedelta(minutes=1))
    assert level_of(**ids) is Level.FULL
    of_scope.update(until=timezone.now())
    assert level_of(**ids) is Level.ERRORS


def test_a_consent_without_an_end_puts_off_no_other_end() -> None:
    switch_on(Scope.DEPLOYMENT)
    switch_on(Scope.OWNER, "ada")
    switch_on(Scope.CONSENT, "ada")
    until = timezone.now() + timedelta(minutes=1)
    RecordingSwitch.objects.filter(scope=Scope.OWNER).update(until=until)
    assert levels.decide_level(owner_id="ada").until == until


@pytest.mark.parametrize(
    ("gate", "owner", "chat", "end"),
    [
        (None, None, None, None),
        (None, 2, None, None),  # the chat's own switch has no end
        (None, 2, 3, 3),
        (1, None, None, 1),
        (1, 2, 3, 1),
        (9, 2, 3, 3),
    ],
)
def test_a_decision_says_when_it_ends_by_itself(
    gate: int | None, owner: int | None, chat: int | None, end: int | None
) -> None:
    now = timezone.now()
    after = {days: now + timedelta(days=days) for days in range(1, 10)}
    ends = {Scope.DEPLOYMENT: gate, Scope.OWNER: owner, Scope.CHAT: chat}
    for scope, days in ends.items():
        switch_on(scope, {Scope.OWNER: "ada", Scope.CHAT: "7"}.get(scope, ""))
        until = after[days] if days is not None else None
        RecordingSwitch.objects.filter(scope=scope).update(until=until)
    decision = levels.decide_level(chat_id="7", owner_id="ada")
    assert decision.until == (after[end] if end is not None else None)
    assert levels.decide_level(owner_id="eve").until is None


def test_an_end_costs_no_further_read() -> None:
    switch_on(Scope.DEPLOYMENT)
    RecordingSwitch.objects.update(until=timezone.now() + timedelta(days=1))
    with collected_statements() as statements:
        levels.decide_level(chat_id="7", owner_id="ada")
    assert len(statements) == 1
