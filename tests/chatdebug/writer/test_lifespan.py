"""A server that does not start the recorder says so, once."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.test import RequestFactory

from chatdebug.recorder import recorder_lifespan
from chatdebug.writer.lifespan import FIRST_REQUEST, watch_for_lifespan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def watching() -> Iterator[None]:
    watch_for_lifespan()
    yield
    request_started.disconnect(dispatch_uid=FIRST_REQUEST)


async def serve(path: str = "/healthz") -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"host", b"localhost")],
    }
    scope |= {"http_version": "1.1", "query_string": b""}
    communicator = ApplicationCommunicator(ASGIHandler(), scope)
    await communicator.send_input({"type": "http.request"})
    await communicator.receive_output(timeout=10)
    await communicator.wait(timeout=10)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.message
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.name == "chatdebug.writer.lifespan"
    ]


def test_an_asgi_server_without_a_lifespan_warns_at_its_first_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asyncio.run(serve())
    asyncio.run(serve())
    (warning,) = warnings(caplog)
    assert "recorder_lifespan" in warning


def test_one_with_a_lifespan_does_not(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with recorder_lifespan():
            await serve()

    asyncio.run(live())
    assert warnings(caplog) == []


def test_wsgi_has_no_lifespan_to_miss(caplog: pytest.LogCaptureFixture) -> None:
    def start_response(*head: Any) -> Any:
        """Let the head go."""

    environ = RequestFactory().get("/healthz").environ
    response = WSGIHandler()(environ, start_response)
    response.close()
    assert warnings(caplog) == []
