"""Processes that are killed around a failing turn.

Run as ``python -m tests.faults.victims COUNT``: a zygote that has everything imported
forks one victim after the other. A victim is a whole site in itself: lifespan, runner,
demo provider, recorder. It runs turns that fail, and says on a pipe when the recorder
begins and ends to journal, sync, store and remove rows, and which turn's failure a viewer
has been shown. The zygote kills each victim with SIGKILL at another point of its first
turns: when it has said so many things. At the end it prints, as JSON, what was shown.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial, wraps
from unittest.mock import patch

import django
import httpx2

LAST_SAYING = 45
"""A failing turn makes a victim say some 14 things."""
SHOWN = "shown"


def main(count: int) -> None:
    """Raise and kill victims, then say what they had shown."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection, connections

    from chatd.llm.providers import build_model
    from tests.factories import ModelConfigFactory

    config = ModelConfigFactory(model="fault-400")
    connections.close_all()
    if connection.vendor == "postgresql":
        # A fork has none of the threads that make a pool's connections.
        connection.close_pool()  # type: ignore[attr-defined]
    # Imports what takes a second, so that no victim has to.
    address = {"base_url": "http://127.0.0.1:9", "api_key": "unused", "model": "unused"}
    client = httpx2.AsyncClient()
    build_model(provider="openai_compatible", http_client=client, **address)
    shown: list[str] = []
    for number in range(count):
        shown += _one_victim(config.pk, 1 + number * LAST_SAYING // count)
    sys.stdout.write(json.dumps(shown))


def _one_victim(config_id: int, sayings: int) -> list[str]:
    """Let a victim live until it has said so much; return the turns that it had shown."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _tell_moments(partial(_say, writing))
            asyncio.run(_live(config_id, partial(_say, writing)))
        finally:
            os._exit(1)  # only a victim that broke comes here
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [pipe.readline() for _ in range(sayings)]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said += pipe.readlines()
    return [line.split()[1] for line in said if line.startswith(SHOWN)]


def _say(pipe: int, what: str) -> None:
    os.write(pipe, f"{what}\n".encode())


def _tell_moments(say: Callable[[str], None]) -> None:
    """Let the recorder say when it writes its journal, the database, and removes rows."""
    from chatdebug.writer import thread
    from chatdebug.writer.spool import Spool

    for owner, name in (
        (Spool, "write"),
        (os, "fsync"),
        (thread, "write_rows"),
        (Spool, "remove"),
    ):
        setattr(owner, name, _told(getattr(owner, name), say))


def _told[**P, R](
    function: Callable[P, R], say: Callable[[str], None]
) -> Callable[P, R]:
    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        say("begin")
        result = function(*args, **kwargs)
        say("end")
        return result

    return told


async def _live(config_id: int, say: Callable[[str], None]) -> None:
    """Fail one turn after the other until the end comes."""
    from chatd import lifespan
    from chatd.demo_provider import DemoProvider
    from chatd.models import ModelConfig
    from chatd.turns.bus import get_bus
    from chatd.turns.lifecycle import start_turn
    from chatd.turns.threads import in_thread
    from tests.factories import ChatFactory

    server = partial(DemoProvider, word_delay=0)
    with patch.object(lifespan, "DemoProvider", server):
        async with lifespan.site_lifespan():
            # A chat of its own: a killed turn keeps its chat busy until its lease is over.
            config = await in_thread(ModelConfig.objects.get, pk=config_id)
            name = f"victim-{os.getpid()}"  # a fork counts from where its parent stood
            chat = await in_thread(ChatFactory, model=config, owner__username=name)
            while True:
                turn = await in_thread(start_turn, chat=chat, text="What is a ballast?")
                async for _ in get_bus().subscribe(turn.pk):
                    pass
                say(f"{SHOWN} {turn.pk}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
