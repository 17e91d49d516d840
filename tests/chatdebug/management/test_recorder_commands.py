"""The commands for whoever runs the recorder."""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.services.stale import LOST_NOTE
from chatdebug.writer import Writer
from chatdebug.writer.ownership import name_of
from tests.chatdebug.writer.rows import run_row, step_row

pytestmark = pytest.mark.django_db(transaction=True)


def output_of(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def lose_a_capture() -> None:
    """Leave a capture in the spool, as a killed process does."""
    lost = Writer(recorder_settings())
    assert lost.spool is not None
    run = run_row(status=Status.ERROR, is_capture=True)
    lost.spool.write([run, step_row(run.id, is_capture=True)])
    lost.spool.close()


def test_status_of_a_quiet_recorder() -> None:
    text = output_of("chatdebug_status")
    assert "spool: 0 captures wait" in text
    assert "none has been seen" in text


def test_status_shows_what_waits_and_what_was_written() -> None:
    writer = Writer(recorder_settings())
    run = run_row(status=Status.ERROR, is_capture=True)
    writer.submit([run])
    writer.count_similar(run.id)
    writer.close(timeout=10)
    lose_a_capture()
    text = output_of("chatdebug_status")
    assert "spool: 1 captures wait" in text
    assert "written: 1, journaled: 1" in text
    assert "suppressed: 1" in text


def test_importing_the_spool_brings_the_evidence_back() -> None:
    lose_a_capture()
    assert output_of("import_chatdebug_spool") == "2 rows imported.\n"
    assert ChatRun.objects.get().steps.count() == 1
    assert output_of("import_chatdebug_spool") == "0 rows imported.\n"


def test_importing_says_what_waits_for_a_process_that_lives() -> None:
    living = Writer(recorder_settings())
    assert living.spool is not None
    living.spool.write([run_row(status=Status.ERROR, is_capture=True)])
    text = output_of("import_chatdebug_spool")
    assert text.startswith(
        "0 rows imported.\n1 files wait of processes that still live"
    )
    living.spool.close()
    assert output_of("import_chatdebug_spool") == "1 rows imported.\n"


def test_importing_says_when_files_that_name_no_process_are_taken() -> None:
    lose_a_capture()
    folder = recorder_settings().SPOOL_DIR
    assert folder is not None
    (capture,) = folder.glob("*.jsonl")
    capture.rename(capture.with_name(f"{name_of(capture)}.jsonl"))
    text = output_of("import_chatdebug_spool")
    assert text.startswith("0 rows imported.\n1 files wait that name no process")
    assert "when they are 60 seconds old" in text
    assert not ChatRun.objects.exists()


def test_importing_without_a_spool_says_so(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "SPOOL_DIR": None}
    with pytest.raises(CommandError, match="there is no spool"):
        call_command("import_chatdebug_spool")


def test_a_run_whose_process_is_gone_becomes_interrupted_with_a_note() -> None:
    silent = timezone.now() - timedelta(minutes=10)
    lost = ChatRun.objects.create(
        chat_id="c", started_at=silent, updated_at=silent, summary={"step_count": 1}
    )
    ChatStep.objects.create(
        run=lost, chat_id="c", step_number=1, operation="stream", updated_at=silent
    )
    alive = ChatRun.objects.create(chat_id="c")
    assert output_of("mark_stale_chat_runs") == "1 runs marked as interrupted.\n"
    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.status, alive.status) == (Status.INTERRUPTED, Status.IN_PROGRESS)
    assert lost.summary == {"step_count": 1, "note": LOST_NOTE}
    assert lost.finished_at is not None
    assert lost.steps.get().status == Status.INTERRUPTED


def test_the_time_of_silence_can_be_chosen() -> None:
    silent = timezone.now() - timedelta(seconds=30)
    ChatRun.objects.create(chat_id="c", updated_at=silent)
    assert output_of("mark_stale_chat_runs", "--after", "60").startswith("0 runs")
    assert output_of("mark_stale_chat_runs", "--after", "10").startswith("1 runs")


def test_a_finished_run_is_never_marked() -> None:
    old = timezone.now() - timedelta(days=1)
    ChatRun.objects.create(
        chat_id="c", status=Status.ERROR, finished_at=old, updated_at=old
    )
    assert output_of("mark_stale_chat_runs").startswith("0 runs")
