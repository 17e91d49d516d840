"""What every response says about itself, at every address, streams included."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chatd.enums import TurnStatus
from chatd.models import Turn
from chatd.turns.bus import get_bus
from tests.chatd.views.test_streams import attached, session_of
from tests.factories import TurnFactory
from tests.security.test_permissions import METHODS, Site, addresses, site

__all__ = ["site"]  # a fixture

SAME_FOR_EVERYBODY = ("/healthz", "/favicon.ico")
SAID = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
}
"""Headers, and what stands in each."""


def lacking(headers: Mapping[str, str], *, private: bool = True) -> Iterator[str]:
    """Yield what a response should have said."""
    for name, words in SAID.items():
        if words not in headers.get(name, ""):
            yield name
    kept = headers.get("Cache-Control", "")
    if private and kept != "no-store, private":
        yield f"Cache-Control: {kept}"


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["nobody", "owner", "superuser"])
def test_every_response_may_be_kept_by_nobody_and_does_little_in_a_browser(
    site: Site, person: str
) -> None:
    client, wrong = site.client(person), []
    odd = ("/nothing/", "/chats", "/api/v1/nothing/", "/%00", "/chats/?x=%00")
    for address in (*addresses(site), *odd):
        response = client.get(address)
        private = address not in SAME_FOR_EVERYBODY
        wrong += [
            f"{address} {response.status_code}: {name}"
            for name in lacking(response.headers, private=private)
        ]
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("method", [one for one in METHODS if one != "GET"])
def test_a_refused_method_or_form_says_it_too(site: Site, method: str) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(site.users["owner"])
    for address in ("/chats/", f"/chats/{site.chat.pk}/delete/", "/api/v1/chats/"):
        response = client.generic(method, address)
        assert list(lacking(response.headers)) == [], address


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.example", "a b"])
def test_a_request_for_another_host_gets_them_too(host: str) -> None:
    response = Client().get("/chats/", headers={"Host": host})
    assert response.status_code == 400
    assert list(lacking(response.headers)) == []


@pytest.mark.django_db
def test_an_error_of_the_server_says_it_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr("chatd.models.Chat.objects.owned_by", fail)
    for address in ("/chats/", "/api/v1/chats/"):
        response = site.client("owner").get(address)
        assert response.status_code == 500
        assert list(lacking(response.headers)) == []


@pytest.mark.django_db(transaction=True)
def test_a_stream_says_it_too_open_ended_refused_or_not_there(
    settings: LazySettings,
) -> None:
    over: Turn = TurnFactory()
    running: Turn = TurnFactory(chat=over.chat, status=TurnStatus.IN_PROGRESS)
    foreign: Turn = TurnFactory()
    session = session_of(over.chat.owner)
    settings.MAX_STREAMS_PER_PERSON = 1
    heads: dict[str, tuple[int, list[str]]] = {}

    async def note(name: str, turn: Turn, session: str = session) -> None:
        async with attached(turn, session) as viewer:
            said = {key.title(): text for key, text in viewer.headers.items()}
            heads[name] = (viewer.status, list(lacking(said)))

    async def body() -> None:
        await note("ended", over)
        await note("foreign", foreign)
        await note("signed out", over, "")
        get_bus().open(running.id, epoch=1)
        async with attached(running, session):
            await note("one too many", running)
        await note("open", running)

    asyncio.run(body())
    assert heads == {
        "ended": (200, []),
        "foreign": (404, []),
        "signed out": (404, []),
        "one too many": (429, []),
        "open": (200, []),
    }
