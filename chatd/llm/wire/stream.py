"""Reads a provider's response and hands on a stream that its SDK can rely on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, suppress
from typing import Any

import httpx2

from chatd.llm.wire.compression import Decompressor
from chatd.llm.wire.errors import (
    ProviderAnswerError,
    is_error,
    status_in,
    unreadable,
    values_of,
)
from chatd.llm.wire.protocol import Reading, WireProtocol, placed
from chatd.llm.wire.server_events import (
    BYTE_ORDER_MARK,
    FIRST_LINE,
    EventSplitter,
    ServerEvent,
    TooLongError,
)
from chatd.llm.wire.watch import Watch
from chatdebug.errors import (
    IncompleteStreamError,
    UnreadableStreamError,
    request_id_of,
)
from chatdebug.recorder import note_on_call

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Of one event, and of a whole answer that is no stream."""
HEAD_BYTES = 64 * 1024
"""Of a body that is neither a stream nor JSON: so much is looked at."""
BLANK = b" \t\r\n"


class AnswerStream(httpx2.AsyncByteStream):
    """A response's body, as the stream of events that its protocol promises.

    - What is no event with data is left out; what the SDK would stumble over is mended.
    - A body that is no event stream is read as one if it is its events as lines of JSON,
      and taken as the answer if it is a whole one. Else it is raised: as ProviderAnswerError
      if it reports an error, else as UnreadableAnswerError.
    - Once the finish reason has come nothing raises any more: the rest is waited for as
      long as ``watch.grace`` says, and what goes wrong with it is a note on the step.
    - A stream that ends before that raises IncompleteStreamError.
    """

    def __init__(
        self,
        response: httpx2.Response,
        source: httpx2.AsyncByteStream,
        *,
        protocol: WireProtocol,
        watch: Watch,
    ) -> None:
        self._status = response.status_code
        self._headers: Mapping[str, str] = response.headers
        self._source = source
        self._chunks: AsyncIterator[bytes] = aiter(source)
        self._protocol = protocol
        self._watch = watch
        self._decompressor = Decompressor(response.headers.get("content-encoding", ""))
        self._splitter = EventSplitter(MAX_EVENT_BYTES)
        self._received = 0
        self._event_count = 0
        self._is_finished = False
        self._is_at_end = False
        self._ends_at: float | None = None
        # One for all who iterate: an SDK that has read the last event reads on for the
        # end of the response, to use its connection again.
        self._events = self._read()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events

    async def aclose(self) -> None:
        """Close the response, wherever it is being read."""
        try:
            for reader in (self._events, self._chunks):
                if isinstance(reader, AsyncGenerator):
                    with suppress(RuntimeError):  # it runs at this moment
                        await reader.aclose()
        finally:
            await self._source.aclose()

    async def _read(self) -> AsyncGenerator[bytes]:
        """Yield the events to the end, and see that there is a proper one."""
        is_over = False
        try:
            head = await self._head()
            first_line = head.lstrip(BLANK).removeprefix(BYTE_ORDER_MARK)
            is_stream = FIRST_LINE.match(first_line)
            found = self._split(head) if is_stream else self._whole(head)
            async with aclosing(found) as events:
                async for event in events:
                    self._event_count += 1
                    reading = self._protocol.read(event, self._headers)
                    for passed in self._judged(reading):
                        yield passed.encoded()
                    if reading.is_over:
                        is_over = True
                        break
            # To the end of the response, so that its connection can be used again.
            while is_over and self._received <= self._watch.max_bytes:
                if await self._next_raw() is None:
                    break
            if not is_over:
                if not (self._is_finished or self._watch.was_cut):
                    raise IncompleteStreamError
                is_cut = not self._is_finished
                for event in self._protocol.ending(is_cut=is_cut):
                    yield event.encoded()
        except Exception as error:
            # What the recorder keeps of a response that fails: no content.
            error.chatdebug_response = {  # type: ignore[attr-defined]
                "status": self._status,
                "content_type": self._headers.get("content-type"),
                "server": self._headers.get("server"),
                "length": self._received,
                "request_id": request_id_of(self._headers),
                "closed_by": "provider" if self._is_at_end else "client",
            }
            raise

    def _judged(self, reading: Reading) -> Iterator[ServerEvent]:
        """Yield what is passed on of an event. Raises what the event is a failure by."""
        was_finished = self._is_finished
        self._watch.has_begun = True
        if was_finished:
            # The provider's own report of an error, which its SDK would raise.
            is_report = not reading.has_text and any(
                event.name == "error" or b'"error":' in event.data[:10_000]
                for event in reading.passed
            )
            if reading.failure or is_report:
                note_on_call(
                    "After the finish reason came what is no part of an answer."
                )
                return
        if reading.is_over and not was_finished:
            raise IncompleteStreamError
        yield from reading.passed
        if isinstance(reading.failure, UnreadableStreamError):
            raise placed(reading.failure, self._event_count)
        if reading.failure is not None:
            raise reading.failure
        self._is_finished = was_finished or reading.is_finished
        if self._is_finished and (not was_finished or reading.has_text):
            self._ends_at = asyncio.get_running_loop().time() + self._watch.grace

    async def _split(self, head: bytes) -> AsyncGenerator[ServerEvent]:
        """Yield the response's events, to its end or to a bound."""
        chunk: bytes | None = head
        try:
            while chunk is not None:
                for event in self._splitter.feed(chunk):
                    yield event
                if self._received > self._watch.max_bytes:
                    if not self._watch.has_begun:
                        raise self._no_answer(
                            f"The response has no answer in {self._received:,} bytes."
                        )
                    self._watch.was_cut = not self._is_finished
                    note_on_call(
                        f"The response was ended here after {self._received:,} bytes."
                    )
                    return
                chunk = await self._next()
            for event in self._splitter.end():
                yield event
        except TooLongError:
            if not self._is_finished:
                raise self._no_answer(
                    f"An event of the stream has more than {MAX_EVENT_BYTES:,} bytes."
                ) from None

    async def _head(self) -> bytes:
        """Return the body's start: at least its first line, if it has one."""
        head = b""
        while len(head) < HEAD_BYTES and self._received <= self._watch.max_bytes:
            if (chunk := await self._next()) is None:
                break
            head += chunk
            start = head.lstrip(BLANK)
            if start[:1] in (b"{", b"[") or b"\n" in start or b"\r" in start:
                break
            head = (
                start or head[-1:]
            )  # blanks that keep a connection alive are not kept
        return head

    async def _whole(self, head: bytes) -> AsyncGenerator[ServerEvent]:
        """Yield what a body that is no event stream holds. Raises what it reports."""
        body = await self._rest(head)
        if not body.strip():
            raise IncompleteStreamError("The response is empty.")
        values = values_of(body)
        error = next(filter(is_error, values), None)
        if error is not None:
            raise self._no_answer(
                "The provider reported an error with the status of a success.",
                body=body,
                value=error,
            )
        if any(map(self._protocol.is_part, values)):  # a stream as lines of JSON
            async with aclosing(self._split(body)) as lines:
                async for event in lines:
                    yield event
            return
        is_answer = False
        for value in values:
            for event in self._protocol.whole(value):
                is_answer = True
                yield event
        if not is_answer:
            raise unreadable(
                body, values, status_code=self._status, headers=self._headers
            )

    async def _rest(self, head: bytes) -> bytes:
        """Return the body, as far as it is looked at."""
        is_json = head.lstrip(BLANK)[:1] in (b"{", b"[")
        most = MAX_EVENT_BYTES if is_json else HEAD_BYTES
        if not is_json:  # nothing that follows can make an answer of it
            self._ends_at = asyncio.get_running_loop().time() + self._watch.grace
        parts, size = [head], len(head)
        while size < most:
            if is_json and parts[-1].rstrip()[-1:] in (b"}", b"]"):
                joined = b"".join(parts)
                if values_of(joined):
                    return joined  # whatever the connection does now
                parts = [joined]
            if (chunk := await self._next()) is None:
                break
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)

    async def _next(self) -> bytes | None:
        """Return the next bytes, or None at the end. Raises nothing once it is finished."""
        decoded = b""
        while not decoded:
            chunk = await self._next_raw()
            if chunk is None:
                return None
            try:
                for piece in self._decompressor.feed(chunk):
                    decoded += piece
                    if len(decoded) > 2 * MAX_EVENT_BYTES:
                        raise self._no_answer("The response unpacks to far too much.")
            except httpx2.DecodingError as error:
                self._broke(error)
                return None
        return decoded

    async def _next_raw(self) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._ends_at):
                chunk = await anext(self._chunks, None)
                self._is_at_end = chunk is None
                self._received += len(chunk or b"")
                return chunk
        except asyncio.CancelledError:
            reason = self._watch.why_cancelled()
            if reason is not None:
                raise reason from None
            raise
        except TimeoutError:
            if self._is_finished:
                note_on_call("The connection was left open after the finish reason.")
        except Exception as error:  # noqa: BLE001 - raised again if it was too early
            self._broke(error)
        return None

    def _broke(self, error: Exception) -> None:
        """Note that the connection broke off, or raise it if that was too early."""
        self._is_at_end = True
        if not self._is_finished:
            raise error
        name = type(error).__name__
        note_on_call(f"The connection broke after the finish reason ({name}).")

    def _no_answer(
        self, message: str, *, body: bytes = b"", value: Any = None
    ) -> ProviderAnswerError:
        return ProviderAnswerError(
            message,
            body=body[:HEAD_BYTES].decode(errors="replace").strip(),
            status_code=status_in(value) or self._status,
            headers=self._headers,
        )
