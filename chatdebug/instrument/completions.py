"""What LiteLLM's functions are given and return: chat completions in OpenAI's format."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any
from weakref import ReferenceType, finalize, ref

from chatdebug.enums import Operation
from chatdebug.errors import EmptyResultError
from chatdebug.instrument.calls import Call, begin_call
from chatdebug.instrument.streams import StreamWatch
from chatdebug.instrument.wire import as_mapping, wire_answer, wire_usage
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.logs import safe_logger

logger = safe_logger("chatdebug.recorder")

POSITIONAL = ("model", "messages")


def begin_completion(*args: Any, **how: Any) -> Call | None:
    """Return a call that begins with these arguments; None if nobody records it."""
    body = {**dict(zip(POSITIONAL, args, strict=False)), **how}
    model = str(body.get("model") or "")
    return begin_call(
        Operation.STREAM if body.get("stream") else Operation.GENERATE,
        provider=model.partition("/")[0] if "/" in model else "",
        model=model,
        request=lambda: _request(body),
    )


def take_completion(call: Call, result: Any) -> None:
    """End the call with what it returned, or follow that to its end. Never raises."""
    try:
        if result is None:
            call.fail(EmptyResultError())
        elif hasattr(result, "__next__") or hasattr(result, "__anext__"):
            kind: Any = type(result)
            # Held by its reader alone, so that it is closed as soon as nobody holds it.
            stream = ref(result)
            result.chatdebug_watch = watched = StreamWatch(call)
            if hasattr(result, "__next__"):
                result.chatdebug_events = watched.read(_events(kind, stream))
            if hasattr(result, "__anext__"):
                result.chatdebug_async_events = watched.read_async(
                    _async_events(kind, stream)
                )
            result.__class__ = _recorded(kind)
            # A generator that nobody has begun to read does not hear that it is dropped.
            finalize(result, watched.leave).atexit = False
        else:
            call.count_tokens(result)
            if call.is_full:
                call.complete(
                    lambda: wire_answer(as_mapping(result)),
                    lambda: wire_usage(
                        as_mapping(getattr(result, "usage", None) or {})
                    ),
                )
            else:
                call.complete()
    except Exception:
        logger.exception("The recorder could not follow an answer")
        call.complete()


def _request(body: dict[str, Any]) -> WireRequest:
    messages = body.get("messages")
    if isinstance(messages, list):
        body["messages"] = list(messages)  # the caller's list may go on growing
    return WireRequest(lambda: body)


@cache
def _recorded(kind: Any) -> type:
    """Return a class of streams that are read through a watch, which hears of their end."""

    def read(stream: Any) -> Any:
        return next(stream.chatdebug_events)

    async def read_async(stream: Any) -> Any:
        return await anext(stream.chatdebug_async_events)

    def close(stream: Any) -> Any:
        stream.chatdebug_watch.close()
        return kind.close(stream)

    async def aclose(stream: Any) -> Any:
        stream.chatdebug_watch.close()
        return await kind.aclose(stream)

    closing = {"close": close, "aclose": aclose}
    return type(
        kind.__name__,
        (kind,),
        {
            "__next__": read,
            "__anext__": read_async,
            **{name: way for name, way in closing.items() if hasattr(kind, name)},
        },
    )


def _events(kind: Any, stream: ReferenceType[Any]) -> Iterator[Any]:
    while True:
        try:
            event = kind.__next__(stream())
        except StopIteration:
            return
        yield event


async def _async_events(kind: Any, stream: ReferenceType[Any]) -> AsyncIterator[Any]:
    while True:
        try:
            event = await kind.__anext__(stream())
        except StopAsyncIteration:
            return
        yield event
