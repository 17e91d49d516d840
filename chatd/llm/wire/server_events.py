"""Server-sent events, out of bytes as they come."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIRST_LINE = re.compile(rb"(?::|(?:data|event|id|retry)(?:\s*:|$)|error\s*:\s*\{)")
"""How an event stream begins. ``error:`` before an object is llama.cpp's own field."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event that has data."""

    name: str
    data: bytes

    def encoded(self) -> bytes:
        """Return the event as it is sent. Its data has no line ends."""
        head = b"event: " + self.name.encode() + b"\n" if self.name else b""
        return head + b"data: " + self.data + b"\n\n"


class TooLongError(Exception):
    """One event, or one line, has more bytes than are kept in memory."""


class EventSplitter:
    """Puts events together. Comments and events without data are left out.

    At most ``max_bytes`` of an event are kept; one that is longer raises TooLongError. A
    line that is a JSON object without a field's name counts as an event: that is how a
    gateway reports that its upstream is gone, and how streams of JSON lines come.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._name = ""
        self._size = 0
        self._skips_newline = False
        self._is_first = True

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that a chunk completes."""
        if self._skips_newline and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._skips_newline = chunk.endswith(b"\r")
        for part in chunk.splitlines(keepends=True):
            self._size += len(part)
            if self._size > self._max_bytes:
                raise TooLongError
            line = part.rstrip(b"\r\n")
            if self._line or len(line) == len(part):
                self._line.append(line)
            if len(line) == len(part):
                continue  # the line goes on in the next chunk
            if self._line:
                line = b"".join(self._line)
                self._line.clear()
            yield from self._take(line)

    def end(self) -> Iterator[ServerEvent]:
        """Yield the event that the last bytes are, if they are one."""
        line = b"".join(self._line)
        self._line.clear()
        if line:
            yield from self._take(line)
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[ServerEvent]:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            data = b"\n".join(self._data)
            name, self._name = self._name, ""
            self._data.clear()
            self._size = 0
            if data.strip():
                yield ServerEvent(name, data)
            return
        if line.lstrip().startswith(b"{"):
            self._size = 0
            yield ServerEvent("", line)
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field.strip():
            case b"data":
                self._data.append(value)
            case b"event":
                self._name = value.decode(errors="replace").strip()[:100]
            case b"error" if value.startswith(b"{"):
                self._name = "error"
                self._data.append(value)
            case _ if not self._data:
                self._size = 0  # comments may go on for ever
