"""What the SDKs return, and where it is followed until it has come whole."""

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import Any

from chatdebug.enums import Operation
from chatdebug.errors import EmptyResultError
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
        if result is None:
            call.fail(EmptyResultError())
        elif hasattr(result, "_iterator"):
            watch(result, call)
        elif hasattr(result, "http_response"):
            _take_raw(call, result)
        elif (failure := call.format.failure(result)) is not None:
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


def _take_raw(call: Call, raw: Any) -> None:
    """Take a response that its caller parses, or reads, in its own way and time."""
    if raw.http_response.is_closed:
        json = raw.http_response.json
        if call.is_full:
            call.complete(lambda: wire_answer(json()), lambda: _usage(json()))
        else:
            call.complete()
        return
    parse, answer = raw.parse, _RawAnswer(call)
    on_close(raw.http_response, answer.close)

    def parse_here(*args: Any, **how: Any) -> Any:
        return answer.follow(parse(*args, **how))

    async def parse_in_task(*args: Any, **how: Any) -> Any:
        return answer.follow(await parse(*args, **how))

    raw.parse = parse_in_task if iscoroutinefunction(parse) else parse_here


class _RawAnswer:
    """What is known of a response that is not read yet.

    A stream that it is parsed to is followed. Any other is over when it is closed: it was
    handed over, and what its reader makes of it is no part of the call.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._is_followed = False

    def follow(self, parsed: Any) -> Any:
        """Return what the response was parsed to."""
        try:
            if hasattr(parsed, "_iterator"):
                watch(parsed, self._call)
                self._is_followed = True
        except Exception:
            logger.exception("The recorder could not follow an answer")
        return parsed

    def close(self) -> None:
        """Note that the response was closed."""
        if not self._is_followed:
            self._call.complete()


def _usage(body: Any) -> dict[str, Any]:
    return wire_usage(as_mapping(as_mapping(body).get("usage") or {}))


def _request(body: Mapping[str, Any]) -> WireRequest:
    # The caller's lists may go on growing.
    sent = {
        key: list(value) if isinstance(value, list) else value
        for key, value in body.items()
    }
    return WireRequest(lambda: sent)
