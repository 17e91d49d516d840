"""``instrument_pydantic_ai``: the calls of pydantic-ai's models and agents as steps."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, wraps
from importlib import import_module
from types import MethodType
from typing import Any

from chatdebug.instrument.wrapping import is_recording, marked

type Iter = Callable[..., AbstractAsyncContextManager[Any]]


def instrument_pydantic_ai[T](model_or_agent: T | None = None) -> T | None:
    """Record the calls of a model or an agent, or without one of all agents.

    Of an agent, each request of its runs is a step of the run that it is made in, whatever
    model serves it. In no run, a run of the agent makes one of its own, of the chat that
    ``set_chat`` named, or of none, which also holds what fails around its requests: a tool,
    or output that is not valid. Returns the agent.

    A model is not changed: a ``RecordingModel`` around it is returned, to be used in its
    place; in no run each request makes one of its own. May be said twice. Raises
    ImportError where pydantic-ai is not installed, and TypeError for anything else::

        chatdebug.instrument_pydantic_ai()

        with chatdebug.set_chat(chat.pk, user.pk):
            result = await agent.run(question)
    """
    sdk: Any = import_module("pydantic_ai")
    target: Any = model_or_agent
    if isinstance(target, sdk.models.Model):
        instrumented: T = _agents().instrumented(target)
        return instrumented
    if target is None:
        if not is_recording(sdk.Agent.iter):
            sdk.Agent.iter = _recording(sdk.Agent.iter)
    elif isinstance(target, sdk.Agent):
        if not is_recording(target.iter):
            target.iter = MethodType(_recording(type(target).iter), target)
    else:
        kind = type(target).__name__
        raise TypeError(f"{kind} is neither a model nor an agent of pydantic-ai")
    return model_or_agent


def uninstrument_pydantic_ai(agent: object | None = None) -> None:
    """Take ``instrument_pydantic_ai`` back: of this agent, or without one of all agents."""
    if agent is not None:
        vars(agent).pop("iter", None)
        return
    sdk: Any = import_module("pydantic_ai")
    if is_recording(sdk.Agent.iter):
        sdk.Agent.iter = sdk.Agent.iter.__wrapped__


def _recording(iter: Iter) -> Iter:
    """Return an agent's ``iter``, by which all its runs go, with recording around it."""

    @wraps(iter)
    @asynccontextmanager
    async def recording(agent: Any, *args: Any, **how: Any) -> AsyncGenerator[Any]:
        async with _agents().agent_block(how), iter(agent, *args, **how) as agent_run:
            yield agent_run

    return marked(recording)


@cache
def _agents() -> Any:
    # With the first call: Django's apps may not be loaded yet.
    return import_module("chatdebug.instrument.agents")
