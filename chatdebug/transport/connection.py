"""The connection of a round trip, as the events of httpcore tell of it.

httpcore calls a request's extension ``trace`` with a name for whatever it begins and ends,
such as ``connection.connect_tcp.started``. Transports of another kind call nothing, and
nothing is known of their connections.
"""

from enum import StrEnum
from time import perf_counter

OPENING = frozenset(
    [
        "connect_tcp.started",
        "connect_unix_socket.started",
        "setup_socks5_connection.started",
        "start_tls.started",
    ]
)
"""What is begun only where no open connection is at hand."""
READY = "send_request_headers.started"
"""The connection is there: the request is written to it."""


class Connection(StrEnum):
    """What a round trip went over."""

    OPENED = "opened"
    """A connection that was opened for it."""
    REUSED = "reused"
    """One that was open already. A server may be closing it at that very moment."""
    NOT_OPENED = "not_opened"
    """None: the attempt ended while one was being opened."""


class ConnectionWatch:
    """What is known of a connection so far."""

    __slots__ = ("_is_new", "_ready_at", "_started")

    def __init__(self, started: float) -> None:
        """``started`` is when the round trip began, by ``perf_counter``."""
        self._started = started
        self._is_new = False
        self._ready_at: float | None = None

    def see(self, event: str) -> None:
        """Take an event of httpcore by its name; most of them say nothing."""
        what = event.partition(".")[2]
        if what in OPENING:
            self._is_new = True
            # A proxy was written to already: the way goes on from there.
            self._ready_at = None
        elif what == READY:
            self._ready_at = perf_counter()

    @property
    def is_known(self) -> bool:
        """Whether nothing is left to see: the connection was open already.

        Of one that is opened there may be more, behind a proxy.
        """
        return self._ready_at is not None and not self._is_new

    @property
    def connection(self) -> Connection | None:
        """What the round trip goes over; None if nothing tells."""
        if self._is_new:
            is_ready = self._ready_at is not None
            return Connection.OPENED if is_ready else Connection.NOT_OPENED
        return None if self._ready_at is None else Connection.REUSED

    @property
    def seconds(self) -> float | None:
        """How long it took until a connection was there, with the wait for a free one."""
        return None if self._ready_at is None else self._ready_at - self._started
