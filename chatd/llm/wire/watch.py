"""What the caller of a stream and the transport that reads it tell each other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

DEFAULT_MAX_BYTES = 128 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Watch:
    """The bounds of one call, and what was seen of it. Times are in seconds."""

    grace: float = 1.0
    """How long the end of a stream is waited for once its finish reason has come."""
    max_bytes: int = DEFAULT_MAX_BYTES
    why_cancelled: Callable[[], BaseException | None] = field(default=lambda: None)
    """Returns the reason if the caller's own time limit is what cancels the call."""
    has_begun: bool = False
    """Whether the first event of an answer has come."""
    was_cut: bool = False
    """Whether the answer was ended here, because its response grew beyond the bound."""


_current: ContextVar[Watch | None] = ContextVar("chatd_watch", default=None)


def current_watch() -> Watch:
    """Return the watch of the call that is made here, or one with the usual bounds."""
    return _current.get() or Watch()


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let the requests made inside belong to this watch."""
    token = _current.set(watch)
    try:
        yield
    finally:
        _current.reset(token)
