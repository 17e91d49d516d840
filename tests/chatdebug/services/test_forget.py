"""A deleted chat leaves nothing behind, whatever is still on its way."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import (
    ChatRun,
    ChatStep,
    ErrorGroup,
    ForgottenChat,
    ForgottenOwner,
    GroupAffected,
    RecordingSwitch,
)
from chatdebug.models.switches import Scope
from chatdebug.recorder import (
    Level,
    close_writer,
    forget_chat,
    forget_owner,
    record_run,
)
from chatdebug.services import forget
from chatdebug.services.forget import delete_forgotten
from chatdebug.writer import Writer, writer
from tests.chatdebug.writer.rows import run_row, step_row
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_runs_of_the_chat_go_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "BATCH_RUNS", 2)
    for _ in range(5):
        ChatStepFactory(run=ChatRunFactory(chat_id="gone"))
    other = ChatStepFactory(run=ChatRunFactory(chat_id="kept"))
    RecordingSwitch.objects.create(scope=Scope.CHAT, key="gone", enabled=True)
    RecordingSwitch.objects.create(scope=Scope.CHAT, key="kept", enabled=True)
    forget_chat("gone")
    assert list(ChatRun.objects.all()) == [other.run]
    assert list(ChatStep.objects.all()) == [other]
    assert RecordingSwitch.objects.get().key == "kept"


def test_a_deletion_that_is_rolled_back_deletes_nothing() -> None:
    run = ChatRunFactory()
    with transaction.atomic():
        forget_chat(run.chat_id)
        transaction.set_rollback(True)
    assert delete_forgotten()
    assert ChatRun.objects.get() == run


@pytest.mark.parametrize("chat", [17, "x" * 100, "a\x00b"], ids=["int", "long", "NUL"])
def test_an_id_may_be_whatever_a_project_has(chat: object) -> None:
    with suppress(RuntimeError), record_run(chat_id=chat) as run, run.step():
        raise RuntimeError("the ballast shifted")
    close_writer(timeout=20)
    assert ChatRun.objects.exists()
    forget_chat(chat)
    assert not ChatRun.objects.exists()


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_turn_that_ends_after_its_chat_leaves_nothing(level: Level) -> None:
    with (
        suppress(RuntimeError),
        record_run(chat_id="gone", level=level, label="words") as run,
        run.step(),
    ):
        if level is Level.FULL:
            until(ChatRun.objects.exists)
        forget_chat("gone")
        raise RuntimeError("the ballast shifted")
    assert run.stored_id is not None
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()


def test_rows_that_wait_in_the_queue_are_not_brought_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = writer()
    monkeypatch.setattr(own, "start", lambda: None)
    for is_capture in (False, True):
        run = run_row(chat_id="gone", status=Status.ERROR, is_capture=is_capture)
        own.submit([run, step_row(run.id, is_capture=is_capture)])
    until(lambda: len(own.queue) == 4)
    forget_chat("gone")
    monkeypatch.undo()
    own.start()
    until(lambda: own.counters.written >= 4)
    until(lambda: not ChatRun.objects.exists())
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()
    assert own.spool is not None
    assert own.spool.count() == 0


def journaled(chat: str, age: float = 0.0) -> Any:
    """What a process that was killed left in the journal."""
    lost = Writer(recorder_settings())
    assert lost.spool is not None
    run = run_row(chat_id=chat, status=Status.ERROR, is_capture=True, age=age)
    lost.spool.write([run])
    lost.spool.close()
    return run


def test_rows_in_the_journal_of_a_lost_process_are_not_brought_back() -> None:
    days_ago = timezone.now() - timedelta(days=20)
    journaled("gone", age=21 * 86_400)
    kept = journaled("kept")
    ForgottenChat.objects.create(chat_id="gone", forgotten_at=days_ago)
    later = Writer(recorder_settings())
    later.maintenance.work()
    later.close(timeout=10)
    assert [run.id for run in ChatRun.objects.all()] == [kept.id]


def test_rows_that_the_command_imports_are_not_brought_back() -> None:
    journaled("gone")
    forget_chat("gone")
    call_command("import_chatdebug_spool")
    assert not ChatRun.objects.exists()


def test_what_another_process_wrote_meanwhile_goes_with_the_next_beat() -> None:
    forget_chat("gone")
    ChatRunFactory(chat_id="gone")
    other = Writer(recorder_settings())
    other.maintenance.work()
    other.close(timeout=10)
    assert not ChatRun.objects.exists()


def test_what_was_left_of_a_large_chat_is_deleted_by_a_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forget, "BATCH_RUNS", 2)
    monkeypatch.setattr(forget, "BUDGET_SECONDS", -1.0)
    ChatRunFactory.create_batch(7, chat_id="gone")
    forget_chat("gone")
    assert ChatRun.objects.count() == 5
    writer().start()
    until(lambda: not ChatRun.objects.exists())


def test_a_later_chat_of_the_same_id_keeps_its_runs() -> None:
    forget_chat("17")
    later = ChatRunFactory(chat_id="17", started_at=timezone.now() + timedelta(hours=1))
    assert delete_forgotten()
    assert ChatRun.objects.get() == later


def test_marks_of_long_ago_are_removed() -> None:
    long_ago = timezone.now() - timedelta(days=91)
    ForgottenChat.objects.create(chat_id="old", forgotten_at=long_ago)
    ForgottenOwner.objects.create(owner_id="old", forgotten_at=long_ago)
    forget_chat("new")
    forget_owner("new")
    beating = Writer(recorder_settings())
    beating.maintenance.work()
    beating.close(timeout=10)
    assert ForgottenChat.objects.get().chat_id == "new"
    assert ForgottenOwner.objects.get().owner_id == "new"


def test_an_owner_is_forgotten_with_the_runs_of_chats_that_nobody_forgot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forget, "BATCH_RUNS", 2)
    ChatRunFactory.create_batch(5, owner_id="7", chat_id="shared")
    others = {ChatRunFactory(owner_id=owner, chat_id="shared") for owner in ("77", "")}
    for key in ("7", "77"):
        RecordingSwitch.objects.create(scope=Scope.OWNER, key=key, enabled=True)
    forget_owner("")
    assert ChatRun.objects.count() == 7, "an empty id is nobody's"
    forget_owner(7)
    assert set(ChatRun.objects.all()) == others
    assert RecordingSwitch.objects.get().key == "77"


def test_the_runs_of_forgotten_chats_are_left_to_their_marks() -> None:
    with transaction.atomic():
        ChatRunFactory(owner_id="7", chat_id="gone")
        forget_chat("gone")
        forget_owner("7")
        assert ChatRun.objects.exists(), "they may be many: no transaction holds them"
    assert not ChatRun.objects.exists()


def test_a_writer_that_counts_before_the_mark_is_committed_names_nobody() -> None:
    group = ErrorGroup.objects.create(
        fingerprint="f", first_seen=timezone.now(), last_seen=timezone.now()
    )
    with transaction.atomic():
        forget_chat("c")
        forget_owner("o")
        for what, key in (("chat", "c"), ("person", "o"), ("chat", "kept")):
            GroupAffected.objects.create(group=group, what=what, key=key)
    assert GroupAffected.objects.get().key == "kept"


@pytest.mark.parametrize("forget_it", [forget_chat, forget_owner])
def test_the_first_statement_writes(forget_it: Callable[[str], None]) -> None:
    """SQLite lets nobody write who has read before somebody else wrote."""
    ChatRunFactory(chat_id="7", owner_id="7")
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        forget_it("7")
    statements = [query["sql"] for query in queries.captured_queries]
    assert statements[0].startswith("INSERT")
    assert not ChatRun.objects.exists()


def test_an_owner_who_comes_back_is_recorded_anew() -> None:
    forget_owner("7")
    later = ChatRunFactory(owner_id="7", started_at=timezone.now() + timedelta(hours=1))
    assert delete_forgotten()
    assert ChatRun.objects.get() == later


def test_an_owner_whose_deletion_is_rolled_back_keeps_all() -> None:
    run = ChatRunFactory(owner_id="7")
    with transaction.atomic():
        forget_owner("7")
        transaction.set_rollback(True)
    assert ChatRun.objects.get() == run


def test_no_chat_is_none_that_could_be_forgotten() -> None:
    """Runs of calls that were made for no chat are of as many different ones."""
    run = ChatRunFactory(chat_id="")
    with pytest.raises(ValueError, match="no chat"):
        forget_chat("")
    assert ChatRun.objects.filter(pk=run.pk).exists()


def test_chats_whose_long_ids_begin_alike_are_two() -> None:
    chats = ["p" * 64 + name for name in ("ada", "bob")]
    for chat in chats:
        with suppress(RuntimeError), record_run(chat_id=chat) as run, run.step():
            raise RuntimeError("the ballast shifted")
    close_writer(timeout=20)
    assert ChatRun.objects.values("chat_id").distinct().count() == 2
    forget_chat(chats[0])
    assert ChatRun.objects.count() == 1
