"""Keeps the same failure, many times over, from becoming the incident itself."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from chatdebug.conf import recorder_settings
from chatdebug.models.runs import OVERFLOW


class StoredRun(NamedTuple):
    """Where a stored run is found."""

    id: UUID
    chat_id: str


class Admission(NamedTuple):
    """What becomes of a failure."""

    fingerprint: str
    """Under which its run is stored or counted: its own, or ``OVERFLOW``."""
    counted_on: StoredRun | None
    """The stored run that counts it; None if its own run is to be stored."""


@dataclass(slots=True)
class _Failure:
    started: float
    seen: int
    run: StoredRun


class StormGuard:
    """Decides which runs with captured failures are stored; one for each process.

    Of each fingerprint the first ``STORM_FIRST`` in ``STORM_SECONDS`` are, and of those
    that come after them the first, second, fourth, eighth and so on. Of all fingerprints
    together at most ``STORM_RUNS`` are, and repeats take no more than half of them: a
    failure that is new has room while there is any. Then the last place is for one run
    that counts all failures without a run of their own. Thread-safe.

    Only what is stored is remembered, so ``STORM_RUNS`` bounds the memory as well.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._lock = RLock()
        self.reset(clock)

    def reset(self, clock: Callable[[], float] = monotonic) -> None:
        """Forget all failures, and tell the time by this clock: for tests."""
        with self._lock:
            self._clock = clock
            self._failures: dict[str, _Failure] = {}  # by their start, oldest first
            self._stored: deque[float] = deque()

    def admit(self, fingerprint: str, run: StoredRun) -> Admission:
        """Decide whether this run is to be stored, or which stored run counts it."""
        config = recorder_settings()
        with self._lock:
            now = self._clock()
            self._forget(now - config.STORM_SECONDS)
            known = self._failures.get(fingerprint)
            overflow = self._failures.get(OVERFLOW)
            if known is not None:
                known.seen += 1
                surplus = known.seen - config.STORM_FIRST
                is_due = surplus <= 0 or surplus.bit_count() == 1  # 1, 2, 4, 8 …
                if not is_due or len(self._stored) >= config.STORM_RUNS // 2:
                    return Admission(fingerprint, counted_on=known.run)
                known.run = run
            elif len(self._stored) < config.STORM_RUNS - 1:
                self._failures[fingerprint] = _Failure(now, 1, run)
            elif overflow is not None:
                return Admission(OVERFLOW, counted_on=overflow.run)
            else:
                fingerprint = OVERFLOW
                self._failures[OVERFLOW] = _Failure(now, 1, run)
            self._stored.append(now)
            return Admission(fingerprint, counted_on=None)

    def replace(self, admission: Admission, run: StoredRun) -> None:
        """Let another run count a failure: the one of this admission was deleted."""
        with self._lock:
            known = self._failures.get(admission.fingerprint)
            if known is not None and known.run == admission.counted_on:
                known.run = run

    def _forget(self, before: float) -> None:
        while self._stored and self._stored[0] < before:
            self._stored.popleft()
        while self._failures:
            oldest = next(iter(self._failures))
            if self._failures[oldest].started >= before:
                return
            del self._failures[oldest]


storm_guard = StormGuard()
