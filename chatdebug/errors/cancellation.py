"""Tells the caller's own end of a call from a failure: a cancellation, a deadline."""

import asyncio
import concurrent.futures

from chatdebug.errors.chain import bases

CANCELLATIONS = (
    asyncio.CancelledError,
    concurrent.futures.CancelledError,
    GeneratorExit,
    KeyboardInterrupt,
    SystemExit,  # also what a worker is ended with that took too long
)
CANCELLATION_NAMES = frozenset(
    [
        "Cancelled",  # trio
        "GreenletExit",
        "RequestAborted",  # Django: the client has left
        "ClientDisconnect",  # Starlette
        "JobAborted",  # Procrastinate
        "Shutdown",  # Dramatiq
        "Terminated",  # billiard
        "WorkerShutdown",
        "WorkerTerminate",
        "RunCancelled",  # pydantic-ai
    ]
)
DEADLINE_NAMES = frozenset(
    [
        "SoftTimeLimitExceeded",  # Celery's, which is billiard's
        "TimeLimitExceeded",  # Dramatiq, billiard
        "JobTimeoutException",  # RQ
        "TooSlowError",  # trio
        "RunTimedOut",  # pydantic-ai
    ]
)
"""Other frameworks' own ends, by name: none of them is a dependency."""


def is_cancellation(error: BaseException) -> bool:
    """Return whether somebody stopped the call."""
    names = {kind.__name__ for kind in bases(type(error))}
    return isinstance(error, CANCELLATIONS) or not CANCELLATION_NAMES.isdisjoint(names)


def is_deadline(error: BaseException) -> bool:
    """Return whether this is the caller's own time limit.

    ``asyncio.timeout`` and ``concurrent.futures`` raise a bare TimeoutError; one of a
    socket has an errno, and one of a provider's library another class. gevent's is no
    Exception, so that nothing catches it by mistake.
    """
    if type(error) is TimeoutError:
        return error.errno is None
    names = {kind.__name__ for kind in bases(type(error))}
    is_gevents = "Timeout" in names and not isinstance(error, Exception)
    return is_gevents or not DEADLINE_NAMES.isdisjoint(names)
