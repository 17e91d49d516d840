"""HTTP attempts as rows that open."""

from typing import Any

from django.conf import LazySettings

from chatdebug.presentation.attempts import AttemptReport, attempts_of
from tests.optional import present

STORED: dict[str, Any] = {
    "number": 2,
    "status": "http_error",
    "method": "POST",
    "url": "https://api.example.com/v1/chat?key=%5BREDACTED%5D",
    "path": "/v1/chat",
    "request_headers": {"content-type": "application/json"},
    "request_body": '{"model": "gpt"}',
    "request_body_length": 16,
    "response_status": 429,
    "response_headers": {"retry-after": "1", "server": "nginx"},
    "response_body": "Too many requests",
    "response_body_length": 17,
    "started_at": "2026-11-24T12:00:00.104000Z",
    "finished_at": "2026-11-24T12:00:01.104000Z",
    "error": "",
    "duration_ms": 1_000,
    "time_to_first_byte_ms": 900,
}


def attempt(**facts: Any) -> AttemptReport:
    (report,), strange = attempts_of([{**STORED, **facts}])
    assert strange is None
    return report


def test_a_row_says_what_was_asked_when_and_how_it_ended(
    settings: LazySettings,
) -> None:
    settings.TIME_ZONE = "UTC"
    row = attempt()
    assert (row.name, row.endpoint) == ("Attempt 2", "POST /v1/chat")
    assert (row.ending.word, row.ending.tone) == ("429", "bad")
    assert row.when == "12:00:00.104 → 12:00:01.104"
    assert (row.took, row.first_byte, row.waited) == ("1.0 s", "900 ms", "")


def test_a_row_opens_to_headers_and_bodies() -> None:
    row = attempt()
    assert row.received.headers_text == "retry-after: 1\nserver: nginx"
    assert (row.sent.size, row.received.size) == ("16 bytes", "17 bytes")
    assert present(row.sent.body).payload.text == '{\n  "model": "gpt"\n}'
    assert present(row.received.body).payload.text == "Too many requests"
    assert row.rest is None


def test_a_row_says_how_long_after_the_one_before_it_came() -> None:
    later = {**STORED, "started_at": "2026-11-24T12:00:04Z"}
    earlier = {**STORED, "started_at": "2026-11-24T11:00:00Z"}
    rows, _ = attempts_of([STORED, later, earlier])
    assert [row.waited for row in rows] == ["", "2.9 s", ""]


def test_keys_of_another_release_and_of_another_type_are_shown_too() -> None:
    rest = attempt(
        status_code=400, method=["POST"], duration_ms="long", error=None
    ).rest
    for words in ("status_code", "400", "POST", "long"):
        assert words in present(rest).text


def test_a_body_of_another_type_is_shown_as_json() -> None:
    assert present(attempt(response_body={"a": 1}).received.body).payload.text
    assert attempt(request_body=None).sent.body is None


def test_what_is_no_attempt_is_shown_beside_them() -> None:
    rows, strange = attempts_of(["odd", STORED])
    assert len(rows) == 1
    assert "odd" in present(strange).text
    assert "odd" in present(attempts_of({"odd": 1})[1]).text
    assert attempts_of([]) == attempts_of(None) == ([], None)
