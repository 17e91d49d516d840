"""The wheel, built once, and a provider for the projects to ask."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from chatd.demo_provider import DemoProvider
from tests.hosts.host import build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel, beside the source distribution that it was built from."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """Run the demo provider, and return the address of its OpenAI protocol."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    demo = DemoProvider(word_delay=0)
    try:
        asyncio.run_coroutine_threadsafe(demo.start(), loop).result()
        yield demo.openai_base_url
        asyncio.run_coroutine_threadsafe(demo.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
