"""The journal at its worst: slow disks, tables that are gone, entries that are none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import DatabaseError, DataError, connection

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, close_writer, record_run
from chatdebug.writer import writer
from chatdebug.writer.database import import_captures
from chatdebug.writer.spool import Spool
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.chatdebug.writer.disks import a_disk, a_disk_that_hangs
from tests.chatdebug.writer.rows import run_row
from tests.chatdebug.writer.spools import LOST, entries
from tests.chatdebug.writer.test_damage import BAD
from tests.faults.matrix import matrix
from tests.faults.sharing import sharing_process

pytestmark = pytest.mark.django_db(transaction=True)

TOGETHER = 40


@pytest.mark.parametrize(
    ("shown_before_the_kill", "milliseconds"), [(1, 60), (25, 60), (40, 60), (40, 300)]
)
def test_of_turns_that_fail_together_on_a_slow_disk_none_that_is_shown_is_lost(
    shown_before_the_kill: int, milliseconds: int
) -> None:
    numbers = (str(TOGETHER), str(milliseconds))
    with sharing_process("tests.faults.burst", *numbers) as burst:
        assert burst.stdout
        shown = [burst.stdout.readline() for _ in range(shown_before_the_kill)]
        burst.kill()
        shown += burst.stdout.readlines()
    said = [line.split() for line in shown if line.endswith("\n")]
    assert {safe for _, safe in said} == {"safe"}
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    import_captures(Spool(folder), using="default")
    runs = ChatRun.objects.prefetch_related("steps")
    stored = {
        str(run.id): (run.status, len(run.steps.all()), run.summary["step_count"])
        for run in runs
    }
    for run_id, _ in said:
        assert stored[run_id] == ("error", 2, 2)
    matrix.add(
        f"{TOGETHER} failures at once, {milliseconds} ms a sync, SIGKILL at "
        f"{shown_before_the_kill}",
        user=f"{len(said)} failures shown",
        stored="all of them, with 2 failed calls each",
    )


@pytest.mark.usefixtures("quick")
def test_a_failure_whose_evidence_is_not_safe_yet_says_so(
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "FLUSH_SECONDS": 0.3}
    chat = new_chat("fault-400")

    async def body() -> None:
        with a_disk_that_hangs(monkeypatch):
            await answer(chat)

    run_on_site(body)
    error = chat.turns.get().error
    assert error is not None
    assert "could not be made safe" in error["advice"]
    assert f"The evidence of run {error['run_id']} is not safe yet" in caplog.text
    close_writer(timeout=10)
    assert str(ChatRun.objects.get().pk) == error["run_id"]
    matrix.add(
        "the spool's disk hangs",
        user="the error, and that its evidence is not safe yet",
        stored="1 run (error), 1 failed calls",
    )


@contextmanager
def gone(table: str) -> Iterator[None]:
    """Let a table be missing, as before a migration, as long as the block lasts."""

    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{before}" RENAME TO "{after}"')

    rename(table, f"{table}_away")
    try:
        yield
    finally:
        rename(f"{table}_away", table)


EVIDENCE = [model._meta.db_table for model in (ChatRun, ChatStep)]
OTHERS = sorted(
    model._meta.db_table
    for model in apps.get_app_config("chatdebug").get_models()
    if model not in (ChatRun, ChatStep)
)


@pytest.mark.parametrize("table", EVIDENCE)
def test_a_table_that_is_gone_for_a_while_costs_nothing(table: str) -> None:
    with gone(table):
        fail("c")
        close_writer(timeout=5)
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    assert Spool(folder).count()
    assert not list(folder.glob("*.damaged"))
    import_captures(Spool(folder), using="default")
    assert ChatRun.objects.get().steps.count() == 1
    matrix.add(
        f"the table {table} is gone",
        user="the error",
        stored="spool, then 1 run (error), 1 failed calls",
    )


@pytest.mark.parametrize("table", OTHERS)
def test_without_any_other_table_evidence_is_stored_at_once(table: str) -> None:
    with gone(table):
        fail("c")
        close_writer(timeout=10)
        assert ChatRun.objects.get().steps.count() == 1
    matrix.add(
        f"the table {table} is gone",
        user="the error",
        stored="1 run (error), 1 failed calls",
    )


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("model", "status", "stored"), [("demo", "completed", 0), ("fault-400", "error", 1)]
)
def test_without_the_switches_turns_go_on(model: str, status: str, stored: int) -> None:
    chat = new_chat(model)

    async def body() -> None:
        await answer(chat)

    with gone("chatdebug_recordingswitch"):
        run_on_site(body)
    assert chat.turns.get().status == status
    close_writer(timeout=10)
    assert ChatRun.objects.of_chat(str(chat.pk)).count() == stored
    matrix.add(
        f"the switches are gone, {model}",
        user=status,
        stored="1 run (error), 1 failed calls" if stored else "nothing",
    )


def in_a_cancelled_scope(done: list[str]) -> Awaitable[None]:
    async def body() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await fail_and_go_on(done)

    return body()


def in_a_cancelled_task(done: list[str]) -> Awaitable[None]:
    async def body() -> None:
        task = asyncio.create_task(fail_and_go_on(done))
        await asyncio.sleep(0)  # it fails, and waits for the disk
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return body()


def in_a_timeout(done: list[str]) -> Awaitable[None]:
    async def body() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await fail_and_go_on(done)

    return body()


async def fail_and_go_on(done: list[str]) -> None:
    with suppress(RuntimeError):
        async with record_run(chat_id="c", level=Level.ERRORS) as run, run.step():
            raise RuntimeError("ballast")
    done.append("told")
    await asyncio.sleep(60)
    done.append("not cancelled")


@pytest.mark.parametrize(
    "place", [in_a_cancelled_scope, in_a_cancelled_task, in_a_timeout]
)
def test_a_cancellation_is_delivered_when_the_evidence_is_safe(
    place: Callable[[list[str]], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        began, cpu = time.monotonic(), time.thread_time()
        await place(done)
        times.append((time.monotonic() - began, time.thread_time() - cpu))

    done: list[str] = []
    times: list[tuple[float, float]] = []
    with a_disk(monkeypatch, seconds=0.3):
        asyncio.run(body())
    [(waited, used)] = times
    assert waited > 0.3
    assert used < waited / 3, "the loop was busy while it waited"
    assert done == ["told"]
    assert writer().counters.unsafe == 0
    close_writer(timeout=10)
    assert ChatRun.objects.get().steps.count() == 1
    matrix.add(
        f"the run waits for its disk {place.__name__.replace('_', ' ')}",
        user="the error, then the cancellation",
        stored="1 run (error), 1 failed calls",
    )


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_of_the_spool_holds_nothing_up(name: str) -> None:
    make: Callable[[Path], None] = BAD[name]
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    folder.mkdir()
    make(folder / LOST)
    fail("c")
    close_writer(timeout=10)
    with suppress(DatabaseError):
        import_captures(Spool(folder), using="default")
    assert ChatRun.objects.get().steps.count() == 1
    assert [path.name for path in entries(folder)] == ["0000.damaged"]
    matrix.add(
        f"an entry of the spool: {name}",
        user="the error",
        stored="1 run (error), 1 failed calls; the entry set aside",
    )


def test_ids_that_no_number_holds_are_stored_as_text() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd\x00" * 1000

    for message_id in (2**70, Odd()):
        fail("refused", message_id)
    fail("good")
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 3
    matrix.add("ids that no number holds", user="the error", stored="3 runs (error)")


@pytest.mark.parametrize("error", [OverflowError, KeyError, AssertionError, DataError])
def test_a_row_that_is_refused_is_kept_and_holds_nothing_up(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    class Refused:
        def __str__(self) -> str:
            raise error

    row = run_row(status=Status.ERROR, is_capture=True)
    row.columns["chat_id"] = Refused()
    writer().submit([row])
    fail("c")
    close_writer(timeout=20)
    assert ChatRun.objects.get().chat_id == "c"
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    assert [path.suffix for path in folder.iterdir()] == [".damaged"]
    assert f"refuses a run for good ({error.__name__}): {row.id}" in caplog.text
    matrix.add(
        f"a row that is refused with {error.__name__}",
        user="the error",
        stored="kept as .damaged; of the others 1 run (error), 1 failed calls",
    )


def fail(chat_id: str, message_id: object = None) -> None:
    with (
        suppress(RuntimeError),
        record_run(chat_id=chat_id, trigger_message_id=message_id) as run,
        run.step(),
    ):
        raise RuntimeError("ballast")
    assert writer().counters.unsafe == 0
