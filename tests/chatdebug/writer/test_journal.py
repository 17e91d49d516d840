"""One sync for a failing turn, shared by turns that fail together; safe when shown."""

import asyncio
from contextlib import suppress
from threading import Barrier, Thread
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun
from chatdebug.recorder import Run, close_writer, record_run
from chatdebug.writer import Writer, writer
from chatdebug.writer import thread as thread_module
from tests.chatdebug.writer.disks import a_disk, a_disk_that_hangs
from tests.chatdebug.writer.rows import run_row, step_row
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def fail(**facts: object) -> Run:
    """Fail in a run; every failure is another one, so that none is only counted."""
    recording = record_run(chat_id="c", **facts)  # type: ignore[arg-type]
    with suppress(ProviderError), recording as run, run.step():
        raise ProviderError("ballast")
    return recording.run


@pytest.fixture
def every_failure_is_stored(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STORM_FIRST": 1_000_000}


def test_a_failing_turn_is_one_write_with_one_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_disk(monkeypatch) as disk:
        fail()
        until(lambda: ChatRun.objects.count() == 1)
        assert disk.files == 1
        assert disk.folders == 1, "of the folder, once, for a file that is new in it"
        spool = writer().spool
        assert spool is not None
        until(lambda: spool.count() == 0)
        for number in range(2, 6):
            fail()
            until(lambda number=number: ChatRun.objects.count() == number)  # type: ignore[misc]
            until(lambda: spool.count() == 0)
        assert disk.files == 5
        assert disk.folders == 1
    assert writer().counters.journaled == 15, "a run, a step and a failure each"


@pytest.mark.usefixtures("every_failure_is_stored")
def test_turns_that_fail_together_share_a_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = Barrier(40)

    def one() -> None:
        barrier.wait(30)
        fail()

    with a_disk(monkeypatch, seconds=0.06) as disk:
        threads = [Thread(target=one) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert disk.files <= 20
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 40


def test_a_failure_is_shown_when_it_is_in_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise transaction.TransactionManagementError

    with monkeypatch.context() as patch:
        patch.setattr(thread_module, "write_rows", down)
        run = fail()
        spool = writer().spool
        assert spool is not None
        assert spool.count() == 1
        assert run.evidence_is_safe
        assert writer().counters.unsafe == 0


def test_a_failure_that_the_disk_does_not_take_in_time_says_so(
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FLUSH_SECONDS": 0.2}
    with a_disk_that_hangs(monkeypatch):
        run = fail()
        counters = writer().counters
        assert not run.evidence_is_safe
        assert counters.unsafe == 1
        assert f"The evidence of run {run.id} is not safe yet" in caplog.text
        # The database gets it nevertheless, and not only when the disk answers.
        until(lambda: ChatRun.objects.filter(status="error").count() == 1)
    until(lambda: run.evidence_is_safe)


def test_a_disk_that_hangs_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FLUSH_SECONDS": 0.5}
    with a_disk_that_hangs(monkeypatch):
        asyncio.run(asyncio.wait_for(asyncio.to_thread(fail_and_close), 20))
        assert ChatRun.objects.get().status == "error"


def fail_and_close() -> None:
    fail()
    close_writer(timeout=10)


def test_a_run_that_goes_on_after_a_failure_is_journaled_without_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A retry may wait for minutes; its evidence does not."""
    with a_disk(monkeypatch) as disk:
        with record_run(chat_id="c") as run:
            with suppress(ProviderError), run.step():
                raise ProviderError("the first attempt")
            until(lambda: disk.files == 1)
            run.fail()
        assert disk.files == 2


@pytest.mark.parametrize("has_spool", [True, False])
def test_a_failure_inside_a_transaction_waits_for_no_lock_of_its_own(
    has_spool: bool, settings: LazySettings
) -> None:
    """On SQLite the recorder's connection waits for the lock that this thread holds."""
    if not has_spool:
        settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": None}
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FLUSH_SECONDS": 60.0}
    with transaction.atomic():
        ChatRun.objects.create(chat_id="holds the lock")
        run = fail()  # a wait for the database would last until the test's time is up
        assert run.stored_id is not None
        if has_spool or connection.vendor != "sqlite":
            assert run.evidence_is_safe
        else:
            assert not run.evidence_is_safe
    close_writer(timeout=20)
    assert ChatRun.objects.filter(chat_id="c").count() == 1


@pytest.mark.parametrize(
    "message_id", [7, 2**63, UUID(int=7), "msg_77", "0" * 100], ids=repr
)
def test_a_message_may_have_any_id(message_id: object) -> None:
    fail(trigger_message_id=message_id, history_tip_message_id=message_id)
    close_writer(timeout=10)
    run = ChatRun.objects.get()
    assert run.trigger_message_id == run.history_tip_message_id == str(message_id)[:64]
    assert run.steps.get().history_tip_message_id == str(message_id)[:64]


def test_closing_while_a_first_row_comes_raises_nothing() -> None:
    for _ in range(50):
        made = Writer(recorder_settings())
        run = run_row(status=Status.ERROR, is_capture=True)
        first = Thread(target=made.submit, args=[[run, step_row(run.id)]])
        first.start()
        made.close(timeout=10)
        first.join(10)
        made.close(timeout=10)
        assert not first.is_alive()


def test_who_is_told_by_the_journal_may_wait_for_another_thread_that_asks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_asked: list[bool] = []
    run = run_row(status=Status.ERROR, is_capture=True)

    def ask(_: object) -> None:
        asking = Thread(target=writer().journal_flushed, args=[run.run_id])
        asking.start()
        asking.join(10)
        has_asked.append(not asking.is_alive())

    with a_disk(monkeypatch, seconds=0.2):
        writer().submit([run])
        writer().journal_flushed(run.run_id).add_done_callback(ask)
        until(lambda: has_asked)
    assert has_asked == [True]
