"""How long a part is on its way from a turn to its viewer, and what that costs.

Each turn has one viewer. Over the memory bus all of them are in this process; over
PostgreSQL the viewers have a process of their own, as with a worker and a web process.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

MEMORY = "chatd.turns.bus.memory.MemoryBus"
POSTGRES = "chatd.turns.bus.postgres.PostgresBus"
TURNS = (50, 400)  # at once
PARTS = 100  # of each
PART_SECONDS = 0.1
WORDS = " and a few words"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
"""Those of the bus, and one or two that do nothing meanwhile."""

type Found = dict[str, Any]
"""How long each part was on its way, and CPU seconds by who used them."""
type Watch = Callable[[list[UUID]], AbstractAsyncContextManager[Awaitable[Found]]]


def main() -> None:
    """Let turns speak at once over each bus."""
    from django.db import connection

    from tests.benchmarks.database import bench_database

    with bench_database():
        for turns in TURNS:
            _measure(MEMORY, turns)
            if connection.vendor == "postgresql":
                _measure(POSTGRES, turns)


def _measure(path: str, number: int) -> None:
    from django.test import override_settings

    from tests.factories import TurnFactory

    turns = [TurnFactory(status="in_progress", epoch=1).pk for _ in range(number)]
    watch = _watch_apart if path == POSTGRES else _watch_here
    with override_settings(BUS=path):
        found = asyncio.run(_speak(turns, watch))
    lags, seconds = found["lags"], found["seconds"]
    cuts = quantiles(lags, n=100)
    cpu = ", ".join(
        f"{name} {100 * used / seconds:.0f} %" for name, used in found["cpu"].items()
    )
    sys.stdout.write(
        f"{path.rpartition('.')[2]}, {number} turns: "
        f"{len(lags)} of {number * PARTS} parts, {len(lags) / seconds:.0f}/s; "
        f"on the way p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms, "
        f"max {max(lags) * 1e3:.0f} ms; CPU of a core: {cpu}\n"
    )


async def _speak(turns: list[UUID], watch: Watch) -> Found:
    """Publish what all turns say, and return what their viewers found."""
    from chatd.turns.bus import get_bus

    bus = get_bus()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bus.lifespan())
        for turn in turns:
            bus.open(turn, epoch=1)
        found = await stack.enter_async_context(watch(turns))
        started, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(
            *(_say(turn, n / len(turns)) for n, turn in enumerate(turns))
        )
        for turn in turns:
            bus.close(turn)
        result = await found
    result["seconds"] = time.monotonic() - started
    result["cpu"] = {"turns": time.process_time() - cpu} | result["cpu"]
    return result


async def _say(turn: UUID, share: float) -> None:
    """Publish the parts of one turn, each with its time, not all turns' at once."""
    from chatd.turns.bus import get_bus

    bus = get_bus()
    loop = asyncio.get_running_loop()
    at = loop.time() + share * PART_SECONDS
    for _ in range(PARTS):
        await asyncio.sleep(at - loop.time())
        bus.publish_delta(turn, f"{time.monotonic()}{WORDS}\n")
        at += PART_SECONDS


@asynccontextmanager
async def _watch_here(turns: list[UUID]) -> AsyncGenerator[Awaitable[Found], None]:
    """Yield what viewers in this process will find, once they wait."""
    lags: list[float] = []
    waiting = [asyncio.Event() for _ in turns]
    viewers = [
        asyncio.create_task(_view(turn, lags, waits))
        for turn, waits in zip(turns, waiting, strict=True)
    ]
    for waits in waiting:
        await waits.wait()

    async def found() -> Found:
        await asyncio.gather(*viewers)
        return {"lags": lags, "cpu": {}}

    yield found()


@asynccontextmanager
async def _watch_apart(turns: list[UUID]) -> AsyncGenerator[Awaitable[Found], None]:
    """Yield what viewers in a process of their own will find, once they wait."""
    from django.db import connection

    database = connection.settings_dict
    address = "postgresql://{USER}@{HOST}:{PORT}/{NAME}".format_map(database)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        *map(str, turns),
        env=os.environ | {"BUS": POSTGRES, "DATABASE_URL": address},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()

    async def found() -> Found:
        output, _ = await process.communicate()
        result: Found = json.loads(output)
        return result

    yield found()


async def _view(turn: UUID, lags: list[float], waits: asyncio.Event) -> None:
    from chatd.turns.bus import EventName, get_bus

    async for event in get_bus().subscribe(turn):
        if event.id.startswith(
            "1-"
        ):  # it is begun: all is told part by part from now on
            waits.set()
        if event.name is EventName.DELTA:
            now = time.monotonic()
            said = [float(line.split(" ")[0]) for line in event.data.splitlines()]
            lags += [now - at for at in said]


async def _be_viewers(turns: list[UUID]) -> None:
    """Print a line when the viewers wait, then what they found."""
    from django.db import connection

    from chatd.turns.bus import get_bus

    async with get_bus().lifespan(), _watch_here(turns) as found:
        sys.stdout.write("They wait.\n")
        sys.stdout.flush()
        cpu = time.process_time()
        result = await found
        result["cpu"]["viewers"] = time.process_time() - cpu
        pids = await asyncio.to_thread(_backends, connection)
        result["cpu"]["PostgreSQL"] = sum(map(_cpu_seconds, pids))
    sys.stdout.write(json.dumps(result))


def _backends(connection: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(BACKENDS)
        return [pid for (pid,) in cursor.fetchall()]


def _cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process of this machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    asyncio.run(_be_viewers([UUID(turn) for turn in sys.argv[1:]]))
