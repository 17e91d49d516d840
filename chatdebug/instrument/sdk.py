"""The SDKs of OpenAI and Anthropic: every call goes through ``request`` of their client.

One generator made both, so one seam serves them: ``create``, its raw and streaming
variants, and helpers such as ``messages.stream`` all end there.

Imports nothing of the recorder until the first call, see ``calls``.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from importlib import import_module
from inspect import iscoroutinefunction
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatdebug.instrument.calls import Call

logger = logging.getLogger("chatdebug.recorder")

type Request = Callable[..., Any]

COPIES = ("copy", "with_options")
"""Methods of a client that return another one."""


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK that is recorded."""

    provider: str
    formats: Mapping[str, str]
    """Paths of the calls of a model, and the names of the formats of their answers."""


def instrument_class(client_class: type, sdk: Sdk) -> None:
    """Record the calls of all clients that inherit ``request`` from where this one does."""
    owner = _owner(client_class)
    if not _is_recording(owner.request):
        owner.request = _recording(owner.request, sdk)


def uninstrument_class(client_class: type) -> None:
    """Take that back."""
    owner = _owner(client_class)
    if _is_recording(owner.request):
        owner.request = owner.request.__wrapped__


def instrument_client(client: Any, sdk: Sdk) -> None:
    """Record the calls of one client, and of the copies that are made of it."""
    if _is_recording(client.request):
        return
    client.request = MethodType(_recording(_unbound(client.request), sdk), client)
    for name in COPIES:
        setattr(client, name, _copying(getattr(client, name), sdk))


def uninstrument_client(client: Any) -> None:
    """Take that back."""
    for name in ("request", *COPIES):
        if _is_recording(vars(client).get(name)):
            delattr(client, name)


def _owner(client_class: type) -> Any:
    """Return the class that defines ``request``: also that of clients for other clouds."""
    return next(one for one in client_class.__mro__ if "request" in vars(one))


def _is_recording(function: Any) -> bool:
    return getattr(function, "is_recording", False)


def _unbound(method: Request) -> Request:
    """Return a function that takes the client first, whatever has replaced the method."""

    @wraps(method)
    def unbound(_client: Any, *args: Any, **how: Any) -> Any:
        return method(*args, **how)

    if not iscoroutinefunction(method):
        return unbound

    @wraps(method)
    async def unbound_async(_client: Any, *args: Any, **how: Any) -> Any:
        return await method(*args, **how)

    return unbound_async


def _copying(copy: Request, sdk: Sdk) -> Request:
    @wraps(copy)
    def copying(*args: Any, **options: Any) -> Any:
        client = copy(*args, **options)
        instrument_client(client, sdk)
        return client

    copying.is_recording = True  # type: ignore[attr-defined]
    return copying


def _recording(request: Request, sdk: Sdk) -> Request:
    """Return the method with recording around it."""

    @wraps(request)
    def recording(client: Any, cast_to: Any, options: Any, **how: Any) -> Any:
        call = _begin(sdk, client, options, is_stream=how.get("stream", False))
        if call is None:
            return request(client, cast_to, options, **how)
        try:
            result = request(client, cast_to, options, **how)
        except BaseException as error:
            call.fail(error)
            call.wait()
            raise
        finally:
            call.step.release()
        _recorder().take_result(call, result, sdk.formats[_path(options)])
        call.wait()
        return result

    @wraps(request)
    async def recording_async(
        client: Any, cast_to: Any, options: Any, **how: Any
    ) -> Any:
        call = _begin(sdk, client, options, is_stream=how.get("stream", False))
        if call is None:
            return await request(client, cast_to, options, **how)
        try:
            result = await request(client, cast_to, options, **how)
        except BaseException as error:
            call.fail(error)
            await call.wait_in_task(error)
            raise
        finally:
            call.step.release()
        _recorder().take_result(call, result, sdk.formats[_path(options)])
        await call.wait_in_task(None)
        return result

    wrapper: Any = recording_async if iscoroutinefunction(request) else recording
    wrapper.is_recording = True
    return wrapper  # type: ignore[no-any-return]


def _begin(sdk: Sdk, client: Any, options: Any, *, is_stream: bool) -> "Call | None":
    """Return the call that begins, or None if it is no model's or nobody records it."""
    try:
        if options.method.lower() == "post" and _path(options) in sdk.formats:
            call: Call | None = _recorder().begin(
                client, options, provider=sdk.provider, is_stream=is_stream
            )
            return call
    except Exception:
        logger.exception("The recorder could not begin a call")
    return None


def _path(options: Any) -> str:
    path: str = options.url.partition("?")[0]
    return path


@cache
def _recorder() -> Any:
    return import_module("chatdebug.instrument.results")
