"""What the box costs while calls run: CPU of a streamed response, and memory of a call.

The response comes from memory, in as many pieces as a turn has parts: all that is left is
what stands between an HTTP client and whoever reads.
"""

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from math import inf
from typing import Any

import httpx2

from chatdebug.enums import Evidence, Level
from chatdebug.evidence.box import box
from chatdebug.recorder import RecordingTransport, record_run
from tests.benchmarks.database import bench_database, recorder_set

PARTS = (1, 200)  # what a call costs, and whether a piece does
PART = b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'
CALLS = 20  # in each round: short ones find the moments in which nobody else works
ROUNDS = 200
AT_ONCE = 1_000
SENT = b'{"messages": "' + b"x" * 20_000 + b'"}'


class Parts(httpx2.AsyncByteStream):
    """A response's body from memory."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._count):
            yield PART


class Memory(httpx2.AsyncBaseTransport):
    """Answers at once."""

    def __init__(self, parts: int) -> None:
        self._parts = parts

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return a stream that is read later."""
        return httpx2.Response(200, stream=Parts(self._parts))


async def _read(client: httpx2.AsyncClient) -> None:
    async with client.stream("POST", "http://bench/", content=SENT) as response:
        async for _ in response.aiter_raw():
            pass


async def _recorded(client: httpx2.AsyncClient, evidence: Evidence) -> None:
    run_block = record_run(chat_id="bench", level=Level.ERRORS, evidence=evidence)
    async with run_block as run:
        with run.step():
            await _read(client)
        run.complete()


async def _costs(parts: int) -> dict[str, float]:
    """Return the seconds that a call takes of the event loop's thread, for each way."""
    memory = Memory(parts)
    async with (
        httpx2.AsyncClient(transport=memory) as bare,
        httpx2.AsyncClient(transport=RecordingTransport(memory)) as client,
    ):
        ways: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "bare": lambda: _read(bare),
            **{one.value: partial(_recorded, client, one) for one in Evidence},
        }
        costs = dict.fromkeys(ways, inf)
        for _ in range(ROUNDS):  # in turns, so that a noisy moment hits all of them
            for name, way in ways.items():
                began = time.thread_time()
                for _ in range(CALLS):
                    await way()
                seconds = (time.thread_time() - began) / CALLS
                costs[name] = min(costs[name], seconds)
        return costs


async def _held() -> tuple[float, float]:
    """Return the bytes that a running call takes: as counted, and as allocated."""
    release = asyncio.Event()
    reading = asyncio.Semaphore(0)

    async def call(client: httpx2.AsyncClient) -> None:
        async with record_run(chat_id="bench", level=Level.ERRORS) as run:
            with run.step():
                async with client.stream("POST", "http://b/", content=SENT) as response:
                    async for _ in response.aiter_raw():
                        pass
                    reading.release()
                    await release.wait()
            run.complete()

    async with httpx2.AsyncClient(
        transport=RecordingTransport(Memory(PARTS[-1])), limits=httpx2.Limits()
    ) as client:
        gc.collect()
        tracemalloc.start()
        tasks = [asyncio.create_task(call(client)) for _ in range(AT_ONCE)]
        for _ in range(AT_ONCE):
            await reading.acquire()
        gc.collect()
        allocated, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        counted = box.held_bytes
        release.set()
        await asyncio.gather(*tasks)
    return counted / AT_ONCE, allocated / AT_ONCE


def main() -> None:
    """Measure each evidence, side by side in one run."""
    with bench_database():
        for parts in PARTS:
            with recorder_set(EVIDENCE=Evidence.FULL):
                costs = asyncio.run(_costs(parts))
            _say(
                f"CPU of an OK response of {parts} pieces, µs (best of {ROUNDS} x {CALLS})"
            )
            for name, best in costs.items():
                over = (best - costs["bare"]) * 1e6
                _say(f"{name:8}{best * 1e6:>8.0f}{over:>8.1f} over bare")
        _say(f"bytes of a running call, of {AT_ONCE:,} at once")
        for evidence in Evidence:
            with recorder_set(EVIDENCE=evidence):
                counted, allocated = asyncio.run(_held())
            _say(
                f"{evidence.value:8}{counted:>9,.0f} counted{allocated:>9,.0f} allocated"
            )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
