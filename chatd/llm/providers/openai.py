"""OpenAI, and what every server needs that speaks its chat completions."""

from typing import TYPE_CHECKING

import httpx2

from chatd.llm.providers.base import Provider
from chatd.llm.wire.openai import OpenAIWire

if TYPE_CHECKING:
    from pydantic_ai.models import Model

SDK = "pydantic_ai.models.openai"


def chat_model(
    model: str,
    base_url: str,
    api_key: str,
    http_client: httpx2.AsyncClient,
    *,
    is_compatible: bool = False,
) -> "Model":
    """Return a model of chat completions; ``is_compatible`` if it is not OpenAI's own.

    A stream that ends without a finish reason raises pydantic-ai's ``ModelAPIError``.
    """
    from openai import AsyncOpenAI  # noqa: PLC0415 - costly; see Provider.sdk
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415
    from pydantic_ai.providers.openai_compatible import (  # noqa: PLC0415
        OpenAICompatibleProvider,
    )

    client = AsyncOpenAI(
        api_key=api_key, base_url=base_url, http_client=http_client, max_retries=0
    )
    return OpenAIChatModel(
        model,
        # OpenAIProvider would claim features that only OpenAI's own API has.
        provider=OpenAICompatibleProvider("openai_compatible", openai_client=client)
        if is_compatible
        else OpenAIProvider(openai_client=client),
        profile=OpenAIModelProfile(
            # Without it, a stream that just ends is reported as finished with "stop".
            openai_chat_streaming_requires_finish_reason=True,
            # pydantic-ai finds only tags that come alone; chatd looks for them itself.
            thinking_tags=("\0<think>", "\0</think>"),
        ),
    )


PROVIDERS = [
    Provider(
        name="openai",
        label="OpenAI",
        build_model=chat_model,
        sdk=SDK,
        wire=OpenAIWire,
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
    )
]
