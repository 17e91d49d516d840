"""The recorder's promise, in one place: it never raises into a turn, and spoils nothing."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps

from django.db import connections, transaction

from chatdebug.logs import safe_logger

logger = safe_logger("chatdebug.recorder")


def never_raises[**P](function: Callable[P, None]) -> Callable[P, None]:
    """Log what goes wrong in a recording function, and let the turn go on."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception:  # noqa: BLE001 - it is logged
            log_failure("The recorder failed in %s", function.__qualname__)

    return guarded


def log_failure(message: str, *args: object) -> None:
    """Log the recorder's own failure that is being handled; never raises."""
    with suppress(Exception):  # close to the recursion limit, any call may fail
        logger.error(message, *args, exc_info=sys.exception())


@contextmanager
def apart(alias: str) -> Iterator[None]:
    """Let a query neither spoil the caller's transaction nor leave a connection behind."""
    connection = connections[alias]
    was_open = connection.connection is not None
    try:
        if connection.in_atomic_block:
            # PostgreSQL refuses all that follows a failure, up to the last savepoint.
            with transaction.atomic(using=alias):
                yield
        else:
            yield
    finally:
        if not was_open and not connection.in_atomic_block:
            connection.close()


def in_event_loop() -> bool:
    """Return whether whoever waits here keeps other turns waiting, too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
