"""``instrument_anthropic``: the calls of Anthropic's SDK as steps."""

from typing import overload

from chatdebug.instrument.sdk import Sdk, instrument, uninstrument

ANTHROPIC = Sdk(
    provider="anthropic",
    module="anthropic",
    clients=("Anthropic", "AsyncAnthropic"),
    formats={"/v1/messages": "messages"},
)


@overload
def instrument_anthropic(client: None = None) -> None: ...
@overload
def instrument_anthropic[Client](client: Client) -> Client: ...
def instrument_anthropic(client: object | None = None) -> object | None:
    """Record the calls of a client of Anthropic's SDK, or without one of all clients.

    Each message is a step of the run that it is made in: ``messages.create`` and
    ``messages.stream``, their beta variants, raw and streaming responses, sync and async.
    In no run it makes one of its own, of the chat that ``set_chat`` named, or of none.
    Without a client, those for Bedrock and Vertex are recorded too.

    Returns the client. May be said twice, and before Django's apps are loaded. Raises
    ImportError where the SDK is not installed. What the SDK returns and raises is passed
    on unchanged::

        client = chatdebug.instrument_anthropic(Anthropic())

        with chatdebug.set_chat(chat.pk, user.pk):
            client.messages.create(model=model, max_tokens=1000, messages=messages)
    """
    instrument(ANTHROPIC, client)
    return client


def uninstrument_anthropic(client: object | None = None) -> None:
    """Take ``instrument_anthropic`` back: of this client, or without one of all."""
    uninstrument(ANTHROPIC, client)
