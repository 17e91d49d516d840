"""What the box costs while calls run: CPU of a streamed response, and memory of a call.

The response comes from memory, in as many pieces as a turn has parts: all that is left is
what stands between an HTTP client and whoever reads.
"""

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator

import httpx2

from chatdebug.enums import Evidence, Level
from chatdebug.evidence.box import box
from chatdebug.recorder import RecordingTransport, Run, record_run
from tests.benchmarks.database import bench_database, recorder_set

PARTS = 200
PART = b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'
CALLS = 200  # in each round
ROUNDS = 15
AT_ONCE = 1_000
SENT = b'{"messages": "' + b"x" * 20_000 + b'"}'


class Parts(httpx2.AsyncByteStream):
    """A response's body from memory."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(PARTS):
            yield PART


class Memory(httpx2.AsyncBaseTransport):
    """Answers at once."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return a stream that is read later."""
        return httpx2.Response(200, stream=Parts())


async def _call(client: httpx2.AsyncClient, run: Run) -> None:
    with run.step():
        async with client.stream("POST", "http://bench/", content=SENT) as response:
            async for _ in response.aiter_raw():
                pass


async def _calls() -> float:
    """Return the seconds that a call takes of the event loop's thread."""
    async with httpx2.AsyncClient(transport=RecordingTransport(Memory())) as client:
        began = time.thread_time()
        for _ in range(CALLS):
            async with record_run(chat_id="bench", level=Level.ERRORS) as run:
                await _call(client, run)
                run.complete()
        return (time.thread_time() - began) / CALLS


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
        transport=RecordingTransport(Memory()), limits=httpx2.Limits()
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
        seconds: dict[Evidence, list[float]] = {one: [] for one in Evidence}
        for _ in range(ROUNDS):
            for evidence, measured in seconds.items():
                with recorder_set(EVIDENCE=evidence):
                    measured.append(asyncio.run(_calls()))
        least = {evidence: min(measured) for evidence, measured in seconds.items()}
        _say(
            f"CPU of an OK response of {PARTS} pieces, µs (best of {ROUNDS} x {CALLS})"
        )
        for evidence, best in least.items():
            over = best - least[Evidence.ERROR]
            _say(f"{evidence.value:8}{best * 1e6:>8.0f}{over * 1e6:>8.1f} over error")
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
