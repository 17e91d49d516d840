"""HTTP/1.1 on a raw connection: h11 reads and writes it, this module owns the socket.

No ASGI server: behind one, a reset or a truncated answer cannot be produced.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

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
        self.reader = asyncio.StreamReader(limit=SLICE_BYTES)
        super().__init__(self.reader, self._start)
        self.client_left = False
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
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
        """Return the next request's head, or None if there is no other one.

        Raises HttpError for 400, 408, 431, 501 and 505.
        """
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None  # the client has said that it was the last one
        if not self._http.trailing_data[0]:  # else the next one has come already
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    self._http.receive_data(await self._receive())
            except TimeoutError:
                return None
        async with _in_time("The request's head did not arrive in time."):
            head = await self._next_event()
        assert isinstance(head, h11.Request)  # noqa: S101 - what h11 begins with
        if head.http_version != b"1.1":
            raise HttpError(505, "Only HTTP/1.1 is spoken here.")
        headers = {
            name.decode("ascii"): value.decode("latin-1")
            for name, value in head.headers
        }
        path = head.target.decode("ascii").partition("?")[0]
        return Request(head.method.decode("ascii"), path, headers)

    async def read_body(self, request: Request) -> bytes:
        """Return a request's body. Raises HttpError for 400, 408 and 413."""
        too_large = HttpError(413, f"The body is larger than {BODY_BYTES} bytes.")
        if int(request.headers.get("content-length", "0")) > BODY_BYTES:
            raise too_large
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        async with _in_time("The request's body did not arrive in time."):
            while isinstance(part := await self._next_event(), h11.Data):
                body += part.data
                if len(body) > BODY_BYTES:
                    raise too_large
        return bytes(body)

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole response."""
        self._write_head(status, {**headers, "Content-Length": str(len(body))})
        for start in range(0, len(body), SLICE_BYTES):
            self._write(h11.Data(data=body[start : start + SLICE_BYTES]))
            await self.writer.drain()
        self._write(h11.EndOfMessage())
        await self.writer.drain()

    async def open_stream(self, headers: Mapping[str, str]) -> None:
        """Send the head of a response whose length is not known yet."""
        self._write_head(200, {**headers, "Transfer-Encoding": "chunked"})
        await self.writer.drain()

    async def send_chunk(self, data: bytes) -> None:
        """Send one part of a stream; nothing ends it properly but ``close_stream``."""
        self._write(h11.Data(data=data))
        await self.writer.drain()

    async def close_stream(self) -> None:
        """End a stream."""
        self._write(h11.EndOfMessage())
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

    async def _next_event(self) -> object:
        """Return h11's next event. Raises HttpError for what is no HTTP."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._receive())
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            is_long = status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            what = "The request's head is too large." if is_long else "This is no HTTP."
            raise HttpError(status, what) from error
        return event

    async def _receive(self) -> bytes:
        """Return bytes of the client. Raises ConnectionError when it has left."""
        data = await self.reader.read(SLICE_BYTES)
        if not data:
            raise ConnectionResetError
        return data

    def _write_head(self, status: int, headers: Mapping[str, str]) -> None:
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:  # 529 is not in the registry
            phrase = "Overloaded"
        named = {"Server": "chatd-demo-provider", **headers}
        self._write(
            h11.Response(status_code=status, headers=list(named.items()), reason=phrase)
        )

    def _write(self, event: h11.Event) -> None:
        self.writer.write(self._http.send(event) or b"")


@contextlib.asynccontextmanager
async def _in_time(message: str) -> AsyncIterator[None]:
    """Bound what is awaited inside. Raises HttpError with 408."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            yield
    except TimeoutError as error:
        raise HttpError(408, message) from error
