"""Attempts, and who collects them."""

import asyncio
import threading

import httpx2
import pytest

from chatdebug.transport.attempts import (
    ATTEMPTS_KEPT,
    AttemptSink,
    collect_attempts,
)
from chatdebug.transport.exchange import Exchange
from chatdebug.transport.transport import RecordingTransport
from tests.chatdebug.transport.answers import SSE, URL, Answer


def test_a_response_read_by_another_task_belongs_to_the_sink_of_its_request():
    async def body() -> list[AttemptSink]:
        client = httpx2.AsyncClient(
            transport=RecordingTransport(Answer(b"data: 1\n\n", headers=SSE))
        )
        async with client:
            with collect_attempts() as first:
                request = client.build_request("POST", URL)
                response = await client.send(request, stream=True)
            with collect_attempts() as second:
                await asyncio.create_task(response.aread())
        return [first, second]

    first, second = asyncio.run(body())

    assert len(first.as_json()) == 1
    assert second.as_json() == []


def test_attempts_are_numbered_when_they_start():
    async def body() -> AttemptSink:
        first_may_answer = asyncio.Event()

        async def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/first":
                await first_may_answer.wait()
            else:
                first_may_answer.set()
            return httpx2.Response(200, json={})

        client = httpx2.AsyncClient(
            base_url="https://provider.test",
            transport=RecordingTransport(httpx2.MockTransport(answer)),
        )
        with collect_attempts() as sink:
            async with client, asyncio.TaskGroup() as group:
                group.create_task(client.get("/first"))
                group.create_task(client.get("/second"))
        return sink

    attempts = asyncio.run(body()).as_json()

    assert [(attempt["number"], attempt["path"]) for attempt in attempts] == [
        (1, "/first"),
        (2, "/second"),
    ]


def test_a_sink_takes_attempts_from_many_threads():
    sink = AttemptSink()

    def work() -> None:
        exchange = Exchange(method="GET", url=URL, request_headers=(), sent=None)
        sink.begin(exchange).fail(ValueError("no"))

    threads = [threading.Thread(target=work) for _ in range(ATTEMPTS_KEPT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = [attempt["number"] for attempt in sink.as_json()]
    assert numbers == list(range(1, ATTEMPTS_KEPT + 1))


def test_of_too_many_attempts_the_newest_are_kept():
    sink = AttemptSink()
    exchange = Exchange(method="GET", url=URL, request_headers=(), sent=None)
    for _ in range(ATTEMPTS_KEPT + 5):
        sink.begin(exchange).fail(ValueError("no"))

    numbers = [attempt["number"] for attempt in sink.as_json()]

    assert (numbers[0], numbers[-1]) == (6, ATTEMPTS_KEPT + 5)


def test_reading_and_closing_at_once_does_not_deadlock():
    def read(sink: AttemptSink) -> None:
        sink.as_json()

    def body() -> None:
        for _ in range(200):
            sink = AttemptSink(on_change=read)
            attempt = sink.begin(
                Exchange(method="GET", url=URL, request_headers=(), sent=None)
            )
            attempt.respond(200, ())
            closing = threading.Thread(target=attempt.close)
            closing.start()
            attempt.complete()
            closing.join()
            (kept,) = sink.as_json()
            assert kept["number"] == 1

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_response_is_closed_without_waiting_for_its_redaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_asked, is_closed = threading.Event(), threading.Event()

    def read_later(exchange: Exchange) -> dict[str, str]:
        is_asked.set()
        is_closed.wait(20)  # as a deployment's source of secrets may take its time
        return {"path": "/"}

    def close() -> None:
        attempt.fail(ValueError("no"))
        is_closed.set()

    sink = AttemptSink()
    attempt = sink.begin(Exchange(method="GET", url=URL, request_headers=(), sent=None))
    attempt.respond(200, ())
    attempt.complete()
    monkeypatch.setattr(Exchange, "as_json", read_later)
    asking = threading.Thread(target=sink.as_json)
    asking.start()
    assert is_asked.wait(20)
    closing = threading.Thread(target=close)
    closing.start()
    was_closed_at_once = is_closed.wait(10)
    is_closed.set()
    asking.join()
    closing.join()
    assert was_closed_at_once
    assert sink.as_json()[0]["error"] == "ValueError: no"
