"""Whether a stream came to its end mark: OpenAI's ``[DONE]``, which SDKs hand on to nobody.

Nothing is put into a stream to find out. At the mark its SDK stops reading, so that the
generator of its events stands still; that of a stream which just ended is used up.
"""

from inspect import isasyncgen, isgenerator
from typing import Any


def events_behind(parts: Any) -> Any:
    """Return the generator of events behind an SDK's generator of parts that has begun.

    None where the SDK is made otherwise, or something stands between.
    """
    # Only the frame of the one holds the other.
    frame = _frame(parts)
    events = None if frame is None else frame.f_locals.get("iterator")
    return events if isgenerator(events) or isasyncgen(events) else None


def stopped_at_mark(events: Any) -> bool:
    """Return whether the end mark came, of a stream that was read to its end."""
    return _frame(events) is not None


def _frame(generator: Any) -> Any:
    """Return where a generator stands; None if it is used up, or is none."""
    if isasyncgen(generator):
        return generator.ag_frame
    return generator.gi_frame if isgenerator(generator) else None
