"""``with_recorder``: the recorder's lifespan around any ASGI application."""

import asyncio
from typing import Any

import pytest
from django.core.asgi import get_asgi_application

from chatdebug.asgi import with_recorder
from chatdebug.writer import writer

STARTUP = {"type": "lifespan.startup"}
SHUTDOWN = {"type": "lifespan.shutdown"}

pytestmark = pytest.mark.django_db(transaction=True)


def live(application: Any) -> list[str]:
    """Live one lifespan, and return what was said, with the writer's state at its end."""
    said: list[str] = []

    async def body() -> None:
        events = iter([STARTUP, SHUTDOWN])

        async def receive() -> Any:
            return next(events)

        async def send(message: Any) -> None:
            is_alive = writer().worker.is_alive
            said.append(f"{message['type']} {'writing' if is_alive else 'flushed'}")

        await with_recorder(application)({"type": "lifespan"}, receive, send)

    asyncio.run(body())
    return said


LIVED = ["lifespan.startup.complete writing", "lifespan.shutdown.complete flushed"]


def test_an_application_that_knows_no_lifespan_gets_one() -> None:
    assert live(get_asgi_application()) == LIVED


def test_one_that_hears_the_startup_and_then_gives_up_gets_one_too() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise NotImplementedError

    assert live(application) == LIVED


def test_an_application_that_has_one_keeps_it() -> None:
    heard: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for event in ("startup", "shutdown"):
            heard.append((await receive())["type"])
            await send({"type": f"lifespan.{event}.complete"})

    assert live(application) == LIVED
    assert heard == ["lifespan.startup", "lifespan.shutdown"]


def test_a_startup_that_fails_is_the_applications_own_affair() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError, match="no database"):
        live(application)


def test_requests_go_to_the_application() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": scope["type"]})

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {}

    async def body() -> None:
        await with_recorder(application)({"type": "http"}, receive, send)

    asyncio.run(body())
    assert said == [{"type": "http"}]
