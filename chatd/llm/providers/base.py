"""What there is to know of a provider."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import httpx2

from chatd.llm.wire.protocol import WireProtocol

if TYPE_CHECKING:
    from pydantic_ai.models import Model

type ModelBuilder = Callable[[str, str, str, httpx2.AsyncClient], Model]
"""Takes the model's name, base URL, key and HTTP client."""


class Connection(NamedTuple):
    """Where a provider is, and the key that opens it."""

    base_url: str
    api_key: str


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One provider, whether a company, a kind of server, or the demo.

    The shapes of keys are not asked for: chatdebug knows those of the usual providers,
    and every key that is used is one of its known secrets from then on.
    """

    name: str
    """Stored with each model, and shown by the API."""
    label: str
    build_model: ModelBuilder
    sdk: str
    """The module that ``build_model`` imports. An SDK costs about half a second and
    30 MB, which a process that builds no model of it should not pay."""
    wire: type[WireProtocol]
    """Reads what its streams really send."""
    base_url: str = ""
    """Its own address; empty if each model has to name one."""
    key_variable: str = ""
    """The variable whose key may go to its own address without a superuser's word."""
    subject: str = ""
    """How sentences about its errors begin, and words of an error's text, in lower case,
    that tell of it: both only where chatdebug does not know the provider by itself."""
    mentions: tuple[str, ...] = ()
    is_demo: bool = False
    connect: Callable[[], Connection] | None = None
    """Returns where it is, for a provider whose place no configuration says. Raises
    ProviderDisabledError if it is nowhere."""

    @property
    def needs_base_url(self) -> bool:
        """Whether a model of it has to name an address."""
        return not self.base_url and self.connect is None

    @property
    def sdk_is_loaded(self) -> bool:
        """Whether ``build_model`` would import nothing costly any more."""
        return self.sdk in sys.modules

    def load_sdk(self) -> None:
        """Import what ``build_model`` needs: a matter for a thread."""
        import_module(self.sdk)
