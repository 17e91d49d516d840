"""``instrument_openai``: the calls of OpenAI's SDK as steps."""

from typing import overload

from chatdebug.instrument.sdk import Sdk, instrument, uninstrument

OPENAI = Sdk(
    provider="openai",
    module="openai",
    clients=("OpenAI", "AsyncOpenAI"),
    formats={
        "/chat/completions": "chat",
        "/completions": "chat",
        "/responses": "responses",
        "/embeddings": "chat",
    },
)


@overload
def instrument_openai(client: None = None) -> None: ...
@overload
def instrument_openai[Client](client: Client) -> Client: ...
def instrument_openai(client: object | None = None) -> object | None:
    """Record the calls of a client of OpenAI's SDK, or without one of all clients.

    Each call of chat completions, responses, completions and embeddings is a step of the
    run that it is made in: sync, async and streaming, also by ``with_raw_response``,
    ``with_streaming_response``, ``parse`` and ``stream``. In no run it makes one of its
    own, of the chat that ``set_chat`` named, or of none. Clients of Azure and of compatible
    providers are clients of OpenAI's.

    Returns the client. May be said twice, and before Django's apps are loaded. Raises
    ImportError where the SDK is not installed. What the SDK returns and raises is passed
    on unchanged::

        chatdebug.instrument_openai()

        with chatdebug.record_run(chat_id=chat.pk, owner_id=user.pk) as run:
            answer = client.chat.completions.create(model=model, messages=messages)
            run.complete()
    """
    instrument(OPENAI, client)
    return client


def uninstrument_openai(client: object | None = None) -> None:
    """Take ``instrument_openai`` back: of this client, or without one of all clients."""
    uninstrument(OPENAI, client)
