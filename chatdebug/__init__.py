"""The flight recorder of chats with language models: what a host project calls.

Nothing is imported before it is used: neither Django's models, so that all of this can be
imported from settings, nor any SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatdebug.asgi import with_recorder
    from chatdebug.instrument.anthropic import (
        instrument_anthropic,
        uninstrument_anthropic,
    )
    from chatdebug.instrument.chats import set_chat
    from chatdebug.instrument.decorator import recorded
    from chatdebug.instrument.http import record_http, unrecord_http
    from chatdebug.instrument.langchain import (
        instrument_langchain,
        uninstrument_langchain,
    )
    from chatdebug.instrument.litellm import instrument_litellm, uninstrument_litellm
    from chatdebug.instrument.openai import instrument_openai, uninstrument_openai
    from chatdebug.instrument.pydantic_ai import (
        instrument_pydantic_ai,
        uninstrument_pydantic_ai,
    )
    from chatdebug.recorder import current_run, forget_chat, record_run

HOMES = {
    "current_run": "chatdebug.recorder",
    "forget_chat": "chatdebug.recorder",
    "instrument_anthropic": "chatdebug.instrument.anthropic",
    "instrument_langchain": "chatdebug.instrument.langchain",
    "instrument_litellm": "chatdebug.instrument.litellm",
    "instrument_openai": "chatdebug.instrument.openai",
    "instrument_pydantic_ai": "chatdebug.instrument.pydantic_ai",
    "record_http": "chatdebug.instrument.http",
    "record_run": "chatdebug.recorder",
    "recorded": "chatdebug.instrument.decorator",
    "set_chat": "chatdebug.instrument.chats",
    "uninstrument_anthropic": "chatdebug.instrument.anthropic",
    "uninstrument_langchain": "chatdebug.instrument.langchain",
    "uninstrument_litellm": "chatdebug.instrument.litellm",
    "uninstrument_openai": "chatdebug.instrument.openai",
    "uninstrument_pydantic_ai": "chatdebug.instrument.pydantic_ai",
    "unrecord_http": "chatdebug.instrument.http",
    "with_recorder": "chatdebug.asgi",
}
"""Where each name is at home."""

__all__ = [
    "current_run",
    "forget_chat",
    "instrument_anthropic",
    "instrument_langchain",
    "instrument_litellm",
    "instrument_openai",
    "instrument_pydantic_ai",
    "record_http",
    "record_run",
    "recorded",
    "set_chat",
    "uninstrument_anthropic",
    "uninstrument_langchain",
    "uninstrument_litellm",
    "uninstrument_openai",
    "uninstrument_pydantic_ai",
    "unrecord_http",
    "with_recorder",
]


def __getattr__(name: str) -> object:
    """Import what is asked for first. Raises AttributeError for what there is not."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *HOMES])
