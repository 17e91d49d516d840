"""Builds the model that a configuration of the database describes."""

import asyncio
from typing import TYPE_CHECKING

import httpx2
from pydantic_ai.models import Model

from chatd.env import read_key
from chatd.llm.addresses import (
    AddressRefused,
    check_address,
    check_key_variable,
    origin_of,
)
from chatd.llm.clients import shared_http_client
from chatd.llm.faulty_requests import faulty
from chatd.llm.guard import recorded_and_guarded
from chatd.llm.providers import PROVIDERS, build_model
from chatdebug.errors import ClassifiedError, MissingKeyError, ProviderDisabledError
from chatdebug.recorder import RecordingModel, protect_secret

if TYPE_CHECKING:
    from chatd.models import ModelConfig

MODELS_KEPT = 100

_models: dict[tuple[httpx2.AsyncClient, str, str, str, str], Model] = {}
"""Built models by all that they were built of; a change of a configuration makes another."""


async def configured_model(config: "ModelConfig") -> Model:
    """Return the model of a configuration, recorded, on the loop's shared HTTP client.

    The provider's SDK is imported in a thread, if no model of it was built before. Raises
    MissingKeyError if the variable that holds the key is not set, ClassifiedError
    (config) if what it holds can be no key, AddressRefused for an address or a key that is
    not to be used, however it came to be in the database, and ProviderDisabledError for a
    provider that there is none of, or that does not run here.
    """
    provider = PROVIDERS.get(config.provider)
    if provider is None:
        raise ProviderDisabledError(f"There is no provider {config.provider!r} here.")
    if provider.connect is not None:
        base_url, key = provider.connect()
    else:
        base_url, key = config.base_url, _checked_key(config)
    if key:
        protect_secret(key)
    if not provider.sdk_is_loaded:
        await asyncio.to_thread(provider.load_sdk)
    client = shared_http_client(wire=provider.wire, wrap=recorded_and_guarded)
    wanted = (client, provider.name, config.model, base_url, key)
    if wanted not in _models:
        for known in [known for known in _models if known[0].is_closed]:
            del _models[known]
        if len(_models) >= MODELS_KEPT:
            _models.clear()
        model: Model = RecordingModel(
            build_model(
                provider=provider.name,
                model=config.model,
                base_url=base_url,
                api_key=key,
                http_client=client,
            )
        )
        _models[wanted] = faulty(model, config.model) if provider.is_demo else model
    return _models[wanted]


def _checked_key(config: "ModelConfig") -> str:
    """Return the key that goes to a configuration's address; empty if none is named.

    Raises as ``configured_model`` does.
    """
    check_address(config.base_url)
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
    return key
