"""HTTP attempts as rows that open."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.utils.html import strip_tags

from chatdebug.models import ChatRun, ChatStep
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


def step_with(stored: Any) -> ChatStep:
    return ChatStep(run=ChatRun(), attempts=stored)


def attempt(**facts: Any) -> AttemptReport:
    (report,), strange = attempts_of(step_with([{**STORED, **facts}]))
    assert strange is None
    return report


def test_a_row_says_what_was_asked_when_and_how_it_ended(
    settings: LazySettings,
) -> None:
    settings.TIME_ZONE = "UTC"
    row = attempt()
    assert (row.name, row.endpoint) == ("Attempt 2", "POST /v1/chat")
    assert (row.ending.word, row.ending.tone) == ("429", "bad")
    assert [one.text for one in row.when] == ["12:00:00.104", "12:00:01.104"]
    assert (row.took, row.first_byte, row.waited) == ("1.0 s", "900 ms", "")


def test_a_row_opens_to_headers_and_bodies() -> None:
    row = attempt()
    assert strip_tags(row.received.marked_headers) == "retry-after: 1\nserver: nginx"
    assert (row.sent.size, row.received.size) == ("16 bytes", "17 bytes")
    assert present(row.sent.body).payload.text == '{\n  "model": "gpt"\n}'
    assert present(row.received.body).payload.text == "Too many requests"
    assert row.rest is None


def test_a_row_says_how_long_after_the_one_before_it_came() -> None:
    later = {**STORED, "started_at": "2026-11-24T12:00:04Z"}
    earlier = {**STORED, "started_at": "2026-11-24T11:00:00Z"}
    rows, _ = attempts_of(step_with([STORED, later, earlier]))
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
    rows, strange = attempts_of(step_with(["odd", STORED]))
    assert len(rows) == 1
    assert "odd" in present(strange).text
    assert "odd" in present(attempts_of(step_with({"odd": 1}))[1]).text
    assert attempts_of(step_with([])) == attempts_of(step_with(None)) == ([], None)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"connection": "opened", "connect_ms": 30}, "opened, there after 30 ms"),
        (
            {"connection": "reused", "connect_ms": 1},
            "one that was open already, there after 1 ms",
        ),
        ({"connection": "not_opened", "connect_ms": None}, "none was opened"),
        ({"connection": "opened", "connect_ms": "x"}, "opened"),
        ({"connection": "carrier pigeon"}, "carrier pigeon"),
        ({"connection": None}, ""),
        ({}, ""),
    ],
)
def test_a_row_opens_to_its_connection(facts: dict[str, Any], said: str) -> None:
    assert attempt(**facts).connection == said


def test_a_row_opens_to_the_moments_of_its_answer() -> None:
    row = attempt(time_to_first_part_ms=950, time_to_last_part_ms=1_000)
    assert (row.first_part, row.last_part) == ("950 ms", "1.0 s")
    assert row.rest is None
