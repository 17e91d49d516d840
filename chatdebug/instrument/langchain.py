"""``instrument_langchain``: the calls of LangChain's models as steps."""

from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any


def instrument_langchain() -> None:
    """Record the calls of all models of LangChain: invoke, stream, batch, sync and async.

    Each call is a step of the run that it is made in; in no run it makes one of its own, of
    the chat that ``set_chat`` named, or of none. Of HTTP attempts LangChain says nothing:
    where the SDK below is instrumented too, a call is one step of each of them at the full
    level. May be said twice. Raises ImportError where langchain-core is not installed::

        chatdebug.instrument_langchain()

        with chatdebug.record_run(chat_id=chat.pk) as run:
            answer = chain.invoke({"question": question})
            run.complete()
    """
    _hook().is_on = True


def uninstrument_langchain() -> None:
    """Take ``instrument_langchain`` back."""
    _hook().is_on = False


def callback_handler() -> Any:
    """Return a handler that records the calls that it is given to.

    Raises ImportError where langchain-core is not installed::

        with chatdebug.record_run(chat_id=chat.pk) as run:
            chain.invoke({"question": question}, config={"callbacks": [callback_handler()]})
            run.complete()
    """
    return import_module("chatdebug.instrument.langchain_handler").CallbackHandler()


@cache
def _hook() -> Any:
    """Return the handler that LangChain gives to every call."""
    handler = callback_handler()
    variable = ContextVar("chatdebug_langchain_handler", default=handler)
    context: Any = import_module("langchain_core.tracers.context")
    context.register_configure_hook(variable, inheritable=True)
    return handler
