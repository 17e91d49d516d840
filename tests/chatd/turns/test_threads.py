"""Work that is seen through, and the end of it when nobody waits any longer."""

import asyncio
from threading import Event

import pytest

from chatd.turns.threads import end_within, in_thread, shielded


def test_work_is_seen_through_though_its_task_is_cancelled() -> None:
    async def body() -> None:
        began, go_on, done = asyncio.Event(), asyncio.Event(), list[str]()

        async def work() -> None:
            began.set()
            await go_on.wait()
            done.append("work")

        task = asyncio.create_task(shielded(work()))
        await began.wait()
        asyncio.get_running_loop().call_soon(go_on.set)
        assert await end_within([task], 60) == 0
        assert done == ["work"]

    asyncio.run(body())


def test_work_that_hangs_in_a_thread_is_given_up() -> None:
    """And so is what is begun because of that."""
    released = Event()

    async def body() -> None:
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hang() -> None:
            loop.call_soon_threadsafe(began.set)
            released.wait(60)

        async def turn() -> None:
            try:
                await shielded(in_thread(hang))
            finally:
                await shielded(in_thread(hang))

        task = asyncio.create_task(turn())
        await began.wait()
        async with asyncio.timeout(30):
            assert await end_within([task], 0.05) == 1
        assert task.cancelled()

    try:
        asyncio.run(body())
    finally:
        released.set()


def test_as_long_as_some_end_the_others_have_time() -> None:
    """Ten that take turns, each for longer than half of the time that all have."""

    async def body() -> None:
        turns = asyncio.Lock()

        async def work() -> None:
            async with turns:
                await asyncio.sleep(0.15)

        tasks = [asyncio.create_task(shielded(work())) for _ in range(10)]
        await asyncio.sleep(0)
        assert await end_within(tasks, 1.0) == 0
        assert not any(task.cancelled() for task in tasks)

    asyncio.run(body())


def test_whoever_is_done_already_is_no_matter() -> None:
    async def body() -> None:
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        assert await end_within([task], 60) == 0

    asyncio.run(body())


@pytest.mark.parametrize("number", [0, 3])
def test_tasks_that_wait_for_nothing_end_at_once(number: int) -> None:
    async def body() -> None:
        tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(number)]
        await asyncio.sleep(0)
        assert await end_within(tasks, 60) == 0
        assert all(task.cancelled() for task in tasks)

    asyncio.run(body())
