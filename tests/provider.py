"""A provider that counts how often each question is asked."""

import asyncio
from collections import Counter
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from chatd.demo_provider import DemoProvider, Observer, SeenRequest

SLOW_SECONDS = 3.0
"""Before the first word of ``demo-slow``: a worker that is to end waits 1 s for its jobs,
and then for its turns."""


class CountingProvider:
    """The demo provider in a thread, which counts how often each question is asked."""

    def __init__(self, *, word_delay: float) -> None:
        self.asked: Counter[str] = Counter()
        self.url = ""
        self._server = DemoProvider(
            word_delay=word_delay,
            slow_delay=SLOW_SECONDS,
            observer=_Counting(self.asked),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        self.url = self._server.openai_base_url
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, _, port = urlsplit(self.url).netloc.partition(":")
        return host, int(port)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Counting(Observer):
    """Counts by the last message of the request, which each turn has one of."""

    def __init__(self, asked: Counter[str]) -> None:
        super().__init__()
        self._asked = asked

    def add(self, request: SeenRequest) -> None:
        self._asked[str(request.body["messages"][-1]["content"])] += 1
        super().add(request)
