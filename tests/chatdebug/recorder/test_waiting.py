"""The wait for the journal takes no cancellation away, and no CPU."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress

import anyio
import pytest

from chatdebug.models import ChatRun
from chatdebug.recorder import Level, close_writer, record_run
from tests.chatdebug.writer.disks import a_disk

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


async def fail() -> None:
    async with record_run(chat_id="c", level=Level.ERRORS) as run:
        with run.step():
            raise ProviderError("ballast")


async def rounds(done: list[int], count: int = 5) -> None:
    """Handle the error outside of the run, as a worker does, and go on."""
    for number in range(count):
        done.append(number)
        with suppress(ProviderError):
            await fail()
        await asyncio.sleep(0.01)


def live(body: Awaitable[None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Live on a slow disk, so that each run waits for a while."""

    async def inside() -> None:
        await body

    with a_disk(monkeypatch, seconds=0.2):
        asyncio.run(inside())
        close_writer(timeout=20)
    assert ChatRun.objects.exists()


def test_a_cancelled_worker_ends_though_its_error_is_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        task = asyncio.create_task(rounds(done))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    done: list[int] = []
    live(body(), monkeypatch)
    assert done == [0]


def test_a_timeout_around_the_worker_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await rounds(done)
        await asyncio.sleep(0)  # the task itself was not cancelled

    done: list[int] = []
    live(body(), monkeypatch)
    assert done == [0]


def test_a_timeout_that_the_error_leaves_cancels_nothing_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        with pytest.raises(ProviderError):
            async with asyncio.timeout(0.1):
                await fail()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0.01)

    live(body(), monkeypatch)


def test_a_timeout_inside_of_a_cancelled_task(monkeypatch: pytest.MonkeyPatch) -> None:
    async def worker() -> None:
        with suppress(ProviderError):
            async with asyncio.timeout(0.1):
                await fail()
        await asyncio.sleep(60)

    async def body() -> None:
        task = asyncio.create_task(worker())
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    live(body(), monkeypatch)


def test_a_task_group_ends_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sibling() -> None:
        await asyncio.sleep(0.1)
        raise ValueError("the sibling")

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(rounds(done))
            group.create_task(sibling())

    async def body() -> None:
        with pytest.raises(ExceptionGroup) as raised:
            await together()
        assert [type(error) for error in raised.value.exceptions] == [ValueError]

    done: list[int] = []
    live(body(), monkeypatch)
    assert done == [0]


def test_the_end_of_the_loop_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        tasks.append(asyncio.create_task(rounds(done)))
        await asyncio.sleep(0.1)

    done: list[int] = []
    tasks: list[asyncio.Task[None]] = []
    live(body(), monkeypatch)
    assert tasks[0].cancelled()
    assert done == [0]


def test_many_cancellations_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0.05)
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(ProviderError):
            await task

    live(body(), monkeypatch)


def test_a_cancelled_scope_costs_no_cpu_while_the_run_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            scope.cancel()
            began, cpu = loop.time(), time.thread_time()
            with pytest.raises(ProviderError):
                await fail()
            waited, used = loop.time() - began, time.thread_time() - cpu
            await asyncio.sleep(60)  # the scope is cancelled as before
        assert scope.cancelled_caught
        assert waited > 0.4, "the disk takes as long for the file and its folder"
        assert used < waited / 3
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    live(body(), monkeypatch)


def test_a_scope_that_is_cancelled_from_outside_while_the_run_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        with anyio.move_on_after(0.1) as scope:
            await rounds(done)
        assert scope.cancelled_caught

    done: list[int] = []
    live(body(), monkeypatch)
    assert done == [0]


def test_whoever_cancels_at_each_turn_of_the_loop_sees_the_end_of_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        began = loop_time()
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert loop_time() - began < 4
        assert isinstance(task.exception(), ProviderError)

    def loop_time() -> float:
        return asyncio.get_running_loop().time()

    live(body(), monkeypatch)
