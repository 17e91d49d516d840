"""What the SDKs return, and where it is followed until it has come whole."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from inspect import iscoroutinefunction
from typing import Any
from weakref import finalize

from chatdebug.enums import Operation
from chatdebug.errors import EmptyResultError, TextResultError
from chatdebug.instrument.answers import CHAT, MESSAGES, RESPONSES, Format
from chatdebug.instrument.calls import Call, begin_call
from chatdebug.instrument.http import record_http
from chatdebug.instrument.streams import on_close, watch
from chatdebug.instrument.wire import as_mapping, wire_answer, wire_usage
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.logs import safe_logger
from chatdebug.safety import never_raises

logger = safe_logger("chatdebug.recorder")

FORMATS: dict[str, Format] = {
    "chat": CHAT,
    "responses": RESPONSES,
    "messages": MESSAGES,
}


def begin(
    client: Any, options: Any, *, provider: str, format: str, is_stream: bool
) -> Call | None:
    """Return a call that begins with this request of the client; None if unrecorded."""
    body = options.json_data if isinstance(options.json_data, Mapping) else {}
    model = body.get("model")
    call = begin_call(
        Operation.STREAM if is_stream else Operation.GENERATE,
        provider=provider,
        model=model if isinstance(model, str) else "",
        request=lambda: _request(body),
        format=FORMATS[format],
    )
    if call is not None and (call.is_full or call.is_held):
        _record_attempts(client)
    return call


@never_raises
def _record_attempts(client: Any) -> None:
    record_http(client._client)


def take_result(call: Call, result: Any) -> None:
    """End the call with what it returned, or follow that to its end. Never raises."""
    try:
        if hasattr(result, "_iterator"):
            watch(result, call)
        elif hasattr(result, "http_response"):
            _take_raw(call, result)
        elif (failure := _failure_of(call, result)) is not None:
            call.fail(failure)
        else:
            call.count_tokens(result)
            if call.is_full:
                call.complete(
                    lambda: wire_answer(as_mapping(result)),
                    lambda: _usage(result),
                )
            else:
                call.complete()
    except Exception:
        logger.exception("The recorder could not follow an answer")
        call.complete()


def _failure_of(call: Call, result: Any) -> BaseException | None:
    """Return what is wrong with an answer that the SDK hands over without raising."""
    if result is None:
        return EmptyResultError()
    if isinstance(result, str):  # which is no JSON, or the SDK would have read it
        return TextResultError(result)
    return call.format.failure(result)


def _take_raw(call: Call, raw: Any) -> None:
    """Take a response that its caller parses, or reads, in its own way and time."""
    response = raw.http_response
    raw.chatdebug_answer = answer = _RawAnswer(call, response)
    kind: Any = type(raw)
    raw.__class__ = _followed(kind)
    if response.is_closed:  # whole, and may be parsed as long as somebody has it
        finalize(raw, answer.close).atexit = False
    else:
        on_close(response, answer.close, call)


@cache
def _followed(kind: Any) -> type:
    """Return a class of raw responses that tell what they were parsed to."""
    parse = kind.parse

    def parse_here(raw: Any, *args: Any, **how: Any) -> Any:
        answer: _RawAnswer = raw.chatdebug_answer
        try:
            with answer.being_parsed():
                parsed = parse(raw, *args, **how)
            answer.follow(parsed, is_of_callers_kind=bool(args or how))
        finally:
            answer.call.wait()
        return parsed

    async def parse_in_task(raw: Any, *args: Any, **how: Any) -> Any:
        answer: _RawAnswer = raw.chatdebug_answer
        try:
            with answer.being_parsed():
                parsed = await parse(raw, *args, **how)
            answer.follow(parsed, is_of_callers_kind=bool(args or how))
        finally:
            await answer.call.wait_in_task(sys.exception())
        return parsed

    own = parse_in_task if iscoroutinefunction(parse) else parse_here
    return type(kind.__name__, (kind,), {"parse": wraps(parse)(own)})


class _RawAnswer:
    """What is known of a response that its caller may parse.

    A stream that it is parsed to is followed. Any other is over when it was parsed, or
    cannot be; else when it is closed, or dropped: it was handed over, and what its reader
    makes of it is no part of the call.
    """

    def __init__(self, call: Call, response: Any) -> None:
        self.call = call
        # A whole one: of another one nothing may be held.
        self._json = response.json if response.is_closed else None
        self._is_parsed = self._has_failed = False

    @contextmanager
    def being_parsed(self) -> Iterator[None]:
        """Note what is raised while the response is parsed, and maybe read for that."""
        self._is_parsed = True  # what closes it now is no end
        try:
            yield
        except BaseException as error:
            self._fail(error)
            raise

    @never_raises
    def follow(self, parsed: Any, *, is_of_callers_kind: bool) -> None:
        """Take what the response was parsed to."""
        if hasattr(parsed, "_iterator"):
            watch(parsed, self.call)
        elif is_of_callers_kind:
            self._complete()
        elif (failure := _failure_of(self.call, parsed)) is not None:
            self._fail(failure)
        else:
            take_result(self.call, parsed)

    def close(self) -> None:
        """Note that the response was closed, or dropped."""
        if not self._is_parsed:
            self._complete()

    def _complete(self) -> None:
        json = self._json
        if self.call.is_full and json is not None:
            self.call.complete(lambda: wire_answer(json()), lambda: _usage(json()))
        else:
            self.call.complete()

    def _fail(self, error: BaseException) -> None:
        """Say once that the call failed, also after it was read and closed before."""
        if not self._has_failed:
            self._has_failed = True
            self.call.reopen()
            self.call.fail(error)


def _usage(body: Any) -> dict[str, Any]:
    return wire_usage(as_mapping(as_mapping(body).get("usage") or {}))


def _request(body: Mapping[str, Any]) -> WireRequest:
    # The caller's lists may go on growing.
    sent = {
        key: list(value) if isinstance(value, list) else value
        for key, value in body.items()
    }
    return WireRequest(lambda: sent)
