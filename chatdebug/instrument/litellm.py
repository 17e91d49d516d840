"""``instrument_litellm``: the calls of LiteLLM as steps."""

from functools import cache
from importlib import import_module
from typing import Any

from chatdebug.instrument.wrapping import is_recording, recording

FUNCTIONS = ("completion", "acompletion")


def instrument_litellm() -> None:
    """Record ``litellm.completion`` and ``litellm.acompletion``, streaming or not.

    Also those that a router makes. Each call is a step of the run that it is made in; in no
    run it makes one of its own, of the chat that ``set_chat`` named, or of none. Call them
    as attributes of the module: a function that was imported before this is said stays as
    it was. May be said twice. Raises ImportError where LiteLLM is not installed::

        chatdebug.instrument_litellm()

        with chatdebug.set_chat(chat.pk, user.pk):
            litellm.completion(model=model, messages=messages)
    """
    litellm: Any = import_module("litellm")
    for name in FUNCTIONS:
        function = getattr(litellm, name)
        if not is_recording(function):
            setattr(litellm, name, recording(function, _begin, _take))


def uninstrument_litellm() -> None:
    """Take ``instrument_litellm`` back."""
    litellm: Any = import_module("litellm")
    for name in FUNCTIONS:
        function = getattr(litellm, name)
        if is_recording(function):
            setattr(litellm, name, function.__wrapped__)


def _begin(*args: Any, **how: Any) -> Any:
    return _recorder().begin_completion(*args, **how)


def _take(call: Any, result: Any) -> None:
    _recorder().take_completion(call, result)


@cache
def _recorder() -> Any:
    # With the first call: Django's apps may not be loaded yet.
    return import_module("chatdebug.instrument.completions")
