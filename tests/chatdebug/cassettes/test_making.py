"""Cassettes of runs: what is asked and answered in them, and the test that plays them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from chatdebug.cassettes.cassette import Answer, End, When
from chatdebug.cassettes.making import make_cassette
from chatdebug.cassettes.playing import play
from chatdebug.cassettes.source import source_of
from chatdebug.evidence.shape import Offer, Tool, request_shape
from tests.chatdebug.cassettes.cassettes import ask
from tests.chatdebug.management.test_cassette_commands import ATTEMPT, ERROR

PLANTED = "planted"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": [f"{PLANTED} enum"]}},
    "required": ["city"],
}
KEPT: dict[str, Any] = {
    "messages": [
        {
            "role": "system",
            "parts": [{"type": "text", "text": PLANTED * 3, "text_length": 21}],
        },
        {
            "role": "user",
            "parts": [
                {"type": "text", "text": PLANTED * 9, "text_length": 63},
                {"type": "file", "media_type": "image/png", "size": 7},
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {
                    "type": "tool-call",
                    "tool_call_id": PLANTED,
                    "tool_name": "weather",
                    "arguments": '{"city": "planted"}',
                    "input_length": 19,
                }
            ],
        },
        {
            "role": "tool",
            "parts": [
                {
                    "type": "tool-result",
                    "tool_call_id": PLANTED,
                    "tool_name": "weather",
                    "result": PLANTED,
                    "result_length": 7,
                }
            ],
        },
    ]
}
OFFER = Offer(
    tools=[Tool(name="weather", kind="function", description=PLANTED, schema=SCHEMA)],
    settings={"temperature": 0.5, "user": PLANTED, "stream": True},
)
SHAPE = request_shape(KEPT, OFFER)


def document(*, level: str = "errors", **step: Any) -> dict[str, Any]:
    """Return a run with one failed call."""
    at = "2026-11-27T19:04:22.188223Z"
    times = {"started_at": at, "updated_at": at, "finished_at": at}
    return {
        "id": "01a21e64-f3dd-7734-ba51-929fb472b7c6",
        "chat_id": "12",
        "kind": "chat_turn",
        "level": level,
        "status": "error",
        "provider": "openai",
        "model": "gpt-5",
        "error_kind": "generic",
        "summary": {},
        **times,
        "steps": [
            {
                "id": "01a21e64-f3dd-7734-ba51-92a2d2f2f028",
                "step_number": 1,
                "operation": "generate",
                "status": "error",
                "error": ERROR,
                "metadata": {},
                **times,
                **step,
            }
        ],
    }


def error_of(kind: str, message: str = "", **facts: Any) -> dict[str, Any]:
    chain = [{"type": kind, "message": message}]
    return {**ERROR, "type": kind, "message": message, "chain": chain, **facts}


def answer_of(error: dict[str, Any], **step: Any) -> Answer:
    made = make_cassette(document(error=error, operation="stream", **step))
    (answer,) = made.cassette.answers
    return answer


def test_of_a_shape_the_request_has_structure_and_lengths_and_no_word() -> None:
    made = make_cassette(document(metadata={"shape": SHAPE}))
    request = dict(made.cassette.request)
    assert PLANTED not in made.cassette.as_text()
    assert made.asked.left_out == ["file"]
    system, user, called, result = request["messages"]
    assert (system["role"], len(system["content"])) == ("system", 21)
    assert (user["role"], len(user["content"].split("\n")[0])) == ("user", 63)
    (call,) = called["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert len(call["function"]["arguments"]) == 19
    assert isinstance(json.loads(call["function"]["arguments"]), dict)
    assert (result["role"], len(result["content"])) == ("tool", 7)
    assert result["tool_call_id"] == call["id"]
    (tool,) = request["extra_body"]["tools"]
    function = tool["function"]
    assert len(function["description"]) == len(PLANTED)
    city = function["parameters"]["properties"]["city"]
    assert (city["type"], len(city["enum"])) == ("string", 1)
    assert request["extra_body"]["temperature"] == 0.5


@pytest.mark.parametrize("sdk", ["anthropic", "pydantic-ai", "litellm", "httpx"])
def test_each_library_is_given_the_same_request_in_its_own_form(sdk: str) -> None:
    made = make_cassette(document(metadata={"shape": SHAPE}), sdk=sdk)
    text = json.dumps(made.cassette.request)
    assert PLANTED not in text
    assert text.count("weather") == (3 if sdk == "pydantic-ai" else 2)


def test_without_a_flag_no_word_of_the_full_level_is_taken() -> None:
    words = f"The tool said: {PLANTED!r}; input was: {PLANTED * 12}"
    run = document(
        level="full",
        normalized_request=KEPT,
        attempts=[{**ATTEMPT, "request_body": PLANTED, "response_body": PLANTED}],
        error={**ERROR, "message": words, "detail": words},
    )
    made = make_cassette(run)
    assert PLANTED * 12 not in made.cassette.as_text()
    assert PLANTED not in json.dumps(dict(made.cassette.request))
    assert PLANTED * 12 not in source_of(made, cassette_name="x.json")
    assert PLANTED in make_cassette(run, with_content=True).cassette.as_text()


@pytest.mark.parametrize(
    ("error", "status", "end", "holds"),
    [
        pytest.param(
            error_of("ReadTimeout", status_code=None, response={}),
            *(None, End.NEVER, b""),
            id="never",
        ),
        pytest.param(
            error_of("ReadError", status_code=None, response={}),
            *(None, End.RESET, b""),
            id="reset",
        ),
        pytest.param(
            error_of(
                "IncompleteStreamError",
                status_code=None,
                response={"status": 200, "content_type": "text/event-stream"},
                characters_received=12,
            ),
            *(200, End.WHOLE, b"word word wo"),
            id="no finish reason",
        ),
        pytest.param(
            error_of(
                "FinishReasonError",
                "The stream ended with the finish reason 'odd'.",
                status_code=None,
                response={"status": 200, "content_type": "text/event-stream"},
            ),
            *(200, End.WHOLE, b'"finish_reason": "odd"'),
            id="finish reason",
        ),
        pytest.param(
            {**ERROR, "response": {**ERROR["response"], "length": 0}},  # type: ignore[dict-item]
            *(400, End.WHOLE, b""),
            id="empty",
        ),
        pytest.param(
            error_of("DecodingError", "no 'br'", detail="encoded as 'br'"),
            *(400, End.WHOLE, b""),
            id="status first",
        ),
    ],
)
def test_where_no_byte_was_kept_the_answer_is_made_of_the_error(
    error: dict[str, Any], status: int | None, end: End, holds: bytes
) -> None:
    answer = answer_of(error)
    body = b"".join(piece.data * piece.times for piece in answer.body)
    assert (answer.status, answer.end) == (status, end)
    assert holds in body


def test_of_a_long_body_the_beginning_is_kept_and_the_length() -> None:
    detail = "One line of a report. [19,999,000 characters left out of 20,000,000]"
    response = {**ERROR["response"], "length": 20_000_000}  # type: ignore[dict-item]
    answer = answer_of(
        error_of("BadRequestError", "x", detail=detail, response=response)
    )
    size = sum(len(piece.data) * piece.times for piece in answer.body)
    assert 1_000_000 < size < 1_100_000
    assert sum(len(piece.data) for piece in answer.body) < 1_000


@pytest.mark.parametrize(
    ("attempt", "end", "when"),
    [
        pytest.param({}, End.WHOLE, When.AT_ONCE, id="whole"),
        pytest.param(
            {"status": "failed", "ended_by": "time_limit"},
            *(End.NEVER, When.AT_ONCE),
            id="time limit",
        ),
        pytest.param(
            {"status": "failed", "ended_by": "network"},
            *(End.RESET, When.AT_ONCE),
            id="network",
        ),
        pytest.param(
            {"status": "failed", "ended_by": "provider"},
            *(End.CUT, When.AT_ONCE),
            id="provider",
        ),
        pytest.param(
            {"time_to_first_byte_ms": 61_000},
            *(End.WHOLE, When.AFTER_A_PAUSE),
            id="late",
        ),
        pytest.param(
            {"response_headers": 7, "response_body": 8, "time_to_first_byte_ms": "x"},
            *(End.WHOLE, When.AT_ONCE),
            id="hostile",
        ),
    ],
)
def test_a_recorded_answer_ends_as_it_did(
    attempt: dict[str, Any], end: End, when: When
) -> None:
    run = document(attempts=[{**ATTEMPT, **attempt}], metadata={"evidence": "full"})
    (answer,) = make_cassette(run, with_content=True).cassette.answers
    assert (answer.end, answer.when) == (end, when)


def test_the_test_of_a_known_failure_holds_what_it_is_taken_for() -> None:
    error = {**ERROR, "kind": "rate_limit", "rule": "status.429", "status_code": 429}
    source = source_of(make_cassette(document(error=error)), cassette_name="x.json")
    assert 'assert outcome.kind == "rate_limit"' in source
    assert 'assert outcome.rule == "status.429"' in source
    assert "Green as long as it is taken for rate_limit." in source


def test_a_hostile_text_ends_no_docstring_and_no_text() -> None:
    hostile = '"""\nimport os\\ \x1b[2J \u202e' + "x" * 200
    error = {**ERROR, "detail": hostile, "message": hostile, "rule": hostile}
    run = {**document(error=error), "provider": hostile, "model": hostile}
    source = source_of(make_cassette(run), cassette_name="x.json")
    compile(source, "x.py", "exec")
    assert "\x1b" not in source
    assert "\nimport os" not in source


def test_a_test_is_the_same_for_readers_of_each_language() -> None:
    made = make_cassette(document())
    with translation.override("de"):
        source = source_of(made, cassette_name="x.json")
        outcome = play(made.cassette, ask)
    assert source == source_of(made, cassette_name="x.json")
    assert outcome.sentence == "OpenAI rejected the request (400)."


def test_a_generated_test_has_the_style_of_a_formatter(tmp_path: Path) -> None:
    for number, sdk in enumerate(["openai", "anthropic", "pydantic-ai", "httpx"]):
        made = make_cassette(document(metadata={"shape": SHAPE}), sdk=sdk)
        source = source_of(made, cassette_name="x.json", kind="config")
        tmp_path.joinpath(f"test_{number}.py").write_text(source)
    for command in (["format", "--check"], ["check", "--select", "E4,E7,E9,F,I,UP,B"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
