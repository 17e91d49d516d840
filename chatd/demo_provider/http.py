"""HTTP/1.1 on a raw connection: only what the demo provider needs, and strict about it.

No ASGI server: behind one, a reset or a truncated answer cannot be produced.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_BYTES = 32_768
BODY_BYTES = 32 * 1024 * 1024
SLICE_BYTES = 65_536

# Longer than the 5 s for which httpx2 keeps an idle connection, so that the client is
# the one that closes it and never sends into a closed one.
IDLE_SECONDS = 60.0
READ_SECONDS = 15.0
LINGER_SECONDS = 2.0


class HttpError(Exception):
    """A request that cannot be answered; the connection ends with the response."""

    def __init__(self, status: int, message: str, *, allow: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {"Allow": allow} if allow else {}


@dataclass(frozen=True)
class Request:
    """A request's head; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class Connection(asyncio.StreamReaderProtocol):
    """One connection, served by one task, which is cancelled when the client leaves.

    A client that closes only its sending half counts as gone: waiting to see whether it
    still reads would hide a disconnect for as long as nothing is sent.
    """

    writer: asyncio.StreamWriter
    task: asyncio.Task[None]

    def __init__(
        self,
        serve: Callable[["Connection"], Coroutine[None, None, None]],
        connections: "set[Connection]",
    ) -> None:
        # Kept here: asyncio's own reference to the reader is weak.
        self.reader = asyncio.StreamReader(limit=HEAD_BYTES)
        super().__init__(self.reader, self._start)
        self.client_left = False
        self._serve = serve
        self._connections = connections

    def _start(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._connections.add(self)
        self.task = asyncio.create_task(self._serve(self))
        # Not in the task: one that is cancelled before its first step runs no code.
        self.task.add_done_callback(lambda _: writer.close())

    def eof_received(self) -> bool | None:
        self._leave()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._connections.discard(self)
        super().connection_lost(exc)

    def _leave(self) -> None:
        if self.task.cancel():
            self.client_left = True

    def abort(self) -> asyncio.Task[None]:
        """End the connection at once; return its task, which ends soon."""
        self.task.cancel()
        self.writer.transport.abort()
        return self.task

    async def read_head(self) -> Request | None:
        """Return the next request's head, or None if the connection stays idle.

        Raises HttpError for 400, 408, 431 and 505.
        """
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                first = await self.reader.readexactly(1)
        except TimeoutError:
            return None
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = first + await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise HttpError(431, "The request's head is too large.") from error
        except TimeoutError as error:
            raise HttpError(
                408, "The request's head did not arrive in time."
            ) from error
        return parse_head(head)

    async def read_body(self, request: Request) -> bytes:
        """Return a request's body. Raises HttpError for 400, 408, 411 and 413."""
        length = body_length(request.headers)
        if length and request.headers.get("expect", "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self.reader.readexactly(length)
        except TimeoutError as error:
            raise HttpError(
                408, "The request's body did not arrive in time."
            ) from error

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole response."""
        self.writer.write(_head(status, {**headers, "Content-Length": str(len(body))}))
        for start in range(0, len(body), SLICE_BYTES):
            self.writer.write(body[start : start + SLICE_BYTES])
            await self.writer.drain()

    async def open_stream(self, headers: Mapping[str, str]) -> None:
        """Send the head of a response whose length is not known yet."""
        self.writer.write(_head(200, {**headers, "Transfer-Encoding": "chunked"}))
        await self.writer.drain()

    async def send_chunk(self, data: bytes) -> None:
        """Send one part of a stream; nothing ends it properly but ``close_stream``."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.writer.drain()

    async def close_stream(self) -> None:
        """End a stream."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def linger(self) -> None:
        """Read on for a moment after the last response.

        Closing with unread bytes resets the connection, and a client that still sends
        would never read the response.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                self.writer.write_eof()
                while await self.reader.read(SLICE_BYTES):
                    pass

    def reset(self) -> None:
        """End the connection with a reset instead of a proper end."""
        no_linger = struct.pack("ii", 1, 0)
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self.writer.transport.abort()


def parse_head(head: bytes) -> Request:
    """Return the request that a head describes. Raises HttpError for 400 and 505."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not all(words) or not words[1].startswith("/"):
        raise HttpError(400, "The request line is malformed.")
    method, target, version = words
    if version != "HTTP/1.1":
        raise HttpError(505, "Only HTTP/1.1 is spoken here.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(400, "A header is malformed.")
        earlier = headers.get(name.lower())
        headers[name.lower()] = (
            value.strip() if earlier is None else f"{earlier}, {value.strip()}"
        )
    if "host" not in headers:
        raise HttpError(400, "The Host header is missing.")
    return Request(method, target.partition("?")[0], headers)


def body_length(headers: Mapping[str, str]) -> int:
    """Return the length that headers announce. Raises HttpError for 400, 411, 413."""
    if "transfer-encoding" in headers:
        raise HttpError(411, "Send the body with a Content-Length.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise HttpError(400, "The Content-Length is not a number.")
    # By its digits first: int() of very many is slow, and refuses.
    if len(length) > 15 or int(length) > BODY_BYTES:
        raise HttpError(413, f"The body is larger than {BODY_BYTES} bytes.")
    return int(length)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # 529 is not in the registry
        phrase = "Overloaded"
    lines = [f"HTTP/1.1 {status} {phrase}", "Server: chatd-demo-provider"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
