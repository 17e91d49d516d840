"""Anthropic."""

from typing import TYPE_CHECKING

import httpx2

from chatd.llm.providers.base import Provider
from chatd.llm.wire.anthropic import AnthropicWire

if TYPE_CHECKING:
    from pydantic_ai.models import Model

SDK = "pydantic_ai.models.anthropic"


def messages_model(
    model: str, base_url: str, api_key: str, http_client: httpx2.AsyncClient
) -> "Model":
    """Return a model of Anthropic's messages."""
    from anthropic import AsyncAnthropic  # noqa: PLC0415 - costly; see Provider.sdk
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

    client = AsyncAnthropic(
        api_key=api_key, base_url=base_url, http_client=http_client, max_retries=0
    )
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


PROVIDERS = [
    Provider(
        name="anthropic",
        label="Anthropic",
        build_model=messages_model,
        sdk=SDK,
        wire=AnthropicWire,
        base_url="https://api.anthropic.com",
        key_variable="ANTHROPIC_API_KEY",
    )
]
