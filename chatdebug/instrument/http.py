"""``record_http``: the HTTP attempts of a client of httpx or httpx2.

Each transport that the client has, also one for a proxy or a mount, notes what passes
through it. It stays the transport that it was, with its limits, certificates and pool.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from chatdebug.transport.roundtrips import send, send_async

METHODS = ("handle_request", "handle_async_request")


def record_http[Client](client: Client) -> Client:
    """Let the requests of this client be attempts of the step that they are made in.

    ``client`` is a ``Client`` or ``AsyncClient`` of httpx or httpx2; it is returned.
    Proxies, mounts, event hooks and limits stay as they are. Attempts are kept at the
    full level only: without a step that keeps them, a request costs a look at a context
    variable. Said twice, it counts once. Raises TypeError for anything else::

        client = record_http(httpx.Client(timeout=30))
        with record_run(chat_id=chat.pk) as run, run.step():
            client.post("https://api.example.com/v1/chat", json=question)
    """
    for transport in _transports(client):
        if not getattr(transport, "records_attempts", False):
            transport.records_attempts = True
            if hasattr(transport, "handle_request"):
                transport.handle_request = _recorded(transport.handle_request)
            if hasattr(transport, "handle_async_request"):
                transport.handle_async_request = _recorded_async(
                    transport.handle_async_request
                )
    return client


def unrecord_http(client: object) -> None:
    """Take ``record_http`` back. Raises TypeError for what is no client."""
    for transport in _transports(client):
        vars(transport).pop("records_attempts", None)
        for name in METHODS:
            recorded = vars(transport).pop(name, None)
            # Unless what it had was its class's, it was one of its own.
            if recorded and getattr(transport, name) != recorded.__wrapped__:
                setattr(transport, name, recorded.__wrapped__)


def _transports(client: Any) -> list[Any]:
    try:
        found = [client._transport, *client._mounts.values()]
    except AttributeError as error:
        kind = type(client).__name__
        raise TypeError(f"{kind} is no client of httpx or httpx2") from error
    return [transport for transport in found if transport is not None]


def _recorded(handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(handle)
    def recorded(request: Any) -> Any:
        return send(handle, request)

    return recorded


def _recorded_async(handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(handle)
    async def recorded(request: Any) -> Any:
        return await send_async(handle, request)

    return recorded
