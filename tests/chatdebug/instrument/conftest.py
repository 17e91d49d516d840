"""A demo provider in a thread of its own, so that synchronous clients can talk to it."""

import asyncio
from collections.abc import Iterator
from threading import Thread

import pytest

from chatd.demo_provider import DemoProvider


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    provider = DemoProvider(word_delay=0, slow_delay=0.01)

    def wait(coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)  # type: ignore[arg-type]

    wait(provider.__aenter__())
    try:
        yield provider
    finally:
        wait(provider.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
