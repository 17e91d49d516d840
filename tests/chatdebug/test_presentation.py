"""How times, numbers and errors read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatdebug.enums import ErrorKind, Outcome, Status
from chatdebug.formats import ago, counted, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.payloads import HEADINGS, payloads
from chatdebug.presentation.runs import RunLine, RunReport
from chatdebug.querysets import PAYLOAD_COLUMNS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.85, "850 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (59.96, "1 min 0 s"),
        (185, "3 min 5 s"),
        (90_000, "1,500 min 0 s"),
    ],
)
def test_a_duration_reads_as_precisely_as_it_matters(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_each_payload_is_read_under_a_heading_and_the_usage_with_them() -> None:
    assert HEADINGS.keys() == {*PAYLOAD_COLUMNS, "usage"}


def test_what_goes_on_has_no_duration_yet() -> None:
    assert span(None) == ""


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=30), "30 d ago"),
        (timedelta(days=31), "2026-10-24"),
    ],
)
def test_a_moment_reads_as_how_long_ago_it_was(passed: timedelta, text: str) -> None:
    assert ago(NOON - passed, now=NOON) == text


def test_a_number_comes_with_its_noun() -> None:
    assert counted(1, "step") == "1 step"
    assert counted(0, "step") == "0 steps"
    assert counted(1024, "step") == "1,024 steps"


def test_a_run_in_progress_has_a_line_too() -> None:
    line = RunLine(ChatRun(status=Status.IN_PROGRESS))
    assert line.facts == "0 steps"
    assert (line.kind, line.first_error, line.similar, line.note) == ("", "", "", "")


def failed(**facts: Any) -> ChatRun:
    return ChatRun(**{"status": Status.ERROR, "error_kind": "generic", **facts})


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (failed(), "Unexpected error"),
        (
            failed(
                provider="openai",
                summary={"error_status": 400, "error_message": "It is odd.\nMore."},
            ),
            "Unexpected error · OpenAI 400 · It is odd.",
        ),
        (failed(provider="demo"), "Unexpected error · Demo provider"),
        (failed(error_kind="auth", provider="acme"), "Authentication failed · Acme"),
        (
            failed(summary={"error_message": "word " * 20}),
            "Unexpected error · " + "word " * 11 + "word…",
        ),
        (
            failed(status=Status.COMPLETED, summary={"first_message": "asked"}),
            "asked",
        ),
        (
            failed(status=Status.COMPLETED, summary={"has_error": True}),
            "Unexpected error",
        ),
        (ChatRun(summary={"first_message": "asked"}), "asked"),
        (ChatRun(kind="quickgen"), "Quick generation"),
    ],
)
def test_a_run_is_titled_by_what_failed(run: ChatRun, title: str) -> None:
    assert RunLine(run).title == title


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (ChatRun(status=Status.IN_PROGRESS), Outcome.RUNNING),
        (ChatRun(status=Status.COMPLETED), Outcome.COMPLETED),
        (failed(status=Status.COMPLETED), Outcome.RECOVERED),
        (failed(), Outcome.FAILED),
        (ChatRun(status=Status.INTERRUPTED), Outcome.STOPPED),
        (failed(status=Status.INTERRUPTED), Outcome.STOPPED),
        (ChatRun(status=Status.INTERRUPTED, summary={"note": "x"}), Outcome.LOST),
    ],
)
def test_a_run_has_an_outcome_with_a_sign_and_a_word(
    run: ChatRun, outcome: Outcome
) -> None:
    assert run.outcome == outcome
    assert RunLine(run).icon
    assert outcome.label


@pytest.mark.parametrize("column", ["error", "metadata"])
def test_a_recovery_says_which_attempt_answered(column: str) -> None:
    run = failed(
        status=Status.COMPLETED,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=1.1),
    )
    error = {"retry_count": 0, "message": "no", "status_code": 500}
    stored = error if column == "error" else {"repaired_error": error}
    report = RunReport.of(run, [ChatStep(step_number=1, **{column: stored})])
    assert report.recovery == "Recovered on attempt 2, complete after 1.1 s."
    assert report.failure is not None
    assert RunReport.of(failed(), []).recovery == ""


def test_an_error_that_was_repaired_ended_no_run() -> None:
    repaired = ChatStep(
        status=Status.COMPLETED, metadata={"repaired_error": {"message": "no"}}
    )
    stopped = RunReport.of(failed(status=Status.INTERRUPTED), [repaired])
    assert stopped.failure is None
    assert stopped.steps[0].is_over


def test_a_question_is_one_line_of_what_was_kept_or_of_what_the_chat_says() -> None:
    kept = ChatRun(summary={"first_message": "kept"})
    assert RunLine(kept, "asked").question == "kept"
    assert RunLine(ChatRun(), "asked\n  twice").question == "asked twice"
    assert len(RunLine(ChatRun(), "x" * 1_000).question) == 201
    assert RunLine(ChatRun()).question == ""


def test_an_error_that_says_little_is_still_reported() -> None:
    report = ErrorReport.of({})
    assert report.sentence == "The request failed for a reason that is not known."
    assert report.facts == []
    assert report.causes == []
    assert report.frames == []


def test_a_kind_that_is_not_known_any_more_reads_as_unexpected() -> None:
    assert ErrorReport.of({"kind": "gremlins"}).kind == str(ErrorKind.GENERIC.label)


def test_the_last_error_of_a_run_is_its_failure() -> None:
    first, second = ({"message": "first"}, {"message": "second"})
    steps = [
        ChatStep(step_number=number, error=error)
        for number, error in enumerate((first, second, None), start=1)
    ]
    failure = RunReport.of(ChatRun(), steps).failure
    assert failure is not None
    assert failure.step is steps[1]


def test_empty_columns_of_a_step_are_left_out() -> None:
    step = ChatStep(normalized_request={"tools": ["ä"]}, attempts=[])
    (payload,) = payloads(step)
    assert payload.heading == "Request"
    assert '"ä"' in payload.text
    assert payload.line_count == 5
    assert not payload.is_long


def test_a_payload_of_more_than_twelve_lines_is_folded() -> None:
    step = ChatStep(normalized_request={str(number): number for number in range(11)})
    (payload,) = payloads(step)
    assert payload.line_count == 13
    assert payload.is_long


def test_the_facts_of_the_last_response_have_a_row_each() -> None:
    response = {
        "status": 200,
        "content_type": "text/html",
        "length": 1_440,
        "server": "nginx",
        "closed_by": "provider",
    }
    report = ErrorReport.of({"kind": "generic", "response": response})
    assert report.facts == [
        ("Response status", "200"),
        ("Content type", "text/html"),
        ("Content length", "1,440 bytes"),
        ("Server", "nginx"),
        ("Connection closed by", "the provider"),
    ]


def test_a_status_that_is_the_errors_is_said_once() -> None:
    report = ErrorReport.of({"status_code": 502, "response": {"status": 502}})
    assert report.facts == [("HTTP status", "502")]


def test_what_is_no_code_is_not_shown_as_one() -> None:
    words = "my private words: alpha"
    payload = {"error_type": words, "error_code": "a_code", "request_id": words}
    assert ErrorReport.of(payload).facts == [("Type or code", "a_code")]
