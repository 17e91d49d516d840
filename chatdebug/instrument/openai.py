"""``instrument_openai``: the calls of OpenAI's SDK as steps."""

from importlib import import_module
from typing import Any

from chatdebug.instrument.sdk import (
    Sdk,
    instrument_class,
    instrument_client,
    uninstrument_class,
    uninstrument_client,
)

OPENAI = Sdk(
    provider="openai",
    formats={
        "/chat/completions": "chat",
        "/completions": "chat",
        "/responses": "responses",
        "/embeddings": "chat",
    },
)
CLIENTS = ("OpenAI", "AsyncOpenAI")


def instrument_openai[Client](client: Client | None = None) -> Client | None:
    """Record the calls of a client of OpenAI's SDK, or without one of all clients.

    Each call of chat completions, responses, completions and embeddings is a step of the
    run that it is made in: sync, async and streaming, also by ``with_raw_response``,
    ``with_streaming_response``, ``parse`` and ``stream``. In no run, but after
    ``set_chat``, it makes a run of its own; else it costs nothing. Clients of Azure and of
    compatible providers are clients of OpenAI's.

    Returns the client. May be said twice, and before Django's apps are loaded. Raises
    ImportError where the SDK is not installed. What the SDK returns and raises is passed
    on unchanged::

        chatdebug.instrument_openai()

        with chatdebug.record_run(chat_id=chat.pk, owner_id=user.pk) as run:
            answer = client.chat.completions.create(model=model, messages=messages)
            run.complete()
    """
    if client is not None:
        instrument_client(client, OPENAI)
    else:
        for one in _classes():
            instrument_class(one, OPENAI)
    return client


def uninstrument_openai(client: object | None = None) -> None:
    """Take ``instrument_openai`` back: of this client, or without one of all clients."""
    if client is not None:
        uninstrument_client(client)
    else:
        for one in _classes():
            uninstrument_class(one)


def _classes() -> list[Any]:
    sdk = import_module("openai")
    return [getattr(sdk, name) for name in CLIENTS]
