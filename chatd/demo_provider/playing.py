"""Plays a behaviour's actions to a client, as a stream or as one whole answer."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from chatd.demo_provider.behaviours import (
    Action,
    Fail,
    Finish,
    Garble,
    Page,
    Reset,
    Silence,
    Text,
    Wait,
)
from chatd.demo_provider.http import Connection
from chatd.demo_provider.wire import Call, ErrorShape, FinishReason, Wire, dump

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
SSE = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between words, and before the first word of a slow model."""

    word_delay: float
    slow_delay: float


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One call, where it came from, and how to answer there."""

    connection: Connection
    wire: Wire
    call: Call
    request_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {self.wire.REQUEST_ID_HEADER: self.request_id}

    async def show(self, page: Page) -> None:
        body = page.html.encode()
        headers = HTML | self.headers | {"Server": page.server}
        await self.connection.send(page.status, headers, body)

    async def fail(self, fail: Fail) -> None:
        shape = self.worded(fail)
        headers = JSON | self.headers
        if fail.retry_after is not None:
            headers["Retry-After"] = str(fail.retry_after)
        body = dump(self.wire.error(shape, self.request_id))
        await self.connection.send(shape.status, headers, body)

    def worded(self, fail: Fail) -> ErrorShape:
        """Return the protocol's shape of a failure, with the words filled in."""
        shape = self.wire.ERRORS[fail.fault]
        names = {"model": self.call.model, "key": self.call.api_key}
        return shape._replace(message=fail.message or shape.message.format(**names))


@dataclass
class StreamedReply:
    """Sends server-sent events; the response begins with the first of them."""

    exchange: Exchange
    words: int = 0
    is_open: bool = False

    async def send_text(self, piece: str) -> None:
        wire, call = self.exchange.wire, self.exchange.call
        await self._send(wire.text(call, piece, first=self.words == 0))
        self.words += 1

    async def garble(self) -> None:
        event = self.exchange.wire.text(self.exchange.call, "garbled", first=False)
        await self._send(event[:-8] + b"\n\n")

    async def finish(self, reason: FinishReason) -> None:
        call = self.exchange.call
        await self._send(self.exchange.wire.closing(call, reason, self.words))

    async def fail(self, fail: Fail) -> None:
        if not self.is_open:
            await self.exchange.fail(fail)
            return
        wire, shape = self.exchange.wire, self.exchange.worded(fail)
        error = wire.error(shape, self.exchange.request_id)
        await self._send(wire.stream_error(error))
        await self.end()

    async def end(self) -> None:
        await self.exchange.connection.close_stream()

    async def _send(self, events: bytes) -> None:
        connection = self.exchange.connection
        if not self.is_open:
            self.is_open = True
            await connection.open_stream(SSE | self.exchange.headers)
            events = self.exchange.wire.opening(self.exchange.call) + events
        await connection.send_chunk(events)


@dataclass
class WholeReply:
    """Collects the answer and sends it at its end."""

    exchange: Exchange
    pieces: list[str] = field(default_factory=list)
    reason: FinishReason | None = None
    is_garbled: bool = False

    async def send_text(self, piece: str) -> None:
        self.pieces.append(piece)

    async def garble(self) -> None:
        self.is_garbled = True

    async def finish(self, reason: FinishReason) -> None:
        self.reason = reason

    async def fail(self, fail: Fail) -> None:
        await self.exchange.fail(fail)

    async def end(self) -> None:
        exchange = self.exchange
        answer = exchange.wire.whole(exchange.call, "".join(self.pieces), self.reason)
        body = dump(answer)
        await exchange.connection.send(
            200, JSON | exchange.headers, body[:-8] if self.is_garbled else body
        )


async def play(actions: Iterable[Action], exchange: Exchange, pace: Pace) -> None:
    """Do what the actions say, in the way in which the client asked for its answer."""
    streamed = exchange.call.stream
    reply = StreamedReply(exchange) if streamed else WholeReply(exchange)
    for action in actions:
        match action:
            case Text(piece):
                await reply.send_text(piece)
                await asyncio.sleep(pace.word_delay)
            case Finish(reason):
                await reply.finish(reason)
            case Wait():
                await asyncio.sleep(pace.slow_delay)
            case Garble():
                await reply.garble()
            case Silence():
                await asyncio.Event().wait()
            case Reset():
                exchange.connection.reset()
                return
            case Fail():
                await reply.fail(action)
                return
            case Page():
                await exchange.show(action)
                return
    await reply.end()
