"""Lets tests see what the demo provider received, and wait for it instead of sleeping."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REQUESTS_KEPT = 200


@dataclass(frozen=True, eq=False)
class SeenRequest:
    """One model call as it arrived, and events for what became of it.

    ``disconnected`` is set when the client left before the answer's end, ``ended`` in
    any case.
    """

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def model(self) -> str:
        return str(self.body["model"])

    def end(self, *, disconnected: bool) -> None:
        """Note that nothing more is done for this request."""
        if disconnected:
            self.disconnected.set()
        self.ended.set()


class Observer:
    """The model calls that a demo provider received, oldest first, a bounded number.

    To be used in the event loop of the provider.
    """

    def __init__(self) -> None:
        self.requests: deque[SeenRequest] = deque(maxlen=REQUESTS_KEPT)
        self._arrival = asyncio.Event()

    def add(self, request: SeenRequest) -> None:
        """Note a request and wake up who waits for it."""
        self.requests.append(request)
        self._arrival.set()
        self._arrival = asyncio.Event()

    async def wait_for(self, model: str, *, count: int = 1) -> SeenRequest:
        """Return the ``count``-th request kept for a model; wait until it is there."""
        while True:
            seen = [request for request in self.requests if request.model == model]
            if len(seen) >= count:
                return seen[count - 1]
            await self._arrival.wait()
