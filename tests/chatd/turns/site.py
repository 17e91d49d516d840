"""Turns as the site runs them: lifespan, local runner, demo provider, real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings

from chatd import lifespan
from chatd.demo_provider import DemoProvider
from chatd.models import Chat, Turn
from chatd.turns.bus import Event, get_bus
from chatd.turns.lifecycle import start_turn
from chatd.turns.threads import in_thread
from tests.factories import ChatFactory

QUICK = {
    "first_wait": 0.01,
    "max_wait": 0.01,
    "max_retry_after": 0.01,
    "first_part": 0.5,
    "silence": 0.5,
    "grace": 0.3,
}
ENDS_BY = {"fault-hang": "first_part", "fault-stall": "silence"}
"""The limit that ends an answer which never does itself, by its model."""


@pytest.fixture
def quick(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let words, retries and silences last an instant."""
    settings.DEMO_PROVIDER = True
    settings.DEMO_TURN_POLICY = QUICK
    server = partial(DemoProvider, word_delay=0.001, slow_delay=0.05)
    monkeypatch.setattr(lifespan, "DemoProvider", server)


def let_no_clock_decide(settings: LazySettings, model: str = "") -> None:
    """Wait as long as it takes for parts of an answer, however busy the machine is.

    Only the limit that ends the turns of a model that goes silent stays as short as it is.
    """
    patient = {"first_part", "silence"} - {ENDS_BY.get(model)}
    settings.DEMO_TURN_POLICY = QUICK | dict.fromkeys(patient, 60.0)


def run_on_site(body: Callable[[], Awaitable[None]]) -> None:
    """Run a test's body while the site lives, and end the site."""

    async def inside() -> None:
        async with lifespan.site_lifespan():
            await body()

    asyncio.run(inside())


def new_chat(model: str, *, provider: str = "demo", **fields: Any) -> Chat:
    return ChatFactory(model__model=model, model__provider=provider, **fields)


async def send(chat: Chat, text: str = "What is a ballast?") -> Turn:
    return await in_thread(start_turn, chat=chat, text=text)


async def watch(turn: Turn) -> list[Event]:
    """Return all that a viewer sees of a turn, up to its end."""
    async with asyncio.timeout(30):
        return [event async for event in get_bus().subscribe(turn.id)]


async def answer(chat: Chat, text: str = "What is a ballast?") -> Turn:
    """Send a message, wait for the end of its turn, and return it as stored."""
    turn = await send(chat, text)
    await watch(turn)
    return await in_thread(Turn.objects.get, pk=turn.pk)


def is_end_of_turn(sql: str) -> bool:
    """Return whether a statement is the one that ends a turn."""
    return sql.startswith('UPDATE "chatd_turn"') and "finished_at" in sql
