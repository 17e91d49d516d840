"""The recorder's promise, in one place: it never raises into a turn, and spoils nothing."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from chatdebug.logs import safe_logger

logger = safe_logger("chatdebug.recorder")

QUERY_SECONDS = 1.0
"""How long a turn or a page waits for an answer that it can do without."""


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
def apart(alias: str, *, at_most: float | None = None) -> Iterator[None]:
    """Let a query neither spoil the caller's transaction nor leave a connection behind.

    With ``at_most``, in seconds, it does not wait longer on PostgreSQL, as for a table that
    is locked while it is migrated; then it raises django.db.Error.
    """
    connection = connections[alias]
    was_open = connection.connection is not None
    try:
        if at_most is not None and connection.vendor == "postgresql":
            with transaction.atomic(using=alias), _bounded(connection, at_most):
                yield
        elif connection.in_atomic_block:
            # PostgreSQL refuses all that follows a failure, up to the last savepoint.
            with transaction.atomic(using=alias):
                yield
        else:
            yield
    finally:
        if not was_open and not connection.in_atomic_block:
            connection.close()


@contextmanager
def _bounded(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Let no statement inside of a transaction, or a part of one, take longer."""
    wanted = round(seconds * 1000)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'"
        )
        (before,) = cursor.fetchone()
        if 0 < before <= wanted:
            yield
            return
        set_to = "SELECT set_config('statement_timeout', %s, true)"
        cursor.execute(set_to, [str(wanted)])
        yield
        # For the rest of the caller's transaction; an error takes it back by itself.
        cursor.execute(set_to, [str(before)])


def in_event_loop() -> bool:
    """Return whether whoever waits here keeps other turns waiting, too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
