"""Attempts: the HTTP round trips of a step, as ``RecordingTransport`` sees them.

What passes is only noted; redaction and everything else that costs time waits until
somebody asks for ``as_json``, on whichever thread that is.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from chatdebug.logs import safe_logger
from chatdebug.payloads import redact_and_clip
from chatdebug.payloads.limits import ERROR_CHARACTERS
from chatdebug.safety import never_raises
from chatdebug.scope import Scoped, current_run
from chatdebug.transport.body import END_BYTES
from chatdebug.transport.connection import ConnectionWatch
from chatdebug.transport.exchange import (
    HTTP_ERRORS,
    Exchange,
    RawHeaders,
    came_whole,
    was_cut_short,
)
from chatdebug.transport.words import described, milliseconds, rfc3339

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run

logger = safe_logger("chatdebug.recorder")

ATTEMPTS_KEPT = 100
"""Of one sink; when there are more, the oldest go, and the numbers show the gap."""


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


class _End(NamedTuple):
    """How an attempt ended, and after how many seconds."""

    status: AttemptStatus
    error: str
    by: EndedBy
    seconds: float


UNKNOWN_END = _End(AttemptStatus.FAILED, "", ENDED_BY[AttemptStatus.FAILED], 0.0)


class Attempt:
    """One HTTP round trip. Its methods never raise and may be called from any thread.

    While it lasts it only takes notes: whether a response came whole, for one, is found
    out when somebody asks.
    """

    # What most attempts never come to know: one is made of every request.
    _record: dict[str, Any] | None = None
    _failed: _End | None = None
    _read: tuple[bool, float] | None = None  # whether to its end, and after how long
    _reading: _End | None = None  # what that comes to
    _seconds_to_head: float | None = None
    _seconds_to_first_part: float | None = None
    _seconds_to_last_part: float | None = None

    def __init__(
        self,
        number: int,
        exchange: Exchange,
        on_end: "Callable[[Attempt], None] | None" = None,
    ) -> None:
        self.number = number
        self.received = exchange.received
        """The response's body; whoever reads that adds its pieces."""
        self.received.keep = self._keep
        self.on_end = on_end
        """Is told of the end, and of a failure after it; None: nobody is yet."""
        self._exchange = exchange
        self._lock = threading.RLock()
        self._recording = threading.RLock()  # apart: an end waits for no redaction
        self._started = perf_counter()
        self._connection = ConnectionWatch(self._started)

    def trace(self, event: str) -> bool:
        """Note an event of the connection, by the name that httpcore gives it.

        Return whether further ones would say nothing.
        """
        try:
            self._connection.see(event)
        except Exception:
            logger.exception("The recorder could not note an event")
        return self._connection.is_known

    def respond(self, status: int, headers: RawHeaders) -> None:
        """Note that the response's head has arrived."""
        self._seconds_to_head = perf_counter() - self._started
        self._exchange.status = status
        self._exchange.response_headers = headers

    @never_raises
    def receive(self, piece: bytes) -> None:
        """Note a piece of the response's body, or all of it."""
        self.received.add(piece)

    def _keep(self, piece: bytes) -> None:
        """Take a piece of the body, and the time. Called for each one: about 0.3 µs."""
        seconds = perf_counter() - self._started
        if self._seconds_to_first_part is None:
            self._seconds_to_first_part = seconds
        self.received.pieces.append(piece)
        if self.on_end is None:
            # Nobody may ever ask: the clock would cost more than all the rest.
            self.received.keep = self.received.pieces.append
        else:
            self._seconds_to_last_part = seconds

    def complete(self) -> None:
        """Mark the response as read to its end."""
        self._take_reading(to_its_end=True)

    def close(self) -> None:
        """Mark the response as closed, maybe too early."""
        if self._read is None:  # mostly it was read to its end
            self._take_reading(to_its_end=False)

    @never_raises
    def fail(self, error: BaseException) -> None:
        """Mark the round trip as failed: sending, receiving or closing raised this.

        The first error counts. A completed attempt can still fail in closing, but not be
        cancelled any more.
        """
        is_failure = isinstance(error, Exception)
        status = AttemptStatus.FAILED if is_failure else AttemptStatus.CANCELLED
        by = _side_of(error) if isinstance(error, Exception) else ENDED_BY[status]
        said = described(error) if isinstance(error, Exception) else status.value
        seconds = perf_counter() - self._started
        with self._lock:
            if self._failed is not None:
                return
            if self._read is not None and not (is_failure and self._came_whole):
                return
            self._failed = _End(status, said, by, seconds)
        self._tell()

    def forget(self) -> None:
        """Let go of what was sent and received; how it went stays, and goes on."""
        self._exchange.sent = None
        self.received.forget()

    def let_go(self) -> None:
        """Forget it, and how much there was: nobody will ask."""
        self._exchange.sent = None
        self.received.let_go()

    def as_json(self) -> dict[str, Any]:
        """Return what is stored of an attempt that has ended.

        Keys: those of ``Exchange.as_json``, ``number``, ``status``, ``ended_by``,
        ``error``, ``started_at`` and ``finished_at`` (RFC 3339 in UTC), ``connection``,
        and in milliseconds from the start ``connect_ms`` (until there was a connection),
        ``time_to_first_byte_ms`` (until the response's head), ``time_to_first_part_ms``
        and ``time_to_last_part_ms`` (of its body) and ``duration_ms`` (until the end).
        What is not known, or did not come, is None.
        """
        with self._recording:
            with self._lock:
                end = self._end
            if self._record is None:
                ago = timedelta(seconds=perf_counter() - self._started)
                self._started_at = datetime.now(UTC) - ago
                self._record = self._exchange.as_json()
                # The bytes are not needed any more; the error can still change.
                nothing = Exchange(method="", url="", request_headers=(), sent=None)
                with self._lock:
                    end, self._exchange = self._end, nothing
                self.received.forget()
            ended_at = self._started_at + timedelta(seconds=end.seconds)
            connection = self._connection.connection
            return {
                "number": self.number,
                "status": end.status.value,
                "ended_by": end.by.value,
                **self._record,
                "started_at": rfc3339(self._started_at),
                "finished_at": rfc3339(ended_at),
                "error": redact_and_clip(end.error, ERROR_CHARACTERS),
                "duration_ms": milliseconds(end.seconds),
                "connection": connection.value if connection is not None else None,
                "connect_ms": milliseconds(self._connection.seconds),
                "time_to_first_byte_ms": milliseconds(self._seconds_to_head),
                "time_to_first_part_ms": milliseconds(self._seconds_to_first_part),
                "time_to_last_part_ms": milliseconds(self._seconds_to_last_part),
            }

    @never_raises
    def _take_reading(self, *, to_its_end: bool) -> None:
        with self._lock:
            if self._read is not None or self._failed is not None:
                return
            self._read = to_its_end, perf_counter() - self._started
        self._tell()

    def _tell(self) -> None:
        # Not under the lock: who is told may ask for the attempt, which takes it too.
        if self.on_end is not None:
            self.on_end(self)

    def secrets(self) -> frozenset[str]:
        """Return the credentials that it was sent with, unless it was stored already."""
        return self._exchange.secrets()

    @property
    def has_ended(self) -> bool:
        """Whether it is known how it ended."""
        return self._read is not None or self._failed is not None

    @property
    def _end(self) -> _End:
        """How it ended; the failure of one whose response had not come whole before."""
        if self._failed is not None and (self._read is None or self._came_whole):
            return self._failed
        return self._judged() or UNKNOWN_END

    @property
    def _came_whole(self) -> bool:
        reading = self._judged()
        return reading is not None and reading.status in WHOLE

    def _judged(self) -> _End | None:
        """Return what the reading of the response comes to; None if it was not read."""
        if self._reading is None and self._read is not None:
            to_its_end, seconds = self._read
            exchange = self._exchange
            if to_its_end and was_cut_short(exchange):
                status, said = AttemptStatus.CUT_SHORT, "the response ended after"
            elif not to_its_end and not came_whole(exchange):
                status = AttemptStatus.CLOSED_BY_CLIENT
                said = "the client stopped reading after"
            else:
                is_error = exchange.status >= HTTP_ERRORS
                status = (
                    AttemptStatus.HTTP_ERROR if is_error else AttemptStatus.COMPLETED
                )
                said = ""
            if said:
                said += f" {self.received.length:,} bytes, before its end"
            self._reading = _End(status, said, ENDED_BY[status], seconds)
        return self._reading


class AttemptSink:
    """Collects the attempts made while it is the ``current_sink``. Thread-safe.

    That of a step knows its run, and takes nothing of what is called inside another one.

    ``on_change(sink)`` is called after an attempt ended, or failed after all in closing;
    in the task or thread of that, maybe after the step's end. What it raises is logged.
    """

    __slots__ = ("_finished", "_lock", "_numbers", "_on_change", "begun_in", "run")

    end_bytes = END_BYTES
    """What is kept of each end of a response."""

    def __init__(
        self,
        *,
        on_change: "Callable[[AttemptSink], None] | None" = None,
        run: "Run | None" = None,
    ) -> None:
        self.run = run
        self.begun_in = run  # another one, if its step was begun inside of that
        self._on_change = on_change
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._finished: deque[Attempt] | None = None  # of most there is none

    def begin(self, exchange: Exchange) -> Attempt:
        """Return a new attempt with the next number; it counts from 1."""
        return Attempt(next(self._numbers), exchange, self._take)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the attempts that have ended, by number.

        Each is redacted once, when it is asked for first, which costs a millisecond or
        so for a large body: better not on the event loop.
        """
        with self._lock:
            finished = sorted(self._finished or (), key=lambda attempt: attempt.number)
        return [attempt.as_json() for attempt in finished]

    def secrets(self) -> frozenset[str]:
        """Return the credentials that the attempts were sent with."""
        with self._lock:
            attempts = tuple(self._finished or ())
        return frozenset[str]().union(*(attempt.secrets() for attempt in attempts))

    def _take(self, attempt: Attempt) -> None:
        with self._lock:
            if self._finished is None:
                self._finished = deque(maxlen=ATTEMPTS_KEPT)
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
    return sink if current_run.get() in (None, sink.run, sink.begun_in) else None


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
        current_sink.leave(scope)


def _side_of(error: Exception) -> EndedBy:
    """Return who ended a round trip that raised this, by the names of its classes."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if any(map(TIMEOUT.fullmatch, names)):
        return EndedBy.TIME_LIMIT
    return EndedBy.PROVIDER if HUNG_UP in names else EndedBy.NETWORK
