"""A process apart, with a bus of its own: a worker, or a web process.

``python -m tests.chatd.turns.bus.apart`` does what it reads as lines of JSON, each a list
of a name and its arguments, and answers lines of JSON. The class ``Apart`` speaks to it.
"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

LINE_SECONDS = 60


class Apart:
    """A process apart, on the database and with the settings of this environment."""

    def __init__(self, **environment: str) -> None:
        self._environment = os.environ | environment
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=10_000_000,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        if error is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.communicate()

    def kill(self) -> None:
        """End it without a chance to say anything."""
        assert self._process is not None
        self._process.kill()

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Let it do something, and return its answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps([name, *arguments], default=str) + "\n"
        self._process.stdin.write(line.encode())
        async with asyncio.timeout(LINE_SECONDS):
            return json.loads(await self._process.stdout.readline())


class _Actor:
    """What a process apart can do: methods by the names of what is asked."""

    def __init__(self) -> None:
        from chatd.turns.bus import get_bus

        self.bus = get_bus()

    async def new_turn(self) -> str:
        from chatd.turns.threads import in_thread
        from tests.factories import TurnFactory

        turn = await in_thread(
            TurnFactory,
            status="in_progress",
            epoch=1,
            # Names that no other process gives on this database.
            chat__owner__username=uuid4().hex,
            chat__model__name=uuid4().hex,
        )
        return str(turn.pk)

    async def end(self, turn: UUID) -> None:
        from django.utils import timezone

        from chatd.models import Turn
        from chatd.turns.threads import in_thread

        turns = Turn.objects.filter(pk=turn)
        now = timezone.now()
        await in_thread(lambda: turns.update(status="completed", finished_at=now))

    async def open(self, turn: UUID) -> None:
        self.bus.open(turn, epoch=1)

    async def say(self, turn: UUID, text: str) -> None:
        self.bus.publish_delta(turn, text)

    async def close(self, turn: UUID) -> None:
        self.bus.close(turn)

    async def see(self, turn: UUID, after: str, wait: float) -> list[Any]:
        """Return the next events, each as its id, name and data."""
        events = await self.bus.read(turn, after=after, wait=wait)
        return [[event.id, event.name, event.data] for event in events]


async def _act() -> None:
    """Do what the lines of standard input ask for, until it ends."""
    actor = _Actor()
    lines = asyncio.StreamReader(limit=10_000_000)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with actor.bus.lifespan():
        while line := await lines.readline():
            name, *arguments = json.loads(line)
            if name != "new_turn":
                arguments[0] = UUID(arguments[0])
            answer = await getattr(actor, name)(*arguments)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    asyncio.run(_act())
