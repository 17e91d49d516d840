"""What has left the runs inside of a run: it is recorded and counted there, once."""

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from chatdebug.errors.chain import MAX_LINKS, leaves

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.storm import StoredRun

ERRORS_REMEMBERED = 8
"""Of a run: the newest errors that are known again when they come by."""


class PassedErrors:
    """The newest errors that have left runs inside of one, until that run ends.

    By these very objects they are known again, and only in that run: a later turn in
    which the same object is raised again has another failure.
    """

    stored_run: "StoredRun | None" = None
    """Where the evidence of one is found, if it was stored."""
    durable: Future[Any] | None = None
    """What is to be waited for until that is safe."""

    def __init__(self) -> None:
        self._errors: tuple[tuple[BaseException, float], ...] = ()

    def add(self, error: BaseException, inner: "Run") -> None:
        """Note that an error has left this run, which is over."""
        self._errors = (*self._errors[1 - ERRORS_REMEMBERED :], (error, inner.started))
        self.stored_run = inner.stored_run or self.stored_run
        self.durable = inner.durable or self.durable

    def holds(self, error: BaseException | None, *, since: float) -> bool:
        """Return whether one of them is this error, or a cause that it was raised from."""
        links: list[BaseException] = []
        while error is not None and len(links) < MAX_LINKS:
            links.append(error)
            error = error.__cause__
        return any(
            link is one
            for known, began in self._errors
            if began > since
            for one in (known, *leaves(known))  # a group's, which are told one by one
            for link in links
        )

    def forget(self) -> None:
        """Let the errors go, and with them their frames: the run ends."""
        self._errors = ()


def is_passed(run: "Run", error: BaseException | None, *, since: float = 0.0) -> bool:
    """Return whether a run that began after that moment inside of this one recorded an error.

    Also if another one was raised ``from`` it; not if that was raised while it was
    handled, which is another failure.
    """
    return run.passed is not None and run.passed.holds(error, since=since)
