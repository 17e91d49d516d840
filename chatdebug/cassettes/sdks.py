"""Which library made a call, as the recorded step tells, and how it is called again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from django.utils.translation import gettext

from chatdebug.cassettes.events import Protocol
from chatdebug.errors.payload import ErrorPayload

PACKAGES = {
    "pydantic_ai": "pydantic-ai",
    "litellm": "litellm",
    "openai": "openai",
    "anthropic": "anthropic",
    "httpx2": "httpx2",
    "httpx": "httpx",
}
"""By the names of their packages; a library stands before those that it uses itself."""
SDKS = tuple(sorted(PACKAGES.values()))
WITHOUT_SDK = ("httpx", "httpx2")
PATHS = {
    Protocol.OPENAI: "/chat/completions",
    Protocol.RESPONSES: "/responses",
    Protocol.ANTHROPIC: "/v1/messages",
}
CALLS = "chatdebug.cassettes.calls"


class UnknownCall(ValueError):
    """Nobody knows how this call was made, or how to make it again."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a call is made again."""

    sdk: str
    protocol: Protocol
    is_stream: bool
    path: str
    """How the address ends that is asked."""

    @property
    def module(self) -> ModuleType:
        """The module of ``chatdebug.cassettes.calls`` whose ``ask`` makes it.

        Raises UnknownCall if there is none, or if its library is not installed.
        """
        name = f"{CALLS}.{self.module_name}"
        try:
            return import_module(name)
        except ImportError as error:
            words = gettext("A call of %(sdk)s cannot be made here: %(says)s.")
            raise UnknownCall(words % {"sdk": self.sdk, "says": error}) from error

    @property
    def module_name(self) -> str:
        """The module's name, without its package."""
        if self.sdk in WITHOUT_SDK:
            return self.sdk
        parts = [self.sdk.replace("-", "_")]
        if self.sdk == "pydantic-ai":
            parts.append(self.protocol.value)
        elif self.protocol is Protocol.RESPONSES:
            parts.append("responses")
        return "_".join([*parts, "stream"] if self.is_stream else parts)

    @property
    def ask(self) -> Callable[..., Any]:
        """The function that makes it. Raises UnknownCall as ``module`` does."""
        ask: Callable[..., Any] = self.module.ask
        return ask


def way_of(
    error: ErrorPayload,
    request: Mapping[str, Any],
    *,
    path: str,
    provider: str,
    is_stream: bool,
    sdk: str = "",
) -> Way:
    """Return how a failed call is made again.

    Its own code stands in the frames of the error, which go from the project into the
    library and further down. ``path`` is that of the recorded HTTP attempt, if there was
    one. Raises UnknownCall where neither they nor ``sdk`` tell.
    """
    files = [frame["file"] for frame in error["frames"]]
    if not sdk:
        names = (name for name in PACKAGES if _passes(files, name))
        sdk = PACKAGES.get(next(names, ""), "") or _sdk_of_request(request)
    if not sdk:
        raise UnknownCall(
            gettext(
                "Nothing that was kept tells which library made the call; the option "
                "--sdk of the command chatdebug_make_test does."
            )
        )
    protocol = _protocol(files, path, f"{provider} {sdk}")
    asked = path if path and sdk in WITHOUT_SDK else PATHS[protocol]
    return Way(sdk, protocol, is_stream, asked)


def _passes(files: list[str], package: str) -> bool:
    marks = (f"site-packages/{package}/", f"dist-packages/{package}/")
    return any(file.startswith(marks) for file in files)


def _sdk_of_request(request: Mapping[str, Any]) -> str:
    """Return the library by what only its requests are kept with."""
    return "pydantic-ai" if "output_mode" in request else ""


def _protocol(files: list[str], path: str, names: str) -> Protocol:
    for protocol, ending in PATHS.items():
        if path and path.endswith(ending):
            return protocol
    if any("/responses" in file or "_responses" in file for file in files):
        return Protocol.RESPONSES
    if any("/anthropic" in file for file in files):
        return Protocol.ANTHROPIC
    if any("/openai/" in file for file in files) or "anthropic" not in names.lower():
        return Protocol.OPENAI
    return Protocol.ANTHROPIC
