"""A thread that is started when there is something to do."""

import signal
from collections.abc import Callable
from threading import RLock, Thread, get_native_id

HOST_SIGNALS = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
"""What ends or steers a process. Not those of faults and profilers, which are a thread's."""


class Worker:
    """A daemon thread that runs one function; a later start replaces one that has ended.

    It leaves the signals of the process to the host's threads. The kernel gives a signal to
    any thread that does not block it, and a host may block one in its own thread while it
    must not be ended: Celery's pool does, with the lock that its workers share. What the
    thread starts inherits this.

    Every method may be called from any thread.
    """

    def __init__(self, run: Callable[[], None], *, name: str) -> None:
        self._run = run
        self._name = name
        # Reentrant: a signal, or the end of a dropped answer, comes in between anywhere.
        self._starting = RLock()
        self._is_starting = False
        self._thread: Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start it, unless it runs; where another thread is about to, that is enough."""
        # The new thread may collect an answer whose end comes here, while the old one waits.
        if self.is_alive or self._is_starting:
            return
        try:
            if not self._starting.acquire(blocking=False):
                return
            self._is_starting = True
            if not self.is_alive:
                self._thread = Thread(
                    target=self._begin,
                    args=(get_native_id(),),
                    name=self._name,
                    daemon=True,
                )
                self._thread.start()
        finally:
            # A signal may raise after the lock was taken and before that is known here. So
            # it is released before anything else is called, taken or not.
            try:
                self._starting.release()
                self._is_starting = False
            except RuntimeError:
                pass  # it was not taken

    def join(self, timeout: float) -> None:
        """Wait for its end, for ``timeout`` seconds at most."""
        with self._starting:  # it may be about to begin
            thread = self._thread
        if thread is not None and thread.ident is not None:  # it has begun
            thread.join(timeout)

    def _begin(self, started_in: int) -> None:
        if get_native_id() != started_in:  # a greenlet's signals are its host's
            signal.pthread_sigmask(signal.SIG_BLOCK, HOST_SIGNALS)
        self._run()
