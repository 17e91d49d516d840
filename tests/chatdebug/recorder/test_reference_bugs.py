"""Bugs that the reference system had, by the numbers of its list (k), and we must not have.

Here are those that no other test is about. The others: 3, 13 and 23 in test_full_level;
10 to 16 in test_transport and tests/accuracy/test_redaction; 17, 18 and 27 in
tests/faults/test_in_request; 25 in tests/browser; 26 in tests/chatdebug/api/test_switches;
28 in tests/accuracy/test_classification; 30 in tests/chatdebug/services/test_retention.
6, 7, 19, 20 and 22 are about parts that this recorder does not have.
"""

import asyncio
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pydantic_ai.models import Model

from chatdebug.conf import recorder_settings
from chatdebug.enums import Status
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, logical_call, record_run
from chatdebug.services.stale import mark_stale_runs
from chatdebug.writer import Writer, close_writer
from tests.chatdebug.recorder.demo import demo_model, generate
from tests.chatdebug.writer.rows import run_row, step_row
from tests.factories import ChatRunFactory, ChatStepFactory
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_1_and_28c_a_call_that_takes_long_is_not_taken_for_a_lost_one() -> None:
    writer = Writer(recorder_settings())
    run = run_row()
    writer.submit([run, step_row(run.id, status=Status.IN_PROGRESS)])
    assert writer.written(run.id).result(timeout=10)
    long_ago = timezone.now() - timedelta(hours=1)
    ChatRun.objects.update(updated_at=long_ago)
    writer.upkeep.note_recovered()  # a beat is due, and with it the sweep
    writer.queue.nudge()
    until(lambda: ChatRun.objects.get().updated_at > long_ago)
    writer.close(timeout=10)
    found = ChatRun.objects.get()
    assert (found.status, ChatStep.objects.get().status) == ("in_progress",) * 2


def test_2_what_was_interrupted_is_no_error() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        with run.step() as step:
            step.interrupt()
        run.interrupt()
    close_writer(timeout=10)
    assert "has_error" not in ChatRun.objects.get().summary


def test_4_how_long_a_run_may_be_silent_is_a_setting(settings: LazySettings) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 7200.0}
    silent = timezone.now() - timedelta(hours=1)
    ChatRunFactory(status=Status.IN_PROGRESS, finished_at=None, updated_at=silent)
    assert mark_stale_runs() == 0
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STALE_SECONDS": 60.0}
    assert mark_stale_runs() == 1


def test_5_tokens_of_reasoning_add_up() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        for tokens in (3, 4):
            with run.step() as step:
                step.complete({}, {"reasoning_tokens": tokens})
        run.complete()
    close_writer(timeout=10)
    assert ChatRun.objects.get().summary["total_reasoning_tokens"] == 7


def test_8_the_time_of_the_end_is_written_once() -> None:
    with record_run(chat_id="c", level=Level.FULL) as run:
        pass
    close_writer(timeout=10)
    ended = ChatRun.objects.get().finished_at
    run.complete()
    close_writer(timeout=10)
    found = ChatRun.objects.get()
    assert (found.status, found.finished_at) == ("completed", ended)


def test_9_a_sweep_ends_the_youngest_step_of_a_lost_run_too() -> None:
    silent = timezone.now() - timedelta(hours=1)
    run = ChatRunFactory(status=Status.IN_PROGRESS, finished_at=None, updated_at=silent)
    ChatStepFactory(run=run, status=Status.IN_PROGRESS, finished_at=None, error=None)
    assert mark_stale_runs() == 1
    step = ChatStep.objects.select_related("run").get()
    assert (step.status, step.run.status) == ("interrupted", "interrupted")


def test_21_an_attempt_never_lands_in_a_step_of_another_run() -> None:
    async def turn(model: Model) -> None:
        async with record_run(chat_id="outer", level=Level.FULL) as outer:
            with logical_call(outer):
                await generate(model)
                async with record_run(chat_id="inner", level=Level.FULL) as inner:
                    await generate(model)
                    inner.complete()
            outer.complete()

    async def body() -> None:
        async with demo_model("demo") as model:
            await turn(model)

    asyncio.run(body())
    close_writer(timeout=10)
    steps = {run.chat_id: run.steps.count() for run in ChatRun.objects.all()}
    assert steps == {"outer": 1, "inner": 1}
