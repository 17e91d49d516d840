"""A provider that answers with the exact bytes of a case: what others really received.

A case's actions are sent one after the other: text (its latin-1 bytes, as they are), a
number (seconds to wait), "rst" (the connection is reset when it closes), "open" (held open
until the peer leaves).
"""

import asyncio
import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

type Action = str | float
CASES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "wire.json").read_text()
)
ORIGIN = "127.0.0.1:8311"
"""Where the cases say that they are played, in redirects."""
STREAM = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
)
NO_SUCH_CASE = "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def with_headers(actions: list[Any], headers: str) -> list[Any]:
    """Return actions of which each response begins with these header lines besides."""
    begun = rf"\g<0>{headers}\r\n"
    return [
        with_headers(action, headers)
        if isinstance(action, list)
        else re.sub(r"\AHTTP/1\.1 \d.*\r\n", begun, action)
        if isinstance(action, str)
        else action
        for action in actions
    ]


class Replay:
    """Serves cases on a loopback port while it is entered, and counts the requests.

    ``cases`` are actions by name. A list of lists is one list for each request; the last
    one answers all that follow.
    """

    def __init__(self, cases: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.cases = cases or {name: case["actions"] for name, case in CASES.items()}
        self.hits: Counter[str] = Counter()
        self.heads: list[str] = []
        """The heads of all requests, as they came."""
        self.left = asyncio.Event()
        """A peer has closed a connection that was held open."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None

    def base_url(self, case: str, protocol: str = "openai") -> str:
        """Return the address of a case, as a model configuration has it."""
        suffix = "/v1" if protocol == "openai" else ""
        return f"http://127.0.0.1:{self.port}/c/{case}{suffix}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, sock=self._socket)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._server.close_clients()
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            length = re.search(r"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            name = head.split("/c/", 1)[-1].split("/", 1)[0].split(" ", 1)[0]
            self.hits[name] += 1
            for action in self._actions(name):
                await self._play(action, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _actions(self, name: str) -> Sequence[Action]:
        actions = self.cases.get(name, [NO_SUCH_CASE])
        if actions and isinstance(actions[0], list):
            asked: Sequence[Action] = actions[min(self.hits[name], len(actions)) - 1]
            return asked
        return actions

    async def _play(
        self, action: Action, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if action == "rst":
            linger = struct.pack("ii", 1, 0)
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif action == "open":
            try:
                await reader.read(1)
            finally:
                self.left.set()
        elif isinstance(action, str):
            moved = action.replace(ORIGIN, f"127.0.0.1:{self.port}")
            writer.write(moved.encode("latin-1"))
            await writer.drain()
        else:
            await asyncio.sleep(action)
