"""Follows a streamed answer to its end, whoever reads it and wherever.

What an SDK's stream is read from is put behind a generator that passes all on. It belongs
to its own call only: nothing is in the reader's context while it waits for more.
"""

import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from time import perf_counter
from typing import Any
from weakref import ReferenceType, finalize, ref

from chatdebug.errors import IncompleteStreamError, walk
from chatdebug.errors.chain import attribute
from chatdebug.errors.payload import Progress
from chatdebug.instrument.calls import Call
from chatdebug.instrument.wire import as_mapping, wire_answer, wire_usage
from chatdebug.logs import safe_logger
from chatdebug.recorder.end_marks import events_behind, stopped_at_mark
from chatdebug.transport.roundtrips import Kinds, class_for

logger = safe_logger("chatdebug.recorder")

HELD_EVENTS = 5_000
"""Of a stream whose answer is kept if it fails; the newest."""
LAST_EVENTS = 4
"""After the finish reason some providers send usage, or the marks of a filter."""


class StreamWatch:
    """One streamed answer of a call. Its methods do not raise into the reader."""

    __slots__ = (
        "_answer",
        "_call",
        "_characters",
        "_count",
        "_events",
        "_first_at",
        "_format",
        "_is_reading",
        "_last",
        "_stream",
    )

    def __init__(self, call: Call, stream: ReferenceType[Any] | None = None) -> None:
        self._call = call
        self._stream = stream  # that of an SDK, which must not be held here
        self._format = call.format
        self._answer = call.format.answer() if call.is_full else None
        self._last: deque[Any] = deque(maxlen=LAST_EVENTS)
        # References alone: what they add up to is made if the call fails.
        self._events: deque[Any] | None = (
            deque(maxlen=HELD_EVENTS) if call.is_held else None
        )
        self._count = self._characters = 0
        self._first_at: float | None = None
        self._is_reading = False

    def read(self, events: Iterator[Any]) -> Iterator[Any]:
        """Yield the events, and note how they end."""
        behind = None  # not in the watch, which must hold nothing of the stream
        try:
            self._is_reading = True
            for event in events:
                self._note(event)
                if self._count == 1:
                    behind = events_behind(events)
                self._is_reading = False
                yield event
                self._is_reading = True
        except GeneratorExit:
            self.leave()
            raise
        except BaseException as error:
            self._fail(error)
            self._call.wait()
            raise
        else:
            self._end(is_marked=stopped_at_mark(behind))
            self._call.wait()

    async def read_async(self, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the events of an asynchronous stream, and note how they end."""
        behind = None
        try:
            self._is_reading = True
            async for event in events:
                self._note(event)
                if self._count == 1:
                    behind = events_behind(events)
                self._is_reading = False
                yield event
                self._is_reading = True
        except GeneratorExit:
            self.leave()
            raise
        except BaseException as error:
            self._fail(error)
            await self._call.wait_in_task(error)
            raise
        else:
            self._end(is_marked=stopped_at_mark(behind))
            await self._call.wait_in_task(None)

    def close(self) -> None:
        """Note that the response is closed: by its reader, unless it is being read."""
        if not self._is_reading:
            self.leave()

    def leave(self) -> None:
        """Note that nobody reads on; after the last event, that is as good as the end.

        Unless it is left because the SDK could not read what had come.
        """
        failure = None if self._call.is_over else self._failure_of_sdk()
        if failure is not None:
            self._fail(failure)
        elif any(map(self._format.is_last, self._last)):
            self._end()
        elif not self._call.is_over:
            self._describe()
            self._call.interrupt()

    def _failure_of_sdk(self) -> BaseException | None:
        """Return the exception that is on its way out of the SDK's own reading, if one is.

        The SDKs have helpers that read a stream and make events, or a message, of it.
        """
        error = sys.exception()
        stream = None if self._stream is None else self._stream()
        if error is None or stream is None:
            return None
        links = (link for link in walk(error) if _is_raised_by_helper(link, stream))
        return next(links, None)

    def _note(self, event: Any) -> None:
        if self._first_at is None:
            self._first_at = perf_counter()
        self._count += 1
        self._last.append(event)
        if self._events is not None:
            self._events.append(event)
        try:
            self._characters += len(self._format.text(event))
            if self._answer is not None:
                self._answer.add(event)
        except Exception:
            logger.exception("The recorder could not note an event")
            self._answer = None

    def _end(self, *, is_marked: bool = False) -> None:
        if self._call.is_over:
            return
        failures = filter(None, map(self._format.failure, self._last))
        if (failure := next(failures, None)) is not None:
            self._fail(failure)
        elif is_marked or any(map(self._format.is_last, self._last)):
            step = self._call.step
            if self._first_at is not None:
                step.first_part = self._first_at - step.started
            for event in self._last:
                self._call.count_tokens(event)
            self._events = None
            self._call.complete(self._kept(), self._usage())
        else:
            self._fail(IncompleteStreamError())

    def _fail(self, error: BaseException) -> None:
        if not self._call.is_over:
            self._describe()
            self._call.fail(error)

    def _describe(self) -> None:
        """Say how far it came; the part itself only where it is kept."""
        step = self._call.step
        if (kept := self._kept()) is not None:
            self._call.keep(kept)
        first = self._first_at
        step.progress = Progress(
            first_part_ms=None
            if first is None
            else round((first - step.started) * 1000),
            parts_received=self._count,
            characters_received=self._characters,
        )

    def _kept(self) -> Callable[[], Any] | None:
        answer, events = self._answer, self._events
        if events is not None:
            return lambda: self._held_answer(events)
        return None if answer is None else lambda: wire_answer(answer.body())

    def _held_answer(self, events: Iterable[Any]) -> dict[str, Any]:
        """Return what the held events add up to."""
        answer = self._format.answer()
        for event in events:
            answer.add(event)
        return wire_answer(answer.body())

    def _usage(self) -> Callable[[], Any] | None:
        answer = self._answer
        if answer is None:
            return None
        return lambda: wire_usage(as_mapping(answer.body().get("usage") or {}))


def watch(stream: Any, call: Call) -> None:
    """Follow a stream of one of the SDKs, where it stands."""
    watched = StreamWatch(call, ref(stream))
    events = stream._iterator
    is_async = hasattr(events, "__anext__")
    stream._iterator = (watched.read_async if is_async else watched.read)(events)
    on_close(stream.response, watched.close, call)


def _is_raised_by_helper(error: BaseException, stream: Any) -> bool:
    """Return whether an exception comes out of a frame of the SDK that reads this stream.

    Only the frames of its traceback tell. The object counts, not the code: a reader may
    ask a second model meanwhile.
    """
    package = type(stream).__module__.partition(".")[0]
    traceback = attribute(error, "__traceback__")
    while traceback is not None:
        frame = traceback.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            helper = frame.f_locals.get("self")
            if attribute(helper, "_raw_stream") is stream:
                return True
        traceback = traceback.tb_next
    return False


def on_close(response: Any, then: Callable[[], None], call: Call) -> None:
    """Call a function when a response of httpx or httpx2 was closed, or dropped.

    Who closes it waits for the evidence of the call, if it ended that with a failure. The
    function must hold no reference to the response: a stream that nobody holds is closed by that.
    """
    ending = class_for(response.stream, ENDINGS)
    if ending is not None:
        response.stream = ending(response.stream, then, call)
    finalize(response, then).atexit = False


class _SyncEnding:
    """A response's stream that tells when it was closed."""

    def __init__(self, stream: Any, then: Callable[[], None], call: Call) -> None:
        self._stream = stream
        self._then = then
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._then()
            self._call.wait()


class _AsyncEnding:
    """The same for an asynchronous client."""

    def __init__(self, stream: Any, then: Callable[[], None], call: Call) -> None:
        self._stream = stream
        self._then = then
        self._call = call

    def __aiter__(self) -> AsyncIterator[bytes]:
        found: AsyncIterator[bytes] = self._stream.__aiter__()
        return found

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._then()
            await self._call.wait_in_task(sys.exception())


ENDINGS: Kinds = (("AsyncByteStream", _AsyncEnding), ("SyncByteStream", _SyncEnding))
