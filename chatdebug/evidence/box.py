"""The box: what passes on the wire while calls run, in memory and nowhere else.

Only for the evidence ``full``. Of each HTTP attempt the two ends of the response are held,
until its call is over; then they are kept with a captured failure, or let go.
"""

import os
from threading import RLock

from chatdebug.conf import recorder_settings
from chatdebug.transport.attempts import ATTEMPTS_KEPT, Attempt, AttemptSink
from chatdebug.transport.exchange import Exchange
from chatdebug.writer import writer

END_BYTES = 32 * 1024
"""What is kept of each end of a response; both together are 64 KB of the wire."""
RESPONSE_BYTES = 3 * END_BYTES
"""What a response takes at most while it passes: its end is cut when it is twice as long."""


class Box:
    """The attempts that a process holds, oldest first, and how much that may be.

    An attempt counts as much as it may come to hold from its beginning, so that nothing has
    to be counted while a response passes. Thread-safe.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Hold nothing: what a process held before it forked is its own to let go."""
        self._lock = RLock()
        self._held: dict[Attempt, int] = {}
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, attempt: Attempt, size: int) -> None:
        """Hold an attempt; where there is no room for all, the oldest are forgotten."""
        limit = recorder_settings().EVIDENCE_BYTES
        evicted: list[Attempt] = []
        with self._lock:
            self._held[attempt] = size
            self.held_bytes += size
            while self._held and self.held_bytes > limit:
                oldest = next(iter(self._held))
                freed = self._held.pop(oldest, 0)
                self.held_bytes -= freed
                evicted.append(oldest)
        if evicted:
            for one in evicted:
                one.forget()
            writer().counters.add(evicted=len(evicted))

    def let_go(self, *attempts: Attempt) -> None:
        """Hold attempts no more; one that was evicted is not held already."""
        with self._lock:
            for attempt in attempts:
                freed = self._held.pop(attempt, 0)
                self.held_bytes -= freed


box = Box()
os.register_at_fork(after_in_child=box.reset)


class HeldAttempts(AttemptSink):
    """The attempts of one call, in the box until it is known how the call ends."""

    end_bytes = END_BYTES
    # What a call that asks nobody never comes to know.
    _begun: tuple[Attempt, ...] = ()
    _is_held = True

    def begin(self, exchange: Exchange) -> Attempt:
        """Return a new attempt, which is held if the call still runs."""
        if not self._is_held:
            attempt = super().begin(exchange)
            attempt.forget()
            return attempt
        # It tells nobody of its end: for most calls that is one nobody asks for.
        attempt = Attempt(next(self._numbers), exchange)
        sent = 0 if exchange.sent is None else exchange.sent.held_bytes
        with self._lock:
            surplus = self._begun[: 1 - ATTEMPTS_KEPT]
            self._begun = (*self._begun[1 - ATTEMPTS_KEPT :], attempt)
        if surplus:
            self._release(surplus)
        box.hold(attempt, sent + RESPONSE_BYTES)
        return attempt

    def secrets(self) -> frozenset[str]:
        """Return the credentials that the attempts were sent with."""
        begun = (attempt.secrets() for attempt in self._begun)
        return super().secrets().union(*begun)

    def keep(self) -> None:
        """Take the attempts out of the box: they belong to a row that is being written."""
        self._is_held = False
        box.let_go(*self._begun)
        for attempt in self._begun:
            attempt.on_end = self._take
            if attempt.has_ended:
                self._take(attempt)
        self._begun = ()

    def let_go(self) -> None:
        """Forget the attempts: there is nothing to be kept of their call."""
        self._is_held = False
        if self._begun:
            self._release(self._begun)
            self._begun = ()

    def _release(self, attempts: tuple[Attempt, ...]) -> None:
        box.let_go(*attempts)
        for attempt in attempts:
            attempt.let_go()
