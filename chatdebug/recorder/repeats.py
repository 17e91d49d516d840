"""Failures that two instrumented libraries see, one of which calls the other.

LangChain's model for a provider calls that provider's SDK. Where both are instrumented, in
no run, one failure would be the run of each.
"""

from contextlib import suppress
from time import perf_counter

from chatdebug.errors.chain import attribute, walk

MARK = "_chatdebug_known_at"
"""An error's attribute: when it was recorded last, in seconds of ``perf_counter``."""


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
