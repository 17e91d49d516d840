"""Streams and runs that are left early: what comes after them is none of theirs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from threading import Thread

import httpx2
import pytest
from django.conf import LazySettings
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model

from chatd.demo_provider import DemoProvider
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import (
    Level,
    RecordingTransport,
    Run,
    SyncRecordingTransport,
    current_run,
    logical_call,
    record_run,
)
from chatdebug.transport.attempts import collect_attempts, listening_sink
from chatdebug.writer import close_writer
from tests.chatdebug.recorder.demo import demo_model, generate, prompt, stream
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = "the words of the first chat"
LATER = "the words of another chat"


class Unknown(Exception):
    """What no rule knows."""


async def answer(model: Model, level: Level = Level.FULL) -> AsyncIterator[object]:
    """Stream in a run, as a request of another project might."""
    async with record_run(chat_id="first", level=level) as run:
        async with model_request_stream(model, prompt(FIRST)) as events:
            async for event in events:
                yield event
        run.complete()


async def abandon(model: Model, level: Level = Level.FULL) -> None:
    async for _ in answer(model, level):
        break


def the_first_run_has_its_own_call_alone() -> None:
    close_writer(timeout=20)
    (step,) = ChatStep.objects.filter(chat_id="first")
    assert (step.status, step.run.status) == ("interrupted", "interrupted")
    assert FIRST in str(step.normalized_request)
    assert len(step.attempts) == 1
    assert LATER not in str((step.normalized_request, step.attempts))


async def at_the_errors_level(model: Model) -> None:
    async with record_run(chat_id="later", level=Level.ERRORS) as run:
        await stream(model, LATER)
        run.complete()


async def switched_off(model: Model) -> None:
    async with record_run(chat_id="later", level=Level.OFF) as run:
        await stream(model, LATER)
        run.complete()


async def without_a_run(model: Model) -> None:
    await stream(model, LATER)


async def without_streaming(model: Model) -> None:
    await generate(model, LATER)


async def in_a_task(model: Model) -> None:
    await asyncio.create_task(stream(model, LATER))


async def in_a_copy_of_the_context(model: Model) -> None:
    await asyncio.create_task(stream(model, LATER), context=copy_context())


async def without_the_wrapper(model: Model) -> None:
    wrapped: Model = model.wrapped  # type: ignore[attr-defined]
    await stream(wrapped, LATER)


LATER_CALLS = [
    at_the_errors_level,
    switched_off,
    without_a_run,
    without_streaming,
    in_a_task,
    in_a_copy_of_the_context,
    without_the_wrapper,
]


@pytest.mark.parametrize("call", LATER_CALLS)
@pytest.mark.parametrize("closed_first", [True, False])
def test_a_later_call_of_the_same_task_is_not_recorded_in_an_abandoned_run(
    call: Callable[[Model], Awaitable[None]], *, closed_first: bool
) -> None:
    async def body() -> None:
        async with demo_model("demo") as model:
            await abandon(model)
            if closed_first or call in (in_a_task, in_a_copy_of_the_context):
                await until_closed()
            await call(model)

    asyncio.run(body())
    the_first_run_has_its_own_call_alone()
    assert not ChatRun.objects.exclude(chat_id="first").exists()


async def until_closed() -> None:
    """Let the loop close what was abandoned: it starts a task for that, a moment later."""
    collect_garbage()
    for _ in range(3):
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        closing = [task for task in others if "aclose" in repr(task.get_coro())]
        if closing:
            await asyncio.wait(closing)


def test_what_a_reader_calls_between_two_parts_is_not_the_generators() -> None:
    async def body() -> None:
        async with demo_model("demo") as model:
            parts = answer(model)
            await anext(parts)
            await stream(model, LATER)
            await parts.aclose()  # type: ignore[attr-defined]

    asyncio.run(body())
    the_first_run_has_its_own_call_alone()


def test_a_run_around_an_abandoned_one_goes_on() -> None:
    async def body() -> None:
        async with (
            demo_model("demo") as model,
            record_run(chat_id="later", level=Level.FULL) as run,
        ):
            await abandon(model)
            await generate(model, LATER)
            await until_closed()
            await generate(model, LATER)
            assert current_run.get() is run
            run.complete()

    asyncio.run(body())
    the_first_run_has_its_own_call_alone()
    assert ChatStep.objects.filter(chat_id="later", status="completed").count() == 2


def test_a_run_inside_of_a_fully_recorded_call_keeps_its_requests_to_itself() -> None:
    async def body() -> None:
        async with (
            DemoProvider(word_delay=0) as provider,
            httpx2.AsyncClient(transport=RecordingTransport()) as client,
            record_run(chat_id="first", level=Level.FULL) as run,
            run.step() as step,
        ):
            for level in (Level.ERRORS, Level.OFF):
                async with record_run(chat_id="later", level=level):
                    await client.get(f"{provider.openai_base_url}/{LATER}")
            step.complete({})

    asyncio.run(body())
    close_writer(timeout=20)
    assert ChatStep.objects.get().attempts == []


@pytest.mark.parametrize("level", [Level.FULL, Level.ERRORS])
def test_a_step_of_an_outer_run_has_the_requests_made_in_it_inside_of_an_inner_run(
    level: Level, settings: LazySettings
) -> None:
    settings.CHATDEBUG = {**settings.CHATDEBUG, "EVIDENCE": "full"}

    async def body() -> None:
        async with (
            DemoProvider(word_delay=0) as provider,
            httpx2.AsyncClient(transport=RecordingTransport()) as client,
            record_run(chat_id="first", level=level) as run,
            record_run(chat_id="inner"),
        ):
            with suppress(Unknown), run.step():
                await client.get(f"{provider.openai_base_url}/models")
                async with record_run(chat_id="later"):
                    await client.get(f"{provider.openai_base_url}/{LATER}")
                raise Unknown

    asyncio.run(body())
    close_writer(timeout=20)
    (attempt,) = ChatStep.objects.get(run__chat_id="first").attempts
    assert attempt["path"].endswith("/models")


def test_a_retry_of_an_abandoned_call_does_not_share_its_step() -> None:
    async def tried(model: Model, run: Run) -> AsyncIterator[object]:
        with logical_call(run):
            async with model_request_stream(model, prompt(FIRST)) as events:
                async for event in events:
                    yield event

    async def body() -> None:
        async with (
            demo_model("demo") as model,
            record_run(chat_id="first", level=Level.FULL) as run,
        ):
            async for _ in tried(model, run):
                break
            await generate(model, LATER)
            await until_closed()
            await generate(model, LATER)
            run.complete()

    asyncio.run(body())
    close_writer(timeout=20)
    steps = list(ChatStep.objects.order_by("step_number"))
    assert [step.status for step in steps] == ["interrupted", "completed", "completed"]
    assert [len(step.attempts) for step in steps] == [1, 1, 1]


def test_the_failure_of_a_later_call_is_no_evidence_in_an_abandoned_run() -> None:
    async def body() -> None:
        async with demo_model("demo") as model, demo_model("fault-400") as failing:
            await abandon(model, Level.ERRORS)
            with pytest.raises(ModelHTTPError):
                await stream(failing, LATER)

    asyncio.run(body())
    close_writer(timeout=20)
    assert not ChatRun.objects.exists()


def parts(client: httpx2.Client, url: str) -> Generator[int]:
    with record_run(chat_id="first", level=Level.FULL) as run, run.step():
        client.get(f"{url}/{FIRST}")
        yield 1


def sync_world(body: Callable[[httpx2.Client, str], None]) -> None:
    async def inside() -> None:
        async with DemoProvider(word_delay=0) as provider:
            with httpx2.Client(transport=SyncRecordingTransport()) as client:
                await asyncio.to_thread(body, client, provider.openai_base_url)

    asyncio.run(inside())
    close_writer(timeout=20)
    step = ChatStep.objects.get()
    (attempt,) = step.attempts
    assert "first" in attempt["path"]


def test_a_plain_generator_is_told_from_its_reader_too() -> None:
    def body(client: httpx2.Client, url: str) -> None:
        generator = parts(client, url)
        next(generator)
        client.get(f"{url}/{LATER}")
        copy_context().run(client.get, f"{url}/{LATER}")
        generator.close()
        client.get(f"{url}/{LATER}")

    sync_world(body)


def test_a_generator_closed_by_another_thread_is_over_in_the_first_one() -> None:
    def body(client: httpx2.Client, url: str) -> None:
        generator = parts(client, url)
        next(generator)
        closer = Thread(target=generator.close)
        closer.start()
        closer.join()
        client.get(f"{url}/{LATER}")
        assert current_run.get() is None

    sync_world(body)


def test_a_context_manager_made_of_a_generator_is_a_block_like_any_other() -> None:
    @asynccontextmanager
    async def recorded() -> AsyncIterator[Run]:
        async with record_run(chat_id="first", level=Level.FULL) as run:
            yield run

    @contextmanager
    def retried(run: Run) -> Iterator[None]:
        with logical_call(run):
            yield

    async def body() -> None:
        async with demo_model("fault-500-then-ok") as model, recorded() as run:
            with retried(run):
                with suppress(ModelHTTPError):
                    await stream(model)
                await stream(model)
            run.complete()

    asyncio.run(body())
    close_writer(timeout=20)
    assert len(ChatStep.objects.get().attempts) == 2


def test_tasks_and_threads_that_a_generator_starts_are_its_own() -> None:
    async def turn(model: Model) -> AsyncIterator[str]:
        async with record_run(chat_id="first", level=Level.FULL) as run:
            await asyncio.gather(generate(model), generate(model))
            yield await asyncio.to_thread(lambda: str(current_run.get() is run))
            run.complete()

    async def body() -> None:
        async with demo_model("demo") as model:
            assert [said async for said in turn(model)] == ["True"]

    asyncio.run(body())
    close_writer(timeout=20)
    assert ChatStep.objects.filter(status="completed").count() == 2


def test_a_sink_of_an_abandoned_generator_collects_no_more() -> None:
    async def collecting() -> AsyncIterator[int]:
        with collect_attempts():
            yield 1

    async def body() -> None:
        async for _ in collecting():
            break
        assert listening_sink() is None
        await until_closed()
        assert listening_sink() is None

    asyncio.run(body())
