"""Notes what passes through a transport of httpx or httpx2, without importing either.

Both have the same requests, responses and byte streams under the same names.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
)
from functools import cache, lru_cache
from typing import Any

from chatdebug.logs import safe_logger
from chatdebug.safety import never_raises
from chatdebug.transport.attempts import Attempt, listening_sink
from chatdebug.transport.body import PIECE_BYTES, Body
from chatdebug.transport.exchange import Exchange

logger = safe_logger("chatdebug.recorder")

type Kinds = tuple[tuple[str, type], ...]
"""Classes beside the names of the two classes of streams that both libraries have."""


def send(handle: Callable[[Any], Any], request: Any) -> Any:
    """Return what ``handle`` makes of a request, and note both as an attempt.

    Raises what it raises. Without anyone who collects, the request passes untouched.
    """
    attempt = _begun(request)
    if attempt is None:
        return handle(request)

    hosts_trace = _trace_of(request)

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if attempt.trace(event):
            _stop_listening(request, hosts_trace)
        if hosts_trace is not None:
            hosts_trace(event, info)

    _listen(request, trace)
    try:
        response = handle(request)
    except BaseException as error:
        attempt.fail(error)
        raise
    finally:
        _stop_listening(request, hosts_trace)
    _follow(attempt, response)
    return response


async def send_async(handle: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
    """The same for an asynchronous ``handle``."""
    attempt = _begun(request)
    if attempt is None:
        return await handle(request)

    hosts_trace = _trace_of(request)

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if attempt.trace(event):
            _stop_listening(request, hosts_trace)
        if hosts_trace is not None:
            await hosts_trace(event, info)

    _listen(request, trace)
    try:
        response = await handle(request)
    except BaseException as error:
        attempt.fail(error)
        raise
    finally:
        _stop_listening(request, hosts_trace)
    _follow(attempt, response)
    return response


def _begun(request: Any) -> Attempt | None:
    """Return a new attempt, or None if nobody collects or it cannot be recorded."""
    sink = listening_sink()
    if sink is None:
        return None
    try:
        return sink.begin(
            Exchange(
                method=request.method,
                url=request.url,
                # A new list: an authentication may change them before it tries again.
                request_headers=request.headers.raw,
                sent=_replayable(request),
                received=Body(end_bytes=sink.end_bytes),
            )
        )
    except Exception:
        logger.exception("The recorder could not begin an attempt")
        return None


def _trace_of(request: Any) -> Callable[..., Any] | None:
    """Return what the host lets httpcore tell of the request."""
    found: Callable[..., Any] | None = request.extensions.get("trace")
    return found


@never_raises
def _listen(request: Any, trace: Callable[..., Any]) -> None:
    """Let httpcore tell ``trace`` of the connection."""
    # A new mapping: old releases of httpx share one between requests.
    request.extensions = {**request.extensions, "trace": trace}


@never_raises
def _stop_listening(request: Any, hosts_trace: Callable[..., Any] | None) -> None:
    """Leave the request as it was: after a redirect or a refusal it goes out again."""
    if hosts_trace is None:
        request.extensions.pop("trace", None)
    else:
        request.extensions["trace"] = hosts_trace


def _follow(attempt: Attempt, response: Any) -> None:
    """Note a response's head, and its body when the client reads that. Never raises.

    A transport that made the response itself, such as a mock or a cache, has read it
    already: nobody will iterate over its stream.
    """
    try:
        attempt.respond(response.status_code, response.headers.raw)
        if response.is_stream_consumed:
            attempt.receive(response.content)
            attempt.complete()
        elif (tee := class_for(response.stream, TEES)) is not None:
            response.stream = tee(response.stream, attempt)
    except Exception:
        logger.exception("The recorder could not note a response")


def _replayable(request: Any) -> Body | None:
    """Return the request's body if it is in memory; a stream can be read only once."""
    try:
        return Body(request.content)
    except RuntimeError:  # RequestNotRead
        return None


class _AsyncTee:
    """A response's stream that notes what the client reads, when it reads it."""

    def __init__(self, stream: Any, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = self._attempt.received
        room = received.room
        stream = self._stream.__aiter__()
        try:
            async for piece in stream:
                try:  # as ``received.add`` does, without a call for each piece
                    received.keep(piece)
                    room -= len(piece) + PIECE_BYTES
                    if room < 0:
                        room = received.settle()
                except Exception:
                    logger.exception("The recorder failed to note a piece")
                yield piece
        except GeneratorExit:
            raise  # the reader stopped; closing tells whether that was too early
        except BaseException as error:
            self._attempt.fail(error)
            raise
        else:
            # Not only when it is closed: some SDKs never do it.
            self._attempt.complete()
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except BaseException as error:
            self._attempt.fail(error)
            raise
        self._attempt.close()


class _SyncTee:
    """The same for a synchronous client."""

    def __init__(self, stream: Any, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        received = self._attempt.received
        room = received.room
        stream = iter(self._stream)
        try:
            for piece in stream:
                try:  # as ``received.add`` does, without a call for each piece
                    received.keep(piece)
                    room -= len(piece) + PIECE_BYTES
                    if room < 0:
                        room = received.settle()
                except Exception:
                    logger.exception("The recorder failed to note a piece")
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            self._attempt.fail(error)
            raise
        else:
            self._attempt.complete()
        finally:
            if isinstance(stream, Generator):
                stream.close()

    def close(self) -> None:
        try:
            self._stream.close()
        except BaseException as error:
            self._attempt.fail(error)
            raise
        self._attempt.close()


TEES: Kinds = (("AsyncByteStream", _AsyncTee), ("SyncByteStream", _SyncTee))


def class_for(stream: Any, kinds: Kinds) -> Any:
    """Return a class that is of its kind, and a stream of the same library.

    A client insists on the latter. Streams of bytes in memory serve both kinds of clients,
    and so does their class. None for a stream of neither library.
    """
    kind: type = type(stream)
    return _class_for(kind, kinds)


@lru_cache(maxsize=100)
def _class_for(stream: type, kinds: Kinds) -> type | None:
    by_name = dict(kinds)
    bases = tuple(base for base in stream.__mro__ if base.__name__ in by_name)
    return _join(tuple(by_name[base.__name__] for base in bases), bases)


@cache
def _join(kinds: tuple[type, ...], bases: tuple[type, ...]) -> type | None:
    return type(kinds[0].__name__, (*kinds, *bases), {}) if bases else None
