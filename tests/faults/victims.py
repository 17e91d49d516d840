"""Processes that are killed around a failing turn.

Run as ``python -m tests.faults.victims COUNT``: a zygote that has everything imported
forks one victim after the other. A victim is a whole site in itself: lifespan, runner,
demo provider, recorder. It runs turns that fail, and writes the id of each turn whose
failure a viewer has been shown to a pipe. The zygote kills it with SIGKILL at a random
moment and goes on with the next one. At the end it prints, as JSON, what was shown.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from functools import partial
from typing import Any

import django
import httpx2

MIN_SECONDS, MAX_SECONDS = 0.02, 0.5
"""From the first message on; a turn fails after some 30 ms. Longer on a busy machine."""
PATIENCE = 30.0


def main(count: int) -> None:
    """Raise and kill victims, then say what they had shown."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connections

    from chatd.llm.providers import build_model
    from tests.factories import ModelConfigFactory

    config = ModelConfigFactory(model="fault-400")
    connections.close_all()
    # Imports what takes a second, so that no victim has to.
    address = {"base_url": "http://127.0.0.1:9", "api_key": "unused", "model": "unused"}
    client = httpx2.AsyncClient()
    build_model(provider="openai_compatible", http_client=client, **address)
    rng = random.Random(count)
    shown: list[str] = []
    longest = MAX_SECONDS
    for _ in range(count):
        found = _one_victim(config.pk, rng.uniform(MIN_SECONDS, longest))
        shown += found
        # So that on a busy machine, too, about half of them live to show a failure.
        longest = max(MAX_SECONDS, min(longest * (0.9 if found else 1.2), PATIENCE))
    sys.stdout.write(json.dumps(shown))


def _one_victim(config_id: int, seconds: float) -> list[str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            asyncio.run(_live(config_id, writing))
        finally:
            os._exit(1)  # only a victim that broke comes here
    os.close(writing)
    with os.fdopen(reading) as pipe:
        pipe.readline()  # it is about to send its first message
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return pipe.read().split()


async def _live(config_id: int, pipe: int) -> None:
    """Fail one turn after the other until the end comes."""
    from chatd import lifespan
    from chatd.demo_provider import DemoProvider
    from chatd.models import ModelConfig
    from chatd.turns.bus import get_bus
    from chatd.turns.lifecycle import start_turn
    from chatd.turns.threads import in_thread
    from tests.factories import ChatFactory

    server: Any = partial(DemoProvider, word_delay=0)
    lifespan.DemoProvider = server
    async with lifespan.site_lifespan():
        # A chat of its own: a killed turn keeps its chat busy until its lease is over.
        config = await in_thread(ModelConfig.objects.get, pk=config_id)
        name = f"victim-{os.getpid()}"  # a fork counts from where its parent stood
        chat = await in_thread(ChatFactory, model=config, owner__username=name)
        os.write(pipe, b"ready\n")
        while True:
            turn = await in_thread(start_turn, chat=chat, text="What is a ballast?")
            async for _ in get_bus().subscribe(turn.pk):
                pass
            os.write(pipe, f"{turn.pk}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
