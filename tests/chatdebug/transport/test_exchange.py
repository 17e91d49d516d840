"""What is stored of a round trip."""

import asyncio
import json
import re

import httpx2

from chatdebug.transport.attempts import AttemptSink, collect_attempts
from chatdebug.transport.transport import RecordingTransport
from tests.chatdebug.transport.answers import (
    JSON,
    SECRET,
    URL,
    Answer,
    record,
    record_failing,
)


def test_a_round_trip_is_stored_as_text_sizes_and_times():
    answer = Answer(
        b'{"id": "1",', b' "usage": {"input_tokens": 3}}', headers=JSON | {"x-id": "r"}
    )

    attempt = record(answer, json={"model": "demo", "messages": []})

    started_at = attempt.pop("started_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", started_at)
    assert attempt.pop("finished_at") >= started_at
    moments = ("first_byte", "first_part", "last_part")
    times = [attempt.pop(f"time_to_{moment}_ms") for moment in moments]
    times = [0, *times, attempt.pop("duration_ms")]
    assert times == sorted(times)
    assert attempt.pop("request_headers")["content-type"] == "application/json"
    assert attempt.pop("response_headers")["content-type"] == "application/json"
    assert json.loads(attempt.pop("request_body")) == {"model": "demo", "messages": []}
    assert json.loads(attempt.pop("response_body")) == {
        "id": "1",
        "usage": {"input_tokens": 3},
    }
    assert attempt == {
        "number": 1,
        "status": "completed",
        "ended_by": "provider",
        "connection": None,
        "connect_ms": None,
        "method": "POST",
        "url": URL,
        "path": "/v1/messages",
        "request_body_length": 30,
        "response_status": 200,
        "response_body_length": 41,
        "error": "",
    }


def test_no_secret_is_recorded():
    answer = Answer(
        f'{{"password": "hunter2", "echo": "{SECRET}"}}'.encode(),
        headers=JSON | {"set-cookie": "session=hunter2"},
    )

    async def body() -> AttemptSink:
        client = httpx2.AsyncClient(transport=RecordingTransport(answer))
        with collect_attempts() as sink:
            async with client:
                await client.post(
                    f"https://me:hunter2@provider.test/v1?key={SECRET}&x=1",
                    headers={"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET},
                    json={"api_key": SECRET, "messages": [f"my key is {SECRET}"]},
                )
        return sink

    stored = json.dumps(asyncio.run(body()).as_json())

    assert SECRET not in stored
    assert "aB3dE5fG7hJ9" not in stored
    assert "hunter2" not in stored
    assert "my key is" in stored


def test_rate_limit_headers_stay_readable():
    limits = {"x-ratelimit-remaining-tokens": "12", "x-request-id": "req-1"}

    attempt = record(Answer(b"{}", headers=JSON | limits))

    assert limits.items() <= attempt["response_headers"].items()


def test_the_request_is_recorded_as_it_was_sent_though_changed_later():
    request = httpx2.Request("POST", URL, headers=JSON, content=b"{}")
    answer = Answer(b"{}", headers=JSON)

    async def body() -> AttemptSink:
        with collect_attempts() as sink:
            response = await RecordingTransport(answer).handle_async_request(request)
            request.headers["content-type"] = "text/plain"
            await response.aread()
        return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert attempt["request_headers"]["content-type"] == "application/json"


def test_an_error_that_cannot_be_printed_is_recorded_by_its_name():
    class Unprintable(httpx2.TransportError):
        def __str__(self) -> str:
            raise RuntimeError("hostile")

    assert record_failing(Answer(error=Unprintable("")))["error"] == "Unprintable"
