"""Ties the recorder to the life of a server process."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started

from chatdebug.writer import close_writer, writer

logger = logging.getLogger(__name__)

FIRST_REQUEST = "chatdebug.writer.lifespan"


@asynccontextmanager
async def recorder_lifespan() -> AsyncIterator[None]:
    """Start the writer, and flush it at the end, inside an ASGI lifespan.

    With the writer begins the import of captures that an earlier process left in the
    spool, and the periodic sweep of runs whose process is gone. Without this, both wait
    for the first row; the flush happens at exit then, but not after a SIGTERM.
    """
    request_started.disconnect(dispatch_uid=FIRST_REQUEST)
    writer().start()
    try:
        yield
    finally:
        await asyncio.to_thread(close_writer)


def watch_for_lifespan() -> None:
    """Warn once, at the first request, if an ASGI server serves without a lifespan.

    No check can know it: ``manage.py check`` is another process than the server.
    """
    request_started.connect(_warn_without_lifespan, dispatch_uid=FIRST_REQUEST)


def _warn_without_lifespan(*, sender: type[Any], **kwargs: Any) -> None:
    if not issubclass(sender, ASGIHandler | WSGIHandler):
        return  # a test's client
    request_started.disconnect(dispatch_uid=FIRST_REQUEST)
    if issubclass(sender, ASGIHandler):
        logger.warning(
            "This server runs without chatdebug.recorder.recorder_lifespan: what waits in "
            "the spool is imported with the next failure, and a SIGTERM may cost what "
            "waits outside of it."
        )
