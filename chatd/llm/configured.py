"""Builds the model that a configuration of the database describes."""

import asyncio

import httpx2
from pydantic_ai.models import Model

from chatd.demo_provider import DemoProvider
from chatd.enums import Provider
from chatd.env import read_key
from chatd.llm.addresses import (
    AddressRefused,
    check_address,
    check_key_variable,
    origin_of,
)
from chatd.llm.clients import shared_http_client
from chatd.llm.guard import recorded_and_guarded
from chatd.llm.providers import build_model, load_sdk, sdk_is_loaded
from chatd.models import ModelConfig
from chatdebug.errors import ClassifiedError, MissingKeyError, ProviderDisabledError
from chatdebug.recorder import RecordingModel, protect_secret

DEMO_KEY = "demo-key-that-opens-nothing"
DEMO_PROTOCOLS: dict[str, str] = {
    Provider.DEMO: Provider.OPENAI_COMPATIBLE,
    Provider.DEMO_ANTHROPIC: Provider.ANTHROPIC,
}
MODELS_KEPT = 100

_models: dict[tuple[httpx2.AsyncClient, str, str, str, str], Model] = {}
"""Built models by all that they were built of; a change of a configuration makes another."""
_demo_provider: DemoProvider | None = None


def set_demo_provider(server: DemoProvider | None) -> None:
    """Say which demo provider this process talks to; None: it has none."""
    global _demo_provider
    _demo_provider = server


async def configured_model(config: ModelConfig) -> Model:
    """Return the model of a configuration, recorded, on the loop's shared HTTP client.

    The provider's SDK is imported in a thread, if no model of it was built before. Raises
    MissingKeyError if the variable that holds the key is not set, ClassifiedError
    (config) if what it holds can be no key, AddressRefused for an address or a key that is
    not to be used, however it came to be in the database, and ProviderDisabledError for the
    demo provider where it does not run.
    """
    protocol, base_url, key = _connection(config)
    if not sdk_is_loaded(protocol):
        await asyncio.to_thread(load_sdk, protocol)
    client = shared_http_client(wrap=recorded_and_guarded)
    wanted = (client, protocol, config.model, base_url, key)
    if wanted not in _models:
        for known in [known for known in _models if known[0].is_closed]:
            del _models[known]
        if len(_models) >= MODELS_KEPT:
            _models.clear()
        _models[wanted] = RecordingModel(
            build_model(
                provider=protocol,
                model=config.model,
                base_url=base_url,
                api_key=key,
                http_client=client,
            )
        )
    return _models[wanted]


def load_enabled_sdks() -> None:
    """Import the SDKs of the models that can be used, so that no turn waits for it."""
    for provider in set(
        ModelConfig.objects.enabled().values_list("provider", flat=True)
    ):
        load_sdk(DEMO_PROTOCOLS.get(provider, provider))


def _connection(config: ModelConfig) -> tuple[str, str, str]:
    """Return wire protocol, base URL and key."""
    demo = _demo_provider
    if config.provider in (Provider.DEMO, Provider.DEMO_ANTHROPIC) and demo is None:
        raise ProviderDisabledError("The demo provider does not run here.")
    if demo is not None:
        protect_secret(DEMO_KEY)
    if config.provider == Provider.DEMO and demo:
        return DEMO_PROTOCOLS[config.provider], demo.openai_base_url, DEMO_KEY
    if config.provider == Provider.DEMO_ANTHROPIC and demo:
        return DEMO_PROTOCOLS[config.provider], demo.anthropic_base_url, DEMO_KEY
    check_address(config.base_url)
    return config.provider, config.base_url, _key(config)


def _key(config: ModelConfig) -> str:
    name = config.api_key_variable
    if not name:
        return ""
    check_key_variable(name)
    origin = origin_of(config.provider, config.base_url)
    if config.key_origin != origin:
        raise AddressRefused(
            f"The key in {name} was not entered for {origin}. A superuser can confirm it "
            "in the admin, on the page of this model."
        )
    try:
        key = read_key(name)
    except ValueError as error:
        raise ClassifiedError("config", str(error)) from None
    if not key:
        raise MissingKeyError(name)
    protect_secret(key)
    return key
