"""Calls of tasks and threads that go on when the run that they were started in is over."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any

import openai
import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

import chatdebug
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.statistics import HourCount, What
from chatdebug.recorder import Level, RunKind, forget_chat, record_run
from chatdebug.writer import close_writer
from tests.chatdebug.errors.server import failing_server
from tests.chatdebug.instrument.sdks import KEY, MESSAGES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def instrumented() -> Iterator[None]:
    chatdebug.instrument_openai()
    yield
    chatdebug.uninstrument_openai()


@pytest.fixture
def fail() -> Iterator[Callable[[], None]]:
    """Return what makes a call that fails, and handles the error."""
    with failing_server() as url:

        def call() -> None:
            with (
                openai.OpenAI(
                    base_url=f"{url}/odd", api_key=KEY, max_retries=0
                ) as client,
                suppress(openai.APIStatusError),
            ):
                client.chat.completions.create(model="demo", messages=MESSAGES)

        yield call


def stored() -> list[tuple[str, str]]:
    close_writer(timeout=20)
    return list(
        ChatRun.objects.order_by("started_at").values_list("chat_id", "owner_id")
    )


def in_thread_of_a_run(call: Callable[[], None], **given: Any) -> None:
    """Let a thread in a copy of a run's context make a call when that run is over."""
    with record_run(chat_id="c", owner_id="7", **given) as run:
        context = copy_context()
        run.complete()
    thread = Thread(target=context.run, args=(call,))
    thread.start()
    thread.join()


def test_a_late_call_of_a_thread_is_of_the_chat_of_its_run(
    fail: Callable[[], None],
) -> None:
    in_thread_of_a_run(
        fail, kind=RunKind.COMPACTION, model="m", trigger_message_id="m1"
    )
    assert stored() == [("c", "7")]
    run = ChatRun.objects.get()
    assert (run.kind, run.model, run.trigger_message_id) == ("compaction", "m", "m1")
    assert (run.provider, run.status) == ("openai", "error")
    forget_chat("c")
    assert stored() == []


def test_it_is_recorded_as_much_as_its_run_was(fail: Callable[[], None]) -> None:
    in_thread_of_a_run(fail, level=Level.OFF)
    assert stored() == []
    in_thread_of_a_run(fail, level=Level.FULL)
    assert stored() == [("c", "7"), ("c", "7")]


def test_it_is_no_turn_of_its_own(fail: Callable[[], None]) -> None:
    in_thread_of_a_run(fail)
    close_writer(timeout=20)
    turns = HourCount.objects.filter(what__in=[What.TURN, What.FAILED_TURN])
    assert [one.count for one in turns] == [1]


def test_a_late_call_of_a_task_is_of_the_chat_of_its_run() -> None:
    async def work(url: str) -> None:
        is_over = asyncio.Event()

        async def call() -> None:
            await is_over.wait()
            async with openai.AsyncOpenAI(
                base_url=f"{url}/odd", api_key=KEY, max_retries=0
            ) as client:
                await client.chat.completions.create(model="demo", messages=MESSAGES)

        async with record_run(chat_id="c", owner_id="7") as run:
            task = asyncio.create_task(call())
            run.complete()
        is_over.set()
        with suppress(openai.APIStatusError):
            await task

    with failing_server() as url:
        asyncio.run(work(url))
    assert stored() == [("c", "7")]


def test_so_is_that_of_an_agent() -> None:
    def break_down(*_: Any) -> Any:
        raise LookupError("The ballast does not match.")

    model = chatdebug.instrument_pydantic_ai(FunctionModel(break_down))

    def call() -> None:
        with suppress(LookupError):
            asyncio.run(Agent(model).run("ballast"))

    in_thread_of_a_run(call)
    assert stored() == [("c", "7")]


def test_so_is_that_of_a_function_that_is_recorded(fail: Callable[[], None]) -> None:
    @chatdebug.recorded(chat_id="chat_id")
    def view(chat_id: str) -> Any:
        return copy_context()

    view("c").run(fail)
    assert stored() == [("c", "")]


def test_the_run_counts_more_than_a_chat_that_was_set_before_it(
    fail: Callable[[], None],
) -> None:
    with chatdebug.set_chat("before"):
        in_thread_of_a_run(fail)
    assert stored() == [("c", "7")]


def test_a_chat_that_is_set_after_it_counts_more_than_the_run(
    fail: Callable[[], None],
) -> None:
    def call() -> None:
        with chatdebug.set_chat("after"):
            fail()
        fail()

    in_thread_of_a_run(call)
    assert stored() == [("after", ""), ("c", "7")]


def test_a_late_task_is_in_the_runs_that_it_begins_itself(
    fail: Callable[[], None],
) -> None:
    def call() -> None:
        with record_run(chat_id="own"):
            fail()
        fail()

    in_thread_of_a_run(call)
    assert stored() == [("own", ""), ("c", "7")]


def test_what_comes_after_a_block_is_not_in_it(fail: Callable[[], None]) -> None:
    with record_run(chat_id="outer"), record_run(chat_id="inner"):
        pass
    fail()
    assert stored() == [("", "")]


def test_so_it_is_in_a_task_that_had_the_block_in_a_thread(
    fail: Callable[[], None],
) -> None:
    def view() -> None:
        with record_run(chat_id="c"):
            pass

    async def work() -> None:
        await sync_to_async(view)()  # which hands its context back
        await sync_to_async(fail)()

    asyncio.run(work())
    assert stored() == [("", "")]


def test_so_it_is_after_blocks_that_end_in_another_order(
    fail: Callable[[], None],
) -> None:
    first, second = record_run(chat_id="first"), record_run(chat_id="second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    fail()
    assert stored() == [("", "")]


def test_so_it_is_after_one_that_ends_in_another_context(
    fail: Callable[[], None],
) -> None:
    block = record_run(chat_id="c")
    block.__enter__()
    copy_context().run(block.__exit__, None, None, None)
    fail()
    assert stored() == [("", "")]


def test_what_the_reader_of_a_generator_starts_is_not_in_its_block(
    fail: Callable[[], None],
) -> None:
    def parts() -> Iterator[int]:
        with record_run(chat_id="c"):
            yield 1
            yield 2

    reading = parts()
    next(reading)
    context = copy_context()
    assert list(reading) == [2]
    context.run(fail)
    fail()
    assert stored() == [("", ""), ("", "")]


def test_it_keeps_its_attempts_where_a_failure_keeps_its_call(
    fail: Callable[[], None], settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}
    in_thread_of_a_run(fail)
    assert stored() == [("c", "7")]
    assert [one["response_status"] for one in ChatStep.objects.get().attempts] == [418]
