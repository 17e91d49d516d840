"""Builds the model that a configuration of the database describes."""

from pydantic_ai.models import Model

from chatd.demo_provider import DemoProvider
from chatd.enums import Provider
from chatd.llm.addresses import (
    AddressRefused,
    check_address,
    check_key_variable,
    key_env,
    origin_of,
)
from chatd.llm.clients import shared_http_client
from chatd.llm.guard import recorded_and_guarded
from chatd.llm.providers import build_model
from chatd.models import ModelConfig
from chatdebug.errors import MissingKeyError, ProviderDisabledError
from chatdebug.recorder import RecordingModel, protect_secret

DEMO_KEY = "demo-key-that-opens-nothing"

_demo_provider: DemoProvider | None = None


def set_demo_provider(server: DemoProvider | None) -> None:
    """Say which demo provider this process talks to; None: it has none."""
    global _demo_provider
    _demo_provider = server


def configured_model(config: ModelConfig) -> Model:
    """Return the model of a configuration, recorded, on the loop's shared HTTP client.

    Raises MissingKeyError if the variable that holds the key is not set, and
    ProviderDisabledError for the demo provider where it does not run, and for an address
    or a key that is not to be used, however it came to be in the database.
    """
    protocol, base_url, key = _connection(config)
    return RecordingModel(
        build_model(
            provider=protocol,
            model=config.model,
            base_url=base_url,
            api_key=key,
            http_client=shared_http_client(wrap=recorded_and_guarded),
        )
    )


def _connection(config: ModelConfig) -> tuple[str, str, str]:
    """Return wire protocol, base URL and key."""
    demo = _demo_provider
    if config.provider in (Provider.DEMO, Provider.DEMO_ANTHROPIC) and demo is None:
        raise ProviderDisabledError("The demo provider does not run here.")
    if demo is not None:
        protect_secret(DEMO_KEY)
    if config.provider == Provider.DEMO and demo:
        return Provider.OPENAI_COMPATIBLE, demo.openai_base_url, DEMO_KEY
    if config.provider == Provider.DEMO_ANTHROPIC and demo:
        return Provider.ANTHROPIC, demo.anthropic_base_url, DEMO_KEY
    try:
        check_address(config.base_url)
        return config.provider, config.base_url, _key(config)
    except AddressRefused as error:
        raise ProviderDisabledError(str(error)) from error


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
    key = key_env.str(name, "")
    if not key:
        raise MissingKeyError(name)
    protect_secret(key)
    return key
