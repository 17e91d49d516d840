"""A process in which many turns fail at once, on a slow disk, and that is then killed.

Run as ``python -m tests.faults.burst COUNT MILLISECONDS``: each fsync takes so long. It
prints the id of each run as soon as its failure is shown, and lives until it is killed.
"""

import asyncio
import os
import sys
import time
from contextlib import suppress
from typing import Any

import django


def main(count: int, seconds: float) -> None:
    """Fail, say so, and wait for the end."""
    django.setup()
    fsync = os.fsync

    def slow(fd: Any) -> None:
        time.sleep(seconds)
        fsync(fd)

    os.fsync = slow
    asyncio.run(_fail_together(count))


async def _fail_together(count: int) -> None:
    await asyncio.gather(*(_fail(number) for number in range(count)))
    await asyncio.sleep(600)


async def _fail(number: int) -> None:
    from chatdebug.recorder import record_run

    recording = record_run(chat_id=f"burst-{number}")
    with suppress(RuntimeError):
        async with recording as run:
            with suppress(RuntimeError), run.step():
                raise RuntimeError(f"the first attempt of turn {number}")
            with run.step():
                raise RuntimeError(f"the second attempt of turn {number}")
    safe = "safe" if recording.run.evidence_is_safe else "unsafe"
    os.write(1, f"{recording.run.id} {safe}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) / 1000)
