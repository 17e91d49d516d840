"""People with browsers, who send, watch, change to another address, and press Stop."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from html import unescape
from itertools import count
from ssl import SSLContext
from typing import Any, Self

import httpx2

from tests.cluster import Cluster
from tests.waiting import WAIT

AGAIN_SECONDS = 0.25
"""Before what did not work is tried at another address; a browser waits for longer."""
CSRF = "c" * 32
SIGN_IN = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
keys = []
for number in range({people}):
    name = f"person-{{number}}"
    person, _ = get_user_model().objects.get_or_create(username=name)
    client = Client()
    client.force_login(person)
    keys.append(client.cookies["sessionid"].value)
print(json.dumps(keys))
"""


@dataclass
class View:
    """What one viewer has seen of a turn."""

    text: str = ""
    last: str = ""
    """The id of the last event, which the next address is asked to go on from."""
    hops: int = 0
    has_ended: bool = False
    is_whole: bool = False
    """Whether the end came after the last part, and not in place of it: to who comes back
    when a turn is over it is only said that it is."""

    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set with each event, and then replaced."""

    def take(self, name: str, data: str, event_id: str) -> None:
        """Take an event as the page does."""
        match name:
            case "snapshot":
                self.text = data
            case "delta":
                self.text += data
            case "end":
                self.has_ended = True
                self.is_whole = bool(event_id)
        self.last = event_id or self.last
        self.changed.set()
        self.changed = asyncio.Event()


class Person:
    """Somebody who is signed in, at any of the addresses of one site."""

    def __init__(
        self,
        session: str,
        addresses: Sequence[str],
        *,
        verify: SSLContext | bool = True,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._addresses = addresses
        self._next = count()
        self._client = httpx2.AsyncClient(
            timeout=WAIT,
            verify=verify,
            limits=httpx2.Limits(max_connections=None),
            cookies={"sessionid": session, "csrftoken": CSRF},
            headers={"X-CSRFToken": CSRF, **(headers or {})},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def new_chat(self, model: str) -> str:
        """Open a chat with a model, and return its address."""
        return f"chats/{(await self._ask('POST', 'chats/', model=model))['id']}/"

    async def send(self, chat: str, text: str) -> tuple[str, str]:
        """Send a message; return its turn's address, and what was sent in the end.

        Where no answer comes the chat is asked whether the message is there, as a person
        would look, and where it is not it is sent again, as another one.
        """
        for number in count(1):
            said = text if number == 1 else f"{text}, try {number}"
            answer = await self._try("POST", f"{chat}messages/", text=said)
            if answer is not None:
                return f"{chat}turns/{answer['turn']['id']}/", said
            there = await self._ask("GET", f"{chat}messages/")
            for message in there["results"]:
                if message["text"] == said:
                    return f"{chat}turns/{message['turn']}/", said
        raise AssertionError

    async def stop(self, turn: str) -> None:
        """Press Stop, until somebody has taken it."""
        await self._ask("POST", f"{turn}stop/")

    async def watch(self, turn: str, view: View, *, hop_after: int = 0) -> View:
        """Watch a turn to its end; after so many events each time at another address."""
        while not view.has_ended:
            events = 0
            with suppress(httpx2.TransportError):
                async with aclosing(self._events(turn, view.last)) as stream:
                    async for name, data, event_id in stream:
                        view.take(name, data, event_id)
                        events += 1
                        if view.has_ended or events == hop_after:
                            break
            if view.has_ended:
                break
            view.hops += 1
            if events != hop_after:
                await asyncio.sleep(AGAIN_SECONDS)
        return view

    async def _events(
        self, turn: str, last: str
    ) -> AsyncGenerator[tuple[str, str, str]]:
        """Yield name, data and id of a stream's events; none if there is no stream."""
        headers = {"Last-Event-ID": last} if last else {}
        url = f"{self._address()}{turn}stream/"
        async with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code != httpx2.codes.OK:
                return
            fields: dict[str, list[str]] = {}
            async for line in response.aiter_lines():
                key, _, value = line.partition(": ")
                if line:
                    fields.setdefault(key, []).append(value)
                    continue
                if "event" in fields:
                    data = unescape("\n".join(fields.get("data", [])))
                    yield fields["event"][0], data, fields.get("id", [""])[0]
                fields = {}

    async def _ask(self, method: str, path: str, **body: str) -> dict[str, Any]:
        """Ask until there is an answer."""
        for _ in count():
            if (answer := await self._try(method, path, **body)) is not None:
                return answer
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError

    async def _try(self, method: str, path: str, **body: str) -> dict[str, Any] | None:
        """Ask once; None if there is no answer, or the site could not give one."""
        url = f"{self._address()}api/v1/{path}"
        try:
            response = await self._client.request(method, url, json=body or None)
        except httpx2.TransportError:
            return None
        if response.is_server_error:
            return None
        assert response.is_success, f"{response.status_code}: {response.text[:500]}"
        answer: dict[str, Any] = response.json()
        return answer

    def _address(self) -> str:
        return self._addresses[next(self._next) % len(self._addresses)]


def people(cluster: Cluster, number: int) -> list[Person]:
    """Let so many people sign in, who know all addresses of the cluster."""
    addresses = [cluster.address, *(site.address for site in cluster.sites)]
    sessions = json.loads(cluster.site.run_code(SIGN_IN.format(people=number)))
    return [Person(session, addresses) for session in sessions]
