"""Which errors are recorded already: one that passes by again is not recorded twice.

An error leaves a call, the call around it, and the run; it may leave a run inside of
another one; and where two instrumented libraries see it, of which one calls the other, in
no run, it would be the run of each. By the object itself it is known again, or by a cause
in its chain, and only by calls that began before it was recorded: a retry raises a failure
of its own, if need be with the same object.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chatdebug.errors.chain import MAX_LINKS, attribute, leaves, walk

if TYPE_CHECKING:
    from chatdebug.recorder.run import Run
    from chatdebug.recorder.storm import StoredRun

ERRORS_REMEMBERED = 8
"""Of a run: the newest errors that are known again when they come by."""
MARK = "_chatdebug_known_at"
"""An error's attribute: when it was recorded last, in seconds of ``perf_counter``."""

type Remembered = tuple[tuple[BaseException, float], ...]
"""Errors, each with when its call or its run began. With them live their frames and locals,
so they are few, and let go when the run ends."""


def remember(errors: Remembered, error: BaseException, *, began: float) -> Remembered:
    """Return the errors with this one, of which the newest are kept."""
    return (*errors[1 - ERRORS_REMEMBERED :], (error, began))


def stands_for_one_of(error: BaseException, known: Sequence[BaseException]) -> bool:
    """Return whether an error, or one in its chain, is one of those."""
    return any(link is one for link in walk(error) for one in known)


class InnerErrors:
    """The newest errors that have left runs inside of one, recorded and counted there.

    They are known again in that run only: a later turn in which the same object is raised
    again has another failure.
    """

    stored_run: "StoredRun | None" = None
    """Where the evidence of one is found, if it was stored."""
    durable: Future[Any] | None = None
    """What is to be waited for until that is safe."""

    def __init__(self) -> None:
        self._errors: Remembered = ()

    def add(self, error: BaseException, inner: "Run") -> None:
        """Note that an error has left this run, which is over."""
        self._errors = remember(self._errors, error, began=inner.started)
        self.stored_run = inner.stored_run or self.stored_run
        self.durable = inner.durable or self.durable

    def holds(self, error: BaseException | None, *, since: float) -> bool:
        """Return whether one of them is this error, or a cause that it was raised from."""
        links: list[BaseException] = []
        while error is not None and len(links) < MAX_LINKS:
            links.append(error)
            error = attribute(error, "__cause__")
        return any(
            link is one
            for known, began in self._errors
            if began > since
            for one in (known, *leaves(known))  # a group's, which are told one by one
            for link in links
        )

    def forget(self) -> None:
        """Let the errors go: the run ends."""
        self._errors = ()


def is_recorded_inside(
    run: "Run", error: BaseException | None, *, since: float = 0.0
) -> bool:
    """Return whether a run that began after that moment inside of this one recorded an error.

    Also if another one was raised ``from`` it; not if that was raised while it was
    handled, which is another failure.
    """
    return run.inner_errors is not None and run.inner_errors.holds(error, since=since)


def note_known(error: BaseException | None) -> None:
    """Note on an error that it has been recorded now. An error may refuse that."""
    with suppress(Exception):
        setattr(error, MARK, perf_counter())


def is_known_since(error: BaseException | None, began: float) -> bool:
    """Return whether an error, or one that it stands for, was recorded since a call began.

    Not whether it ever was: one and the same error may be raised again.
    """
    if error is None:
        return False
    moments = (attribute(one, MARK) for one in walk(error))
    return any(isinstance(at, float) and at >= began for at in moments)
