"""A thread that is started when there is something to do."""

from collections.abc import Callable
from threading import Lock, Thread


class Worker:
    """A daemon thread that runs one function; a later start replaces one that has ended.

    Every method may be called from any thread.
    """

    def __init__(self, run: Callable[[], None], *, name: str) -> None:
        self._run = run
        self._name = name
        self._starting = Lock()
        self._thread: Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start it, unless it runs; where another thread is about to, that is enough."""
        # The new thread may collect a stream whose end comes here while the old one waits.
        if self.is_alive or not self._starting.acquire(blocking=False):
            return
        try:
            if not self.is_alive:
                thread = Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._starting.release()

    def join(self, timeout: float) -> None:
        """Wait for its end, for ``timeout`` seconds at most."""
        with self._starting:  # it may be about to begin
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
