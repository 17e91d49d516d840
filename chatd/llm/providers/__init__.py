"""The providers of models, each one a module of this package.

A new provider is a new module with a list ``PROVIDERS``: it is found here, and with it
all that asks for providers, such as the admin's form, has one more.
"""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import httpx2

from chatd.llm.providers.base import Provider

if TYPE_CHECKING:
    from pydantic_ai.models import Model

__all__ = [
    "PROVIDERS",
    "Provider",
    "build_model",
    "find_providers",
    "is_demo",
    "load_sdks",
    "provider_choices",
]

# The SDKs insist on some key, and look for one in the environment if they get none.
NO_KEY = "no-key"


def find_providers() -> dict[str, Provider]:
    """Return the providers of all modules here by their names, those of the demo last."""
    modules = [
        import_module(f"{__name__}.{module.name}")
        for module in iter_modules(__path__)
        if module.name != "base"
    ]
    found = [provider for module in modules for provider in module.PROVIDERS]
    found.sort(key=lambda provider: (provider.is_demo, provider.label))
    return {provider.name: provider for provider in found}


PROVIDERS = find_providers()


def provider_choices() -> list[tuple[str, str]]:
    """Return names and labels, for the column and its forms.

    Migrations name this function, so a provider more or less needs none.
    """
    return [(provider.name, provider.label) for provider in PROVIDERS.values()]


def is_demo(name: str) -> bool:
    """Return whether a provider is the embedded one, which has no language model."""
    return name in PROVIDERS and PROVIDERS[name].is_demo


def load_sdks(names: Iterable[str]) -> None:
    """Import what models of these providers need: a matter for a thread."""
    for name in names:
        if name in PROVIDERS:
            PROVIDERS[name].load_sdk()


def build_model(
    *,
    provider: str,
    model: str,
    base_url: str,
    api_key: str,
    http_client: httpx2.AsyncClient,
) -> "Model":
    """Return a model that calls a provider through an HTTP client, which stays open.

    An empty ``base_url`` means the provider's own address, an empty ``api_key`` that the
    provider needs none; the environment is asked for neither. The SDK makes one attempt
    only: retries are chatd's own, so that they can be seen and stopped. Raises ValueError
    if there is no such provider, or no address of it.
    """
    if provider not in PROVIDERS:
        raise ValueError(f"There is no provider {provider!r}.")
    found = PROVIDERS[provider]
    if not (base_url or found.base_url):
        raise ValueError(f"The provider {found.label} needs a base URL.")
    return found.build_model(
        model, base_url or found.base_url, api_key or NO_KEY, http_client
    )
