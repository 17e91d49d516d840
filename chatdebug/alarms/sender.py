"""Looks for alarms and sends them in threads of its own, beside the writer.

A mail server or a receiver that hangs holds its own thread, and neither the writer nor
another target. The price: such a thread may outlive the writer. It is a daemon; a notice
that it takes along is sent by another process once the lease is over, so that it may come
twice, never not at all.

What runs here is also the host's code, receivers and mail backends. So signals come here as
to a thread of the host: a process that such code starts can be ended by one.
"""

import signal
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread, get_native_id
from time import monotonic

from django.db import connections

from chatdebug.alarms.notices import deliver_due, due_targets, make_notices
from chatdebug.logs import safe_logger
from chatdebug.models import AlarmTarget

logger = safe_logger("chatdebug.alarms")

MOST_THREADS = 8
"""Each has a connection to the database while it works."""
LOOK = "look"


class AlarmSender:
    """Tells what is new, in the background. One process of a deployment starts it."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._threads: dict[str, Thread] = {}
        self._lock = Lock()
        # Of who makes the writer; the writer's own thread, which starts these, blocks more.
        self._blocked_by_host = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def start(self) -> None:
        """Look for news and send what is due, unless that goes on already or nobody is told.

        Returns at once, after one small query. Raises django.db.Error.
        """
        if AlarmTarget.objects.using(self._using).filter(enabled=True).exists():
            self._start(LOOK, self._look)

    def close(self, timeout: float) -> None:
        """Wait for the threads, at most so many seconds."""
        deadline = monotonic() + timeout
        # The one that looks comes first, for it may start others.
        while threads := self._alive():
            threads[0].join(max(0.0, deadline - monotonic()))
            if monotonic() >= deadline:
                return

    def _look(self) -> None:
        make_notices(using=self._using)
        for target_id in due_targets(using=self._using):
            self._start(
                str(target_id), partial(deliver_due, target_id, using=self._using)
            )

    def _alive(self) -> list[Thread]:
        with self._lock:
            alive = {
                k: thread for k, thread in self._threads.items() if thread.is_alive()
            }
            self._threads = alive
            return list(alive.values())

    def _start(self, name: str, work: Callable[[], None]) -> None:
        alive = self._alive()
        with self._lock:
            if name in self._threads or len(alive) >= MOST_THREADS:
                return  # it comes with the next look
            thread = Thread(
                target=self._run,
                args=[work, get_native_id()],
                name=f"chatdebug-alarms-{name}",
                daemon=True,
            )
            self._threads[name] = thread
            thread.start()

    def _run(self, work: Callable[[], None], started_in: int) -> None:
        if get_native_id() != started_in:  # a greenlet's signals are its host's
            signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked_by_host)
        try:
            work()
        except Exception as error:
            logger.warning("Alarms could not be sent", exc_info=error)
        finally:
            connections.close_all()  # receivers of signals may use others
