"""What starts and ends with the site."""

import asyncio
from typing import Any

import pytest
from django.core.management.base import SystemCheckError

from chatd.lifespan import site_lifespan, with_lifespan

pytestmark = pytest.mark.django_db(transaction=True)

type Messages = list[dict[str, Any]]


async def no_application(*args: Any) -> None:
    raise AssertionError("the lifespan is not the application's")


def sent_in_life() -> Messages:
    """Return what a server is sent when it starts the site and ends it."""
    sent: Messages = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    application = with_lifespan(no_application, site_lifespan)
    try:
        asyncio.run(application({"type": "lifespan"}, receive, send))
    except SystemCheckError:
        assert sent
    return sent


def test_a_site_starts_and_ends_with_its_server() -> None:
    assert [message["type"] for message in sent_in_life()] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.parametrize("wanted", ["4", "two"])
def test_several_processes_are_refused(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", wanted)
    (failed,) = sent_in_life()
    assert failed["type"] == "lifespan.startup.failed"
    assert f"WEB_CONCURRENCY is {wanted}" in failed["message"]
