"""Attempts: the HTTP round trips of a step, as ``RecordingTransport`` sees them.

What passes is only noted; redaction and everything else that costs time waits until
somebody asks for ``as_json``, on whichever thread that is.
"""

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chatdebug.payloads import redact_and_clip
from chatdebug.payloads.limits import ERROR_CHARACTERS
from chatdebug.safety import never_raises
from chatdebug.scope import Scoped, current_run
from chatdebug.transport.body import ForgottenBody
from chatdebug.transport.connection import ConnectionWatch
from chatdebug.transport.exchange import (
    Exchange,
    RawHeaders,
    came_whole,
    was_cut_short,
)

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

logger = logging.getLogger("chatdebug.recorder")

ATTEMPTS_KEPT = 100
"""Of one sink; when there are more, the oldest go, and the numbers show the gap."""
HTTP_ERRORS = 400


class AttemptStatus(StrEnum):
    """How a round trip ended. Rows of earlier versions know completed and failed only."""

    COMPLETED = "completed"
    """The whole response came, and was no HTTP error."""
    HTTP_ERROR = "http_error"
    """The whole response came, with a status of 400 or more."""
    CUT_SHORT = "cut_short"
    """The response ended before its last event, or before the length it had announced."""
    CLOSED_BY_CLIENT = "closed_by_client"
    """Whoever read the response stopped before its end; the network is not to blame."""
    CANCELLED = "cancelled"
    """The call was cancelled."""
    FAILED = "failed"
    """Sending, receiving or closing raised an error, which is beside it."""


WHOLE = frozenset({AttemptStatus.COMPLETED, AttemptStatus.HTTP_ERROR})


class EndedBy(StrEnum):
    """Who ended a round trip."""

    PROVIDER = "provider"
    """The provider, or what stands before it: a gateway looks the same from here."""
    NETWORK = "network"
    """The connection was lost, or could not be made."""
    TIME_LIMIT = "time_limit"
    """A time limit of the HTTP client."""
    CLIENT = "client"
    """Whoever made the call; its step and its run may know why."""


ENDED_BY = {
    AttemptStatus.COMPLETED: EndedBy.PROVIDER,
    AttemptStatus.HTTP_ERROR: EndedBy.PROVIDER,
    AttemptStatus.CUT_SHORT: EndedBy.PROVIDER,
    AttemptStatus.CLOSED_BY_CLIENT: EndedBy.CLIENT,
    AttemptStatus.CANCELLED: EndedBy.CLIENT,
    AttemptStatus.FAILED: EndedBy.NETWORK,
}
"""Unless the error that was raised says otherwise."""
TIMEOUT = re.compile(r"\w*Time(?:d)?[oO]ut\w*")
HUNG_UP = "RemoteProtocolError"
"""What httpx raises where the other side ends a connection before its time."""


class Attempt:
    """One HTTP round trip. Its methods never raise and may be called from any thread."""

    __slots__ = (
        "_connection",
        "_ended_by",
        "_error",
        "_exchange",
        "_lock",
        "_on_end",
        "_record",
        "_seconds",
        "_seconds_to_first_part",
        "_seconds_to_head",
        "_seconds_to_last_part",
        "_started",
        "_started_at",
        "_status",
        "number",
    )

    def __init__(
        self, number: int, exchange: Exchange, on_end: "Callable[[Attempt], None]"
    ) -> None:
        self.number = number
        self._exchange = exchange
        self._on_end = on_end
        self._lock = threading.Lock()
        self._record: dict[str, Any] | None = None
        self._status: AttemptStatus | None = None
        self._error = ""
        self._ended_by: EndedBy | None = None
        self._started_at = datetime.now(UTC)
        self._started = perf_counter()
        self._connection = ConnectionWatch(self._started)
        self._seconds = 0.0
        self._seconds_to_head: float | None = None
        self._seconds_to_first_part: float | None = None
        self._seconds_to_last_part: float | None = None

    @never_raises
    def trace(self, event: str) -> None:
        """Note an event of the connection, by the name that httpcore gives it."""
        self._connection.see(event)

    @never_raises
    def respond(self, status: int, headers: RawHeaders) -> None:
        """Note that the response's head has arrived."""
        self._seconds_to_head = perf_counter() - self._started
        self._exchange.status = status
        self._exchange.response_headers = headers

    def receive(self, chunk: bytes) -> None:
        """Note a piece of the response's body. Called for each one: about 0.4 µs."""
        try:
            self._seconds_to_last_part = perf_counter() - self._started
            if self._seconds_to_first_part is None:
                self._seconds_to_first_part = self._seconds_to_last_part
            self._exchange.received.add(chunk)
        except Exception:
            logger.exception("The recorder failed to note a piece of a response")

    @never_raises
    def complete(self) -> None:
        """Mark the response as read to its end."""
        if was_cut_short(self._exchange):
            self._end(AttemptStatus.CUT_SHORT, self._note("the response ended after"))
        else:
            self._end(self._whole, "")

    @never_raises
    def close(self) -> None:
        """Mark the response as closed, and decide whether that was too early."""
        if self._status is not None:
            return
        if came_whole(self._exchange):
            self._end(self._whole, "")
        else:
            note = self._note("the client stopped reading after")
            self._end(AttemptStatus.CLOSED_BY_CLIENT, note)

    @never_raises
    def fail(self, error: BaseException) -> None:
        """Mark the round trip as failed: sending, receiving or closing raised this.

        The first error counts. A completed attempt can still fail in closing, but not be
        cancelled any more.
        """
        if isinstance(error, Exception):
            self._end(AttemptStatus.FAILED, _describe(error), _side_of(error))
        elif self._status is None:
            self._end(AttemptStatus.CANCELLED, AttemptStatus.CANCELLED.value)

    @never_raises
    def forget(self) -> None:
        """Let go of what was sent and received; how it went stays, and goes on."""
        self._exchange.sent = None
        self._exchange.received = ForgottenBody(self._exchange.received.length)

    def as_json(self) -> dict[str, Any]:
        """Return what is stored of an attempt that has ended.

        Keys: those of ``Exchange.as_json``, ``number``, ``status``, ``ended_by``,
        ``error``, ``started_at`` and ``finished_at`` (RFC 3339 in UTC), ``connection``,
        and in milliseconds from the start ``connect_ms`` (until there was a connection),
        ``time_to_first_byte_ms`` (until the response's head), ``time_to_first_part_ms``
        and ``time_to_last_part_ms`` (of its body) and ``duration_ms`` (until the end).
        What is not known, or did not come, is None.
        """
        with self._lock:
            if self._record is None:
                self._record = self._exchange.as_json()
                # The bytes are not needed any more; the error can still change.
                self._exchange = Exchange(
                    method="", url="", request_headers=(), sent=None
                )
            ended_at = self._started_at + timedelta(seconds=self._seconds)
            status = self._status or AttemptStatus.FAILED
            connection = self._connection.connection
            return {
                "number": self.number,
                "status": status.value,
                "ended_by": (self._ended_by or ENDED_BY[status]).value,
                **self._record,
                "started_at": _rfc3339(self._started_at),
                "finished_at": _rfc3339(ended_at),
                "error": redact_and_clip(self._error, ERROR_CHARACTERS),
                "duration_ms": _milliseconds(self._seconds),
                "connection": connection.value if connection is not None else None,
                "connect_ms": _milliseconds(self._connection.seconds),
                "time_to_first_byte_ms": _milliseconds(self._seconds_to_head),
                "time_to_first_part_ms": _milliseconds(self._seconds_to_first_part),
                "time_to_last_part_ms": _milliseconds(self._seconds_to_last_part),
            }

    @property
    def _whole(self) -> AttemptStatus:
        is_error = self._exchange.status >= HTTP_ERRORS
        return AttemptStatus.HTTP_ERROR if is_error else AttemptStatus.COMPLETED

    def _note(self, what: str) -> str:
        return f"{what} {self._exchange.received.length:,} bytes, before its end"

    def _end(
        self, status: AttemptStatus, error: str, ended_by: EndedBy | None = None
    ) -> None:
        """Take an end, unless there is one that counts as much."""
        with self._lock:
            if self._status is not None and (
                self._status not in WHOLE or status in WHOLE
            ):
                return
            self._status = status
            self._error = error
            self._ended_by = ended_by
            self._seconds = perf_counter() - self._started
        # Not under the lock: the callback may ask for the attempt, which takes it too.
        self._on_end(self)


class AttemptSink:
    """Collects the attempts made while it is the ``current_sink``. Thread-safe.

    That of a step knows its run, and takes nothing of what is called inside another one.

    ``on_change(sink)`` is called after an attempt ended, or failed after all in closing;
    from the task or thread where that happened, which may be after the step's end. What
    it raises is logged.
    """

    __slots__ = ("_finished", "_lock", "_numbers", "_on_change", "run")

    def __init__(
        self,
        *,
        on_change: "Callable[[AttemptSink], None] | None" = None,
        run: "Run | None" = None,
    ) -> None:
        self.run = run
        self._on_change = on_change
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._finished: deque[Attempt] = deque(maxlen=ATTEMPTS_KEPT)

    def begin(self, exchange: Exchange) -> Attempt:
        """Return a new attempt with the next number; it counts from 1."""
        return Attempt(next(self._numbers), exchange, self._take)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the attempts that have ended, by number.

        Each is redacted once, when it is asked for first, which costs a millisecond or
        so for a large body: better not on the event loop.
        """
        with self._lock:
            finished = sorted(self._finished, key=lambda attempt: attempt.number)
        return [attempt.as_json() for attempt in finished]

    def _take(self, attempt: Attempt) -> None:
        with self._lock:
            if attempt not in self._finished:
                self._finished.append(attempt)
        if self._on_change is not None:
            self._on_change(self)


current_sink: Scoped[AttemptSink] = Scoped("chatdebug_current_sink")
"""Where the attempts of a request made here are collected; None: they are not."""


def listening_sink() -> AttemptSink | None:
    """Return the sink that a request made here belongs to, or None."""
    sink = current_sink.get()
    if sink is None or sink.run is None:
        return sink
    # A thread that was handed a run has none in its context.
    return sink if current_run.get() in (None, sink.run) else None


@contextmanager
def collect_attempts(sink: AttemptSink | None = None) -> Iterator[AttemptSink]:
    """Collect the attempts of the requests that are started inside the block.

    Those of tasks that are started there too, also when they come later.
    """
    sink = sink or AttemptSink()
    scope = current_sink.enter(sink)
    try:
        yield sink
    finally:
        current_sink.leave(scope, with_children=False)


def _describe(error: Exception) -> str:
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception's own code
        return name
    return f"{name}: {text}" if text else name


def _side_of(error: Exception) -> EndedBy:
    """Return who ended a round trip that raised this, by the names of its classes."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if any(map(TIMEOUT.fullmatch, names)):
        return EndedBy.TIME_LIMIT
    return EndedBy.PROVIDER if HUNG_UP in names else EndedBy.NETWORK


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
