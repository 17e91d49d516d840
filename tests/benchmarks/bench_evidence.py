"""What the box costs while calls run: CPU of a streamed response, and memory of a call.

The response comes from memory, in as many pieces as a turn has parts, through all of an
HTTP client but its sockets. First whole turns, beside OpenTelemetry in the same run; then
the HTTP alone, without what pydantic-ai does to a part, whose noise is not in its numbers.
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
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo

from chatdebug.enums import Evidence, Level
from chatdebug.evidence.box import box
from chatdebug.recorder import RecordingTransport, record_run
from tests.benchmarks.bench_recorder import (
    PARTS,
    FinishingModel,
    Tracers,
    Way,
    say_turn_costs,
    ways_of,
)
from tests.benchmarks.database import bench_database, recorder_set
from tests.benchmarks.network import transport

URL = "http://bench/v1/chat/completions"
CALLS = 20  # in each round: short ones find the moments in which nobody else works
ROUNDS = 200
AT_ONCE = 1_000
SENT = b'{"messages": "' + b"x" * 20_000 + b'"}'


class ModelOverHttp(FinishingModel):
    """Streams a part for each piece that comes over HTTP."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        async def stream(
            messages: list[ModelMessage], info: AgentInfo
        ) -> AsyncIterator[str]:
            async with client.stream("POST", URL, content=SENT) as response:
                async for _ in response.aiter_raw():
                    yield "word "

        super().__init__(stream_function=stream)


def ways_over_http(parts: int, tracers: Tracers) -> dict[str, Way]:
    """Return the ways to make a turn of a model whose answer comes over HTTP."""
    bare = ModelOverHttp(httpx2.AsyncClient(transport=transport(parts)))
    recording = RecordingTransport(transport(parts))
    recorded = ModelOverHttp(httpx2.AsyncClient(transport=recording))
    return ways_of(bare, recorded, tracers)


async def _read(client: httpx2.AsyncClient) -> None:
    async with client.stream("POST", URL, content=SENT) as response:
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
    async with (
        httpx2.AsyncClient(transport=transport(parts)) as bare,
        httpx2.AsyncClient(transport=RecordingTransport(transport(parts))) as client,
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
                async with client.stream("POST", URL, content=SENT) as response:
                    async for _ in response.aiter_raw():
                        pass
                    reading.release()
                    await release.wait()
            run.complete()

    recording = RecordingTransport(transport(PARTS[-1]))
    async with httpx2.AsyncClient(transport=recording) as client:
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
    say_turn_costs(ways_over_http)
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
