"""Keeps the same failure, many times over, from becoming the incident itself."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from uuid import UUID

from chatdebug.conf import RecorderSettings, recorder_settings


@dataclass(slots=True)
class _Window:
    started: float
    seen: int = 0
    stored: UUID | None = None


class StormGuard:
    """Decides which runs with the same failure are stored; one for each process.

    Of each fingerprint the first ``STORM_FIRST`` in ``STORM_SECONDS`` are, and of those
    that come after them the first, second, fourth, eighth and so on. Thread-safe.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = Lock()

    def admit(self, fingerprint: str, run_id: UUID) -> UUID | None:
        """Return None if this run is to be stored, else the stored run that counts it."""
        config = recorder_settings()
        with self._lock:
            window = self._window(fingerprint, config)
            window.seen += 1
            surplus = window.seen - config.STORM_FIRST
            if window.stored is None or surplus <= 0 or _is_power_of_two(surplus):
                window.stored = run_id
                return None
            return window.stored

    def _window(self, fingerprint: str, config: RecorderSettings) -> _Window:
        now = monotonic()
        window = self._windows.get(fingerprint)
        if window is None or now - window.started > config.STORM_SECONDS:
            window = self._windows[fingerprint] = _Window(started=now)
        self._windows.move_to_end(fingerprint)
        if len(self._windows) > config.STORM_FINGERPRINTS:
            self._windows.popitem(last=False)
        return window


storm_guard = StormGuard()


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0
