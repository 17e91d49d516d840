"""``instrument_litellm``: the calls of LiteLLM as steps."""

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any

FUNCTIONS = ("completion", "acompletion")


def instrument_litellm() -> None:
    """Record ``litellm.completion`` and ``litellm.acompletion``, streaming or not.

    Also those that a router makes. Each call is a step of the run that it is made in; in no
    run, but after ``set_chat``, it makes a run of its own. Call them as attributes of the
    module: a function that was imported before this is said stays as it was. May be said
    twice. Raises ImportError where LiteLLM is not installed::

        chatdebug.instrument_litellm()

        with chatdebug.set_chat(chat.pk, user.pk):
            litellm.completion(model=model, messages=messages)
    """
    litellm: Any = import_module("litellm")
    for name in FUNCTIONS:
        function = getattr(litellm, name)
        if not getattr(function, "is_recording", False):
            setattr(litellm, name, _recording(function))


def uninstrument_litellm() -> None:
    """Take ``instrument_litellm`` back."""
    litellm: Any = import_module("litellm")
    for name in FUNCTIONS:
        function = getattr(litellm, name)
        if getattr(function, "is_recording", False):
            setattr(litellm, name, function.__wrapped__)


def _recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with recording around it."""

    @wraps(function)
    def recording(*args: Any, **how: Any) -> Any:
        call = _recorder().begin_completion(args, how)
        if call is None:
            return function(*args, **how)
        try:
            result = function(*args, **how)
        except BaseException as error:
            call.fail(error)
            call.wait()
            raise
        finally:
            call.step.release()
        _recorder().take_completion(call, result)
        call.wait()
        return result

    @wraps(function)
    async def recording_async(*args: Any, **how: Any) -> Any:
        call = _recorder().begin_completion(args, how)
        if call is None:
            return await function(*args, **how)
        try:
            result = await function(*args, **how)
        except BaseException as error:
            call.fail(error)
            await call.wait_in_task(error)
            raise
        finally:
            call.step.release()
        _recorder().take_completion(call, result)
        await call.wait_in_task(None)
        return result

    wrapper: Any = recording_async if iscoroutinefunction(function) else recording
    wrapper.is_recording = True
    return wrapper  # type: ignore[no-any-return]


@cache
def _recorder() -> Any:
    # With the first call: Django's apps may not be loaded yet.
    return import_module("chatdebug.instrument.completions")
