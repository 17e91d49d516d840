"""A module that behaves as LiteLLM does to its callers: too heavy to be installed here.

Its functions ask a provider by OpenAI's SDK and return what that returns: an answer with
``model_dump``, or a wrapper around the stream, which is synchronous and asynchronous at
once, is an object of its own, and has ``close`` and ``aclose``.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from types import ModuleType
from typing import Any

import openai


class MidStreamFallbackError(Exception):
    """What breaks a stream comes as this, with the cause in an attribute."""

    def __init__(self, original: Exception) -> None:
        super().__init__(str(original))
        self.original_exception = original


class CustomStreamWrapper:
    """A stream: its iterator is itself."""

    def __init__(self, events: Any) -> None:
        self.completion_stream = events

    def __iter__(self) -> Iterator[Any]:
        return self

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self.completion_stream)
        except ValueError as error:
            raise MidStreamFallbackError(error) from error

    async def __anext__(self) -> Any:
        try:
            return await anext(self.completion_stream)
        except ValueError as error:
            raise MidStreamFallbackError(error) from error

    def close(self) -> None:
        self.completion_stream.close()

    async def aclose(self) -> None:
        await self.completion_stream.aclose()


def completion(
    model: str,
    messages: Any,
    *,
    api_base: str,
    api_key: str,
    stream: bool = False,
    timeout: float = 600,
) -> Any:
    """Ask; ``model`` is "provider/name"."""
    name = model.partition("/")[2]
    with ExitStack() as stack:
        client = stack.enter_context(
            openai.OpenAI(
                base_url=api_base, api_key=api_key, max_retries=0, timeout=timeout
            )
        )
        ask = client.chat.completions.create
        if not stream:
            return ask(model=name, messages=messages)
        events = ask(model=name, messages=messages, stream=True)
        # A call that fails does so here; the stream closes what is open, and itself first.
        stack.callback(events.close)
        return CustomStreamWrapper(_events(events, stack.pop_all()))


async def acompletion(
    model: str, messages: Any, *, api_base: str, api_key: str, stream: bool = False
) -> Any:
    """Ask, in a task."""
    name = model.partition("/")[2]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            openai.AsyncOpenAI(base_url=api_base, api_key=api_key, max_retries=0)
        )
        ask = client.chat.completions.create
        if not stream:
            return await ask(model=name, messages=messages)
        events = await ask(model=name, messages=messages, stream=True)
        stack.push_async_callback(events.close)
        return CustomStreamWrapper(_async_events(events, stack.pop_all()))


def _events(events: Any, until_then: ExitStack) -> Iterator[Any]:
    with until_then:
        yield from events


async def _async_events(events: Any, until_then: AsyncExitStack) -> AsyncIterator[Any]:
    async with until_then:
        async for event in events:
            yield event


def litellm_double() -> ModuleType:
    """Return a new module of that name."""
    module: Any = ModuleType("litellm")
    module.completion = completion
    module.acompletion = acompletion
    return module  # type: ignore[no-any-return]
