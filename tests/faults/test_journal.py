"""The journal at its worst: slow disks, tables that are gone, entries that are none."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, connections

from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun
from chatdebug.recorder import close_writer, record_run
from chatdebug.writer import writer
from chatdebug.writer.database import import_captures
from chatdebug.writer.spool import Spool
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.chatdebug.writer.disks import a_disk_that_hangs
from tests.chatdebug.writer.test_damage import BAD
from tests.faults.matrix import matrix

pytestmark = pytest.mark.django_db(transaction=True)

TOGETHER = 40


@pytest.mark.parametrize(
    ("shown_before_the_kill", "milliseconds"), [(1, 60), (25, 60), (40, 60), (40, 300)]
)
def test_of_turns_that_fail_together_on_a_slow_disk_none_that_is_shown_is_lost(
    shown_before_the_kill: int, milliseconds: int
) -> None:
    environment = os.environ | {
        "FAULTS_DATABASE_NAME": str(connections["default"].settings_dict["NAME"]),
        "FAULTS_SPOOL": str(recorder_settings().SPOOL_DIR),
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
    }
    command = [sys.executable, "-m", "tests.faults.burst"]
    with subprocess.Popen(
        [*command, str(TOGETHER), str(milliseconds)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as burst:
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


@pytest.mark.parametrize("table", ["chatdebug_chatstep", "chatdebug_chatrun"])
def test_a_table_that_is_gone_for_a_while_costs_nothing(table: str) -> None:
    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{before}" RENAME TO "{after}"')

    rename(table, f"{table}_away")
    try:
        fail("c")
        close_writer(timeout=5)
    finally:
        rename(f"{table}_away", table)
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    assert Spool(folder).count() == 1
    assert not list(folder.glob("*.damaged"))
    import_captures(Spool(folder), using="default")
    assert ChatRun.objects.get().steps.count() == 1
    matrix.add(
        f"the table {table} is gone",
        user="the error",
        stored="spool, then 1 run (error), 1 failed calls",
    )


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_of_the_spool_holds_nothing_up(name: str) -> None:
    make: Callable[[Path], None] = BAD[name]
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    folder.mkdir()
    make(folder / "0000.jsonl")
    fail("c")
    close_writer(timeout=10)
    with suppress(DatabaseError):
        import_captures(Spool(folder), using="default")
    assert ChatRun.objects.get().steps.count() == 1
    assert [path.name for path in folder.iterdir()] == ["0000.damaged"]
    matrix.add(
        f"an entry of the spool: {name}",
        user="the error",
        stored="1 run (error), 1 failed calls; the entry set aside",
    )


def test_a_row_that_no_database_takes_holds_nothing_up() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd\x00" * 1000

    for message_id in (2**70, Odd()):
        fail("refused", message_id)
    fail("good")
    close_writer(timeout=20)
    assert ChatRun.objects.count() == 3
    matrix.add("ids that no number holds", user="the error", stored="3 runs (error)")


def fail(chat_id: str, message_id: object = None) -> None:
    with (
        suppress(RuntimeError),
        record_run(chat_id=chat_id, trigger_message_id=message_id) as run,
        run.step(),
    ):
        raise RuntimeError("ballast")
    assert writer().counters.unsafe == 0
