"""Builds the models of pydantic-ai that chatd talks to.

The provider SDKs are imported when the first model of theirs is built: each costs about
half a second and 30 MB, which a process that builds none should not pay.
"""

import sys
from importlib import import_module

import httpx2
from pydantic_ai.models import Model

# The SDKs insist on some key, and look for one in the environment if they get none.
NO_KEY = "no-key"

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"


SDK_MODULES = {
    "openai": "pydantic_ai.models.openai",
    "openai_compatible": "pydantic_ai.models.openai",
    "anthropic": "pydantic_ai.models.anthropic",
}


def load_sdk(provider: str) -> None:
    """Import what ``build_model`` needs for a provider: a matter for a thread."""
    if provider in SDK_MODULES:
        import_module(SDK_MODULES[provider])


def sdk_is_loaded(provider: str) -> bool:
    """Say whether ``build_model`` would import nothing costly any more."""
    return SDK_MODULES.get(provider, "") in sys.modules


def build_model(
    *,
    provider: str,
    model: str,
    base_url: str,
    api_key: str,
    http_client: httpx2.AsyncClient,
) -> Model:
    """Return a model that calls a provider through an HTTP client, which stays open.

    ``provider`` is "openai", "openai_compatible" or "anthropic". An empty ``base_url``
    means the provider's own address, an empty ``api_key`` that the provider needs none;
    the environment is asked for neither. The SDK makes one attempt only: retries are
    chatd's own, so that they can be seen and stopped. A stream of OpenAI's protocol that
    ends without a finish reason raises pydantic-ai's ``ModelAPIError``. Raises ValueError
    for any other provider, and for an OpenAI-compatible one without a ``base_url``.
    """
    key = api_key or NO_KEY
    match provider:
        case "openai":
            return _openai_model(model, base_url or OPENAI_URL, key, http_client)
        case "openai_compatible" if base_url:
            return _openai_model(model, base_url, key, http_client, is_compatible=True)
        case "openai_compatible":
            raise ValueError("An OpenAI-compatible provider needs a base URL.")
        case "anthropic":
            return _anthropic_model(model, base_url or ANTHROPIC_URL, key, http_client)
        case _:
            raise ValueError(f"There is no provider {provider!r}.")


def _openai_model(
    model: str,
    base_url: str,
    api_key: str,
    http_client: httpx2.AsyncClient,
    *,
    is_compatible: bool = False,
) -> Model:
    from openai import AsyncOpenAI  # noqa: PLC0415 (costly; see the module)
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


def _anthropic_model(
    model: str, base_url: str, api_key: str, http_client: httpx2.AsyncClient
) -> Model:
    from anthropic import AsyncAnthropic  # noqa: PLC0415 (costly; see the module)
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

    client = AsyncAnthropic(
        api_key=api_key, base_url=base_url, http_client=http_client, max_retries=0
    )
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))
