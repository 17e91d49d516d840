"""Threads that do not keep the process from ending."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

type _Job = tuple[Future[Any], Callable[[], Any]]


class DaemonThreads(Executor):
    """Runs jobs in a few daemon threads, started as they are needed.

    At the end of the process ``ThreadPoolExecutor`` waits for its jobs, also for one that
    asks a database that does not answer. Jobs of this one are left to themselves then, so
    they must be nothing that a kill could not end as well.
    """

    def __init__(self, max_threads: int, *, name: str) -> None:
        self._max_threads = max_threads
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads: list[Thread] = []
        self._busy = 0
        self._lock = Lock()

    def submit[**P, R](
        self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]:
        """Run a function soon, and return the future of its result."""
        future: Future[R] = Future()
        with self._lock:
            self._busy += 1
            # After a fork none of them is alive in the child.
            self._threads = [one for one in self._threads if one.is_alive()]
            if len(self._threads) < min(self._busy, self._max_threads):
                name = f"{self._name}-{len(self._threads)}"
                thread = Thread(target=self._work, name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
        self._jobs.put((future, lambda: function(*args, **kwargs)))
        return future

    def _work(self) -> None:
        while True:
            self._do(*self._jobs.get())
            with self._lock:
                self._busy -= 1

    def _do(self, future: Future[Any], job: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            future.set_exception(error)
        else:
            future.set_result(result)
