"""What starts and ends with the site, which Django's ASGI application knows nothing of."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management.base import SystemCheckError
from django.db import DEFAULT_DB_ALIAS, connections

from chatd.demo_provider import DemoProvider
from chatd.llm.clients import close_http_clients
from chatd.llm.providers.demo import set_demo_provider
from chatd.turns.bus import get_bus
from chatd.turns.runner import get_runner
from chatdebug.recorder import recorder_lifespan

type Message = dict[str, Any]
type Application = Callable[..., Any]


@asynccontextmanager
async def site_lifespan() -> AsyncIterator[None]:
    """Run turns, and whatever they need, as long as the site lives.

    In the end the turns are interrupted first, so that their outcomes are stored and
    recorded before what they use is closed.
    """
    raise_for_checks()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(recorder_lifespan())
        if settings.DEMO_PROVIDER:
            stack.callback(set_demo_provider, None)
            set_demo_provider(await stack.enter_async_context(DemoProvider()))
        stack.push_async_callback(close_http_clients)
        stack.callback(close_connection_pool)
        await stack.enter_async_context(get_bus().lifespan())
        runner = get_runner()
        stack.push_async_callback(runner.close)
        await runner.start()
        yield


def close_connection_pool() -> None:
    """Close the requests' pool, if there is one, without waiting for its connections.

    Whoever still waits for one gets an error now: a thread that waits for a database that
    is away would keep the process from ending. A later request makes a new pool.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if (pool := getattr(connection, "pool", None)) is not None:
        pool.close(timeout=0)
        connection.close_pool()


def raise_for_checks() -> None:
    """Raise SystemCheckError for settings with which turns or the recorder cannot work.

    A server does not run Django's checks, ``manage.py`` does.
    """
    found = run_checks(tags=["chatd", "chatdebug"])
    if errors := [str(one) for one in found if one.is_serious(ERROR)]:
        raise SystemCheckError("\n".join(errors))


def with_lifespan(
    application: Application, lifespan: Callable[[], AbstractAsyncContextManager[None]]
) -> Application:
    """Return an ASGI application that also speaks the lifespan protocol."""

    async def wrapped(scope: Message, receive: Application, send: Application) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()  # lifespan.startup
        try:
            async with lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": repr(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    return wrapped
