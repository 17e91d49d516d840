"""Makes a call as a turn does, for a failure that is played again.

``CHATDEBUG["PLAYED_CALL"]`` names it: what this site mends of an answer belongs to how it
fails.
"""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from chatd.llm.clients import close_http_clients, shared_http_client
from chatd.llm.providers import PROVIDERS, build_model
from chatd.llm.wire.openai import OpenAIWire
from chatd.turns.answer import Answer
from chatd.turns.bus.memory import MemoryBus
from chatd.turns.effort import Effort
from chatd.turns.policy import turn_policy
from chatdebug.errors import ProviderDisabledError

if TYPE_CHECKING:
    from chatdebug.testing import PlayedCall


async def ask(call: "PlayedCall") -> None:
    """Make one attempt at an answer. Raises what the turn would fail with."""
    # The system checks import this module, and should not have to pay for pydantic-ai.
    from pydantic_ai.messages import ModelMessagesTypeAdapter  # noqa: PLC0415

    from chatd.turns.generation import Generation  # noqa: PLC0415
    from chatdebug.recorder import RecordingModel, RecordingTransport  # noqa: PLC0415

    provider = PROVIDERS.get(call.provider)
    if provider is None:
        raise ProviderDisabledError(f"There is no provider {call.provider!r} here.")
    suffix = "/v1" if provider.wire is OpenAIWire else ""
    try:
        model = build_model(
            provider=provider.name,
            model=call.model,
            base_url=f"{call.base_url}{suffix}",
            api_key="",
            http_client=shared_http_client(wire=provider.wire, wrap=RecordingTransport),
        )
        generation = Generation(
            model=RecordingModel(model),
            provider=provider.name,
            policy=replace(
                turn_policy(provider.name),
                max_attempts=1,
                first_part=call.timeout,
                silence=call.timeout,
            ),
            answer=Answer(MemoryBus(), uuid4()),
            effort=Effort(),
        )
        messages = ModelMessagesTypeAdapter.validate_python(call.request["messages"])
        await generation.run(messages, publish_status=lambda status: None)
    finally:
        await close_http_clients()
