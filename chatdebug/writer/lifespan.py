"""Ties the recorder to the life of a server process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatdebug.writer import close_writer, writer


@asynccontextmanager
async def recorder_lifespan() -> AsyncIterator[None]:
    """Start the writer, and flush it at the end, inside an ASGI lifespan.

    With the writer begins the import of captures that an earlier process left in the
    spool, and the periodic sweep of runs whose process is gone. Without this, both wait
    for the first row; the flush happens at exit then, but not after a SIGTERM.
    """
    writer().start()
    try:
        yield
    finally:
        await asyncio.to_thread(close_writer)
