"""The provider's stream, watched on its way to the consumer (full level only)."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

import wrapt
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import StreamedResponse


class RecordedStream(wrapt.ObjectProxy[StreamedResponse]):
    """A transparent proxy of a ``StreamedResponse`` that counts what passes.

    Everything but iteration is the wrapped stream's own, ``isinstance`` included.
    """

    def __init__(self, wrapped: StreamedResponse) -> None:
        super().__init__(wrapped)
        self._self_counts: Counter[str] = Counter()
        self._self_failed = False

    async def __aiter__(self) -> AsyncIterator[ModelResponseStreamEvent]:
        try:
            async for event in self.__wrapped__:
                self._self_counts[event.event_kind] += 1
                yield event
        except Exception:
            self._self_failed = True
            raise

    def summary(self) -> dict[str, Any]:
        """Return the counts that the step's metadata keeps."""
        return {
            "finish_reason": self.__wrapped__.finish_reason,
            "event_counts": dict(self._self_counts),
            "part_count": self._self_counts["part_start"],
            "error_count": int(self._self_failed),
        }


def watched(stream: StreamedResponse) -> StreamedResponse:
    """Return the stream, to be used in its place, with its events counted."""
    proxy: Any = RecordedStream(stream)
    return cast("StreamedResponse", proxy)


def raised_by_model(stream: StreamedResponse, error: BaseException) -> bool:
    """Say whether an error that left the stream's block is the model's or the consumer's.

    At the errors level nothing stands between stream and consumer, so the traceback has
    to tell: an error of the model comes from inside the stream's own iterator.
    """
    source = stream.__wrapped__ if isinstance(stream, RecordedStream) else stream
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_locals.get("self") is source:
            return True
        traceback = traceback.tb_next
    return not isinstance(error, Exception)
