"""What becomes of a capture when everything around it is torn down.

The recorder may be used inside a request, by projects that stream there. These tests cut
such requests at the worst moments: the server cancels the task of a client that left,
closes the generator of the response, or lets it be collected unfinished.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from django.db import transaction
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model, ModelRequestParameters

from chatd.demo_provider import Observer
from chatdebug.models import ChatRun, ChatStep
from chatdebug.recorder import Level, record_run
from chatdebug.writer import close_writer
from tests.chatdebug.recorder.demo import demo_model, prompt, stream
from tests.faults.matrix import matrix
from tests.optional import present
from tests.waiting import collect_garbage

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


def the_only_capture(fault: str, *, user: str = "the error") -> ChatStep:
    close_writer(timeout=10)
    step = ChatStep.objects.select_related("run").get()
    assert step.status == "error"
    matrix.add(fault, user=user, stored=f"1 run ({step.run.status}), 1 failed calls")
    return step


def nothing_was_stored(fault: str, *, user: str) -> bool:
    close_writer(timeout=10)
    matrix.add(fault, user=user, stored="nothing")
    return not ChatRun.objects.exists()


def test_a_task_cancelled_right_after_the_error_keeps_the_capture() -> None:
    """The case that the design grew from."""

    async def turn(model: Model) -> None:
        async with record_run(chat_id="c"):
            try:
                await stream(model)
            finally:
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)

    async def body() -> None:
        async with demo_model("fault-400") as model:
            with suppress(ModelHTTPError, asyncio.CancelledError):
                await asyncio.create_task(turn(model))

    asyncio.run(body())
    step = the_only_capture("request cancelled right after the error")
    assert step.run.status == "error"


def test_a_task_cancelled_while_finalising_keeps_the_capture_and_the_error() -> None:
    task: asyncio.Task[None]

    async def turn() -> None:
        async with record_run(chat_id="c") as run:
            asyncio.get_running_loop().call_soon(cancel_repeatedly, 5)
            with run.step():
                raise ProviderError("ballast")

    def cancel_repeatedly(times: int) -> None:
        task.cancel()
        if times:
            asyncio.get_running_loop().call_soon(cancel_repeatedly, times - 1)

    async def body() -> None:
        nonlocal task
        task = asyncio.create_task(turn())
        with pytest.raises(ProviderError):
            await task

    asyncio.run(body())
    step = the_only_capture("task cancelled while finalising")
    assert step.run.status == "error"
    assert present(step.error)["message"] == "ballast"


def test_a_cancellation_while_waiting_after_a_repaired_error_is_not_lost() -> None:
    task: asyncio.Task[None]

    async def turn() -> None:
        async with record_run(chat_id="c") as run:
            with suppress(ProviderError), run.step():
                raise ProviderError("first attempt")
            run.complete()
            asyncio.get_running_loop().call_soon(task.cancel)

    async def body() -> None:
        nonlocal task
        task = asyncio.create_task(turn())
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(body())
    step = the_only_capture("task cancelled while waiting", user="a cancellation")
    assert step.run.status == "completed"


@pytest.mark.parametrize("level", [Level.ERRORS, Level.FULL])
def test_a_cancelled_stream_is_an_interruption(level: Level) -> None:
    async def turn(model: Model, began: asyncio.Event) -> None:
        async with (
            record_run(chat_id="c", level=level),
            model.request_stream(prompt(), None, parameters) as events,
        ):
            async for _ in events:
                began.set()

    async def body() -> None:
        began = asyncio.Event()
        async with demo_model("fault-stall") as model:
            task = asyncio.create_task(turn(model, began))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    parameters = ModelRequestParameters()
    asyncio.run(body())
    if level is Level.ERRORS:
        assert nothing_was_stored("stream cancelled", user="a cancellation")
    else:
        close_writer(timeout=10)
        step = ChatStep.objects.select_related("run").get()
        assert (step.status, step.run.status) == ("interrupted", "interrupted")
        assert step.error is None


def test_the_callers_own_timeout_is_an_interruption() -> None:
    async def turn(model: Model, limit: asyncio.Timeout) -> None:
        async with record_run(chat_id="c"), limit:
            await stream(model)

    async def body() -> None:
        observer, limit = Observer(), asyncio.timeout(None)
        async with demo_model("fault-hang", observer=observer) as model:
            task = asyncio.create_task(turn(model, limit))
            await observer.wait_for("fault-hang")
            limit.reschedule(asyncio.get_running_loop().time())
            with pytest.raises(TimeoutError):
                await task

    asyncio.run(body())
    assert nothing_was_stored("the caller's own timeout", user="its timeout")


def test_a_rolled_back_transaction_does_not_take_the_capture_with_it() -> None:
    with suppress(ProviderError), transaction.atomic():
        ChatRun.objects.create(chat_id="rolled back")
        raise_inside_a_run()
    assert the_only_capture("outer transaction rolled back").chat_id == "c"


def test_an_aborted_transaction_does_not_stop_the_capture() -> None:
    with suppress(ProviderError), transaction.atomic():
        transaction.set_rollback(True)
        raise_inside_a_run()
    the_only_capture("inside a transaction that is aborted")


def raise_inside_a_run() -> None:
    with record_run(chat_id="c") as run, run.step():
        raise ProviderError("ballast")


async def events(model: Model) -> AsyncIterator[str]:
    """Stream inside a request, as another project might."""
    async with record_run(chat_id="c") as run:
        yield "begin"
        try:
            await stream(model)
        except ModelHTTPError:
            yield "error"
            raise
        run.complete()
        yield "end"


def test_a_viewer_who_leaves_at_the_error_leaves_the_capture() -> None:
    """A slow reader: the generator is closed from outside, with GeneratorExit."""

    async def body() -> None:
        async with demo_model("fault-400") as model:
            generator = events(model)
            async for event in generator:
                if event == "error":
                    await generator.aclose()  # type: ignore[attr-defined]

    asyncio.run(body())
    the_only_capture("GeneratorExit at the error", user="the first words")


def test_a_generator_that_is_abandoned_at_the_error_leaves_the_capture() -> None:
    async def body() -> None:
        async with demo_model("fault-400") as model:
            async for event in events(model):
                if event == "error":
                    break
            collect_garbage()

    asyncio.run(body())
    the_only_capture("generator abandoned at the error", user="the first words")


def test_a_viewer_who_leaves_before_the_error_leaves_nothing() -> None:
    async def body() -> None:
        async with demo_model("fault-400", is_called=False) as model:
            async for _ in events(model):
                break
            collect_garbage()

    asyncio.run(body())
    assert nothing_was_stored(
        "generator abandoned before the error", user="the first words"
    )


async def next_of(generator: AsyncIterator[str]) -> str:
    return await anext(generator)


def test_a_request_cancelled_while_the_provider_answers_leaves_nothing() -> None:
    async def body() -> None:
        observer = Observer()
        async with demo_model("fault-hang", observer=observer) as model:
            generator = events(model)
            await anext(generator)
            waiting = asyncio.create_task(next_of(generator))
            await observer.wait_for("fault-hang")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(body())
    assert nothing_was_stored(
        "request cancelled while the provider answers", user="the first words"
    )
