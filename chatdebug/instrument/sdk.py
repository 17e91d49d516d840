"""The SDKs of OpenAI and Anthropic: every call goes through ``request`` of their client.

One generator made both, so one seam serves them: ``create``, its raw and streaming
variants, and helpers such as ``messages.stream`` all end there.

Imports nothing of the recorder until the first call, see ``calls``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chatdebug.instrument.wrapping import Function, is_recording, marked, recording
from chatdebug.logs import safe_logger

if TYPE_CHECKING:
    from chatdebug.instrument.calls import Call

logger = safe_logger("chatdebug.recorder")

COPIES = ("copy", "with_options")
"""Methods of a client that return another one."""


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK that is recorded."""

    provider: str
    module: str
    clients: tuple[str, ...]
    """Its classes of clients, the synchronous and the asynchronous one."""
    formats: Mapping[str, str]
    """Paths of the calls of a model, and the names of the formats of their answers."""


def instrument(sdk: Sdk, client: Any) -> None:
    """Record the calls of a client, or of all for None. Raises ImportError without the SDK."""
    if client is not None:
        _instrument_client(client, sdk)
        return
    for owner in _owners(sdk):
        if not is_recording(owner.request):
            owner.request = _recording(owner.request, sdk)


def uninstrument(sdk: Sdk, client: Any) -> None:
    """Take that back."""
    if client is not None:
        for name in ("request", *COPIES):
            if is_recording(vars(client).get(name)):
                delattr(client, name)
        return
    for owner in _owners(sdk):
        if is_recording(owner.request):
            owner.request = owner.request.__wrapped__


def _instrument_client(client: Any, sdk: Sdk) -> None:
    """Record the calls of one client, and of the copies that are made of it."""
    if is_recording(client.request):
        return
    client.request = _recording(client.request, sdk, client)
    for name in COPIES:
        setattr(client, name, _copying(getattr(client, name), sdk))


def _owners(sdk: Sdk) -> list[Any]:
    """Return the classes that define ``request``: also that of clients for other clouds."""
    module = import_module(sdk.module)
    return [
        next(one for one in getattr(module, name).__mro__ if "request" in vars(one))
        for name in sdk.clients
    ]


def _copying(copy: Function, sdk: Sdk) -> Function:
    @wraps(copy)
    def copying(*args: Any, **options: Any) -> Any:
        client = copy(*args, **options)
        _instrument_client(client, sdk)
        return client

    return marked(copying)


def _recording(request: Function, sdk: Sdk, *bound_to: Any) -> Function:
    """Return the method with recording around it; that of a client is bound to it."""

    def begin(client: Any, cast_to: Any, options: Any, **how: Any) -> "Call | None":
        try:
            format = sdk.formats.get(options.url.partition("?")[0])
            if format is None or options.method.lower() != "post":
                return None
            call: Call | None = _recorder().begin(
                client,
                options,
                provider=sdk.provider,
                format=format,
                is_stream=how.get("stream", False),
            )
        except Exception:
            logger.exception("The recorder could not begin a call")
            return None
        return call

    def take(call: "Call", result: Any) -> None:
        _recorder().take_result(call, result)

    return recording(request, partial(begin, *bound_to), take)


@cache
def _recorder() -> Any:
    return import_module("chatdebug.instrument.results")
