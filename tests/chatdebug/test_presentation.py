"""How times, numbers and errors read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatdebug.enums import Outcome, Status
from chatdebug.errors.payload import NOTHING_KNOWN
from chatdebug.formats import ago, counted, span
from chatdebug.models import ChatRun, ChatStep
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.payloads import HEADINGS, Payload
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.runs import RunReport
from chatdebug.querysets import PAYLOAD_COLUMNS
from tests.optional import present

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
            "Request rejected · OpenAI 400",
        ),
        (
            failed(
                provider="openai",
                summary={"error_status": 400, "likely_cause": "messages.blank"},
            ),
            "Request rejected, probably because of an empty text · OpenAI 400",
        ),
        (
            failed(
                provider="openai",
                summary={"error_status": 400, "likely_cause": ["of", "no", "release"]},
            ),
            "Request rejected · OpenAI 400",
        ),
        (failed(provider="demo"), "Unexpected error · Demo provider"),
        (
            failed(provider="demo", summary={"error_status": 200}),
            "Unexpected error · Demo provider",
        ),
        (failed(error_kind="auth", provider="acme"), "Key not accepted · Acme"),
        (
            failed(provider="demo", summary={"error_cause": "incomplete"}),
            "Answer ended early · Demo provider",
        ),
        (failed(summary={"error_cause": ["of", "no", "release"]}), "Unexpected error"),
        (
            failed(status=Status.COMPLETED, summary={"first_message": "asked"}),
            "asked",
        ),
        (
            failed(
                status=Status.COMPLETED,
                provider="openai",
                summary={"has_error": True, "error_status": 500},
            ),
            "Answered after an error · OpenAI 500",
        ),
        (failed(summary=["of no shape"]), "Unexpected error"),
        (ChatRun(summary={"first_message": "asked"}), "asked"),
        (ChatRun(kind="quickgen"), "Quick generation"),
    ],
)
def test_a_run_is_titled_by_what_failed(run: ChatRun, title: str) -> None:
    assert RunLine(run).title == title


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        (
            {"kind": "generic", "status_code": 400},
            "The demo provider rejected the request (400)",
        ),
        (
            {"kind": "generic", "rule": "known.IncompleteStream"},
            "The answer from the demo provider ended early",
        ),
    ],
)
def test_a_run_is_headed_by_the_sentence_of_the_card(
    error: dict[str, Any], heading: str
) -> None:
    run = failed(provider="demo")
    step = ChatStep(run=run, error=error | {"provider": "demo"}, step_number=1)
    assert RunReport.of(run, [step]).heading == heading


def test_a_heading_says_what_came_and_the_likely_cause() -> None:
    run = failed(provider="demo")
    error = {"kind": "generic", "status_code": 400, "provider": "demo"}
    noted = {"likely_causes": [{"rule": "calls.no_result", "places": [{"number": 2}]}]}
    step = ChatStep(run=run, error=error, step_number=1, metadata=noted)
    report = RunReport.of(run, [step])
    happened = "The demo provider rejected the request (400)"
    cause = "a tool call without a result"
    assert report.heading == f"{happened}, probably because of {cause}"
    assert present(present(report.failure).error).sentence == (
        "The request was rejected: most likely this site left out what one of its tools "
        "had found."
    )


@pytest.mark.parametrize(
    ("asked", "number", "told"),
    [
        ("Why does it?", 1, ", and not the question above (12 characters)."),
        # Something may have been put around it.
        ("Why does it?", 3, "; the question above has 12."),
        ("Why does it? " * 40, 1, "; the newest one has 20."),
        ("", 1, "; the newest one has 20."),
    ],
)
def test_the_largest_part_of_a_request_is_told_beside_what_was_asked(
    asked: str, number: int, told: str
) -> None:
    largest = {"number": number, "role": "user", "characters": 9_000}
    largest |= {"message_count": 3, "newest": 20}
    noted = {"likely_causes": [{"rule": "limits.window", "largest": largest}]}
    error = {"kind": "generic", "status_code": 400}
    step = ChatStep(run=failed(), error=error, step_number=1, metadata=noted)
    report = RunReport.of(failed(), [step], asked=asked)
    part = f"message {number} of 3 in the request (role user), 9,000 characters"
    assert report.largest_part == f"Largest part: {part}{told}"


def test_a_run_without_a_failed_step_is_headed_by_its_title() -> None:
    run = ChatRun(summary={"first_message": "asked"})
    assert RunReport.of(run, []).heading == "asked"
    assert (
        RunReport.of(failed(provider="acme"), []).heading == "Unexpected error · Acme"
    )


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
    assert report.recovery == "Answered on attempt 2, after 1.1\N{NO-BREAK SPACE}s."
    assert report.failure is not None
    assert RunReport.of(failed(), []).recovery == ""


def test_an_error_that_was_repaired_ended_no_run() -> None:
    repaired = ChatStep(
        step_number=1,
        status=Status.COMPLETED,
        metadata={"repaired_error": {"message": "no"}},
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


@pytest.mark.parametrize("level", ["errors", "full"])
def test_attempts_are_counted_the_same_at_every_level(level: str) -> None:
    counts = {"step_count": 1, "attempt_count": 3}
    line = RunLine(failed(level=level, summary=counts))
    assert line.facts == "1 step · 3 attempts"


def test_the_attempt_that_answered_counts_though_it_is_not_recorded() -> None:
    counts = {"step_count": 1, "attempt_count": 2}
    line = RunLine(failed(status=Status.COMPLETED, summary=counts))
    assert line.facts == "1 step · 3 attempts"


def test_failed_attempts_at_one_call_are_named_as_that() -> None:
    steps = [
        ChatStep(step_number=number, error={"message": "no", "retry_count": retries})
        for number, retries in enumerate((0, 1, 0), start=1)
    ]
    names = [step.name for step in RunReport.of(failed(), steps).steps]
    assert names == ["Step 1 · attempt 1", "Step 1 · attempt 2", "Step 2"]


@pytest.mark.parametrize("summary", [[1], "x", {"step_count": "x", "note": {}}])
def test_a_summary_of_no_known_shape_tells_nothing(summary: Any) -> None:
    line = RunLine(ChatRun(status=Status.INTERRUPTED, summary=summary))
    assert line.facts == "0 steps"
    assert (line.title, line.note, line.question) == ("Chat turn", "", "")


def test_an_error_that_says_little_is_still_reported() -> None:
    report = ErrorReport.of({})
    assert report.sentence == "The request failed for a reason that is not known."
    assert report.facts == []
    assert report.causes == []
    assert report.frames == []


def test_a_kind_that_is_not_known_any_more_reads_as_unexpected() -> None:
    assert ErrorReport.of({"kind": "gremlins"}).name == "Unexpected error"


def test_the_last_error_of_a_run_is_its_failure() -> None:
    first, second = ({"message": "first"}, {"message": "second"})
    steps = [
        ChatStep(step_number=number, error=error)
        for number, error in enumerate((first, second, None), start=1)
    ]
    failure = RunReport.of(ChatRun(), steps).failure
    assert failure is not None
    assert failure.step is steps[1]


@pytest.mark.parametrize("retries", [0, 2])
def test_a_failed_run_says_how_often_it_was_tried(retries: int) -> None:
    began = datetime(2026, 11, 27, 12, tzinfo=UTC)
    run = failed(started_at=began, finished_at=began + timedelta(seconds=2.4))
    steps = [
        ChatStep(
            step_number=number + 1, error={"kind": "generic", "retry_count": number}
        )
        for number in range(retries + 1)
    ]
    words = (
        "This site tried 3\N{NO-BREAK SPACE}times in 2.4\N{NO-BREAK SPACE}s, with the same result."
        if retries
        else ""
    )
    assert RunReport.of(run, steps).tried == words


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("\n" * 12, "13 lines"),
        ("x" * 1_001, "1,001 characters"),
        ("\n" * 11, ""),
        ("x" * 1_000, ""),
    ],
)
def test_a_text_of_many_lines_or_characters_is_folded(text: str, size: str) -> None:
    payload = Payload("Request", text)
    assert payload.is_long is bool(size)
    assert not size or payload.size == size


def test_a_folded_text_shows_how_it_begins() -> None:
    payload = Payload("Request", "one\n two\n" + "x" * 2_000)
    assert payload.opening.startswith("one two x")
    assert len(payload.opening) == 101


def test_the_facts_of_the_last_response_are_one_row() -> None:
    response = {
        "status": 200,
        "content_type": "text/html",
        "length": 1_440,
        "server": "nginx",
        "closed_by": "provider",
    }
    report = ErrorReport.of({"kind": "generic", "response": response})
    assert report.facts[:-1] == [
        ("HTTP status", "200"),
        ("Response", "1.4\N{NO-BREAK SPACE}KB, text/html, from nginx"),
    ]
    assert report.rest == [], "the lines above have all of it"
    told = ("Fault", "not the message: the network, or this site's settings")
    assert report.facts[-1] == told, "as a page came"


def test_a_status_that_is_the_errors_is_said_once() -> None:
    report = ErrorReport.of({"status_code": 502, "response": {"status": 502}})
    assert report.facts == [("HTTP status", "502"), ("Fault", "the provider")]


def test_what_is_no_code_is_not_shown_as_one() -> None:
    words = "my private words: alpha"
    payload = {"error_type": words, "error_code": "a_code", "request_id": words}
    assert ErrorReport.of(payload).facts == [("Type or code", "a_code")]


def test_what_is_nothing_or_zero_is_no_fact() -> None:
    numbers = dict.fromkeys(
        ("parts_received", "characters_received", "retry_count", "elapsed_ms"), 0
    )
    report = ErrorReport.of({"message": "", "type": "", **numbers})
    assert (report.facts, report.times) == ([("Attempts", "1")], [])


def test_how_far_a_call_had_come_is_told_apart_from_the_facts() -> None:
    report = ErrorReport.of(
        {"retry_count": 2, "elapsed_ms": 1234, "first_part_ms": 5, "parts_received": 3}
    )
    assert report.facts == [("Attempts", "3")]
    assert report.times == [
        ("Its last attempt took", "1.2 s"),
        ("First part after", "5 ms"),
    ]


def test_a_stored_error_says_how_long_its_provider_asked_to_wait() -> None:
    limited = {"kind": "rate_limit", "retryable": True}
    unknown = "Wait a minute, then send your message again"
    assert ErrorReport.of(limited).advice.startswith(unknown)
    advice = ErrorReport.of({**limited, "retry_after_ms": 20_000}).advice
    assert advice.startswith("Wait 20 s, ")
    for odd in ("soon", -1, 10**40, True):
        report = ErrorReport.of({**limited, "retry_after_ms": odd})
        assert report.advice.startswith(unknown)


def test_what_decided_and_whose_it_is_are_facts() -> None:
    known = {"kind": "overloaded", "rule": "status.529", "status_code": 529}
    facts = dict(ErrorReport.of(known).facts)
    assert facts["Recognised as"] == "Overloaded (status.529)"
    assert facts["Fault"] == "the provider"
    unknown = ErrorReport.of({"kind": "generic", "rule": "fallback.generic"})
    assert unknown.facts == [("Recognised as", "no known error")]


def test_who_runs_the_site_is_not_spoken_to_as_who_asked() -> None:
    rejected = ErrorReport.of({"kind": "generic", "status_code": 400})
    assert "your message" in rejected.whose
    told = rejected.for_operators()
    assert told.sentence == rejected.sentence
    assert told.whose.startswith("The cause is what people wrote, or what this site")
    assert told.advice == ""


def test_no_fact_contradicts_the_advice() -> None:
    page = {
        "kind": "generic",
        "rule": "known.UnreadableAnswer",
        "detail": "HTTP 200 with text/html and no event stream",
        "retryable": False,
    }
    report = ErrorReport.of(page)
    assert "end your message again once" in report.advice
    assert ("Worth retrying", "once, by hand") in report.facts
    report = ErrorReport.of({"kind": "generic", "status_code": 400, "retryable": False})
    assert ("Worth retrying", "no") in report.facts


def test_a_text_is_said_once_in_the_chain_of_causes() -> None:
    report = ErrorReport.of(
        {
            "type": "Outer",
            "detail": "It shifted.",
            "chain": [
                {"type": "Outer", "message": "broken: It shifted."},
                {"type": "Inner", "message": "It shifted."},
                {"type": "Innermost", "message": "broken: It shifted."},
            ],
        }
    )
    assert [(link.type, link.text) for link in report.causes] == [
        ("Outer", "broken: It shifted."),
        ("Inner", ""),
        ("Innermost", ""),
    ]
    assert not any(link.is_folded for link in report.causes)
    assert ("Exception", "Outer") not in report.facts


@pytest.mark.parametrize("detail", ["It shifted.", "The request is not valid."])
def test_what_only_shows_a_quoted_body_is_folded_without_its_beginning(
    detail: str,
) -> None:
    body = {"message": detail, "type": "invalid_request_error", "param": None}
    shown = f"status_code: 400, model_name: demo, body: {body}"
    said = {"type": "Outer", "chain": [{"type": "Outer", "message": shown}]}
    (link,) = ErrorReport.of({**said, "detail": detail}).causes
    assert (link.text, link.is_folded, link.opening) == (shown, True, "")
    (link,) = ErrorReport.of(said).causes
    assert not link.is_folded, "nothing of it is quoted"


def test_the_projects_own_places_come_first_and_the_deepest_of_them() -> None:
    files = [
        "manage.py",
        "lib/python/asyncio/runners.py",
        "shop/chat.py",
        "chatdebug/recorder/model.py",
        "site-packages/openai/client.py",
        "<frozen runpy>",
    ]
    frames = [{"file": file, "line": 7, "function": "f"} for file in files]
    report = ErrorReport.of({"frames": frames})
    assert list(map(str, report.own_frames)) == ["shop/chat.py:7 f", "manage.py:7 f"]
    assert [frame.number for frame in report.own_frames] == [3, 1]
    assert report.libraries == "frozen runpy 1, openai 1, chatdebug 1, asyncio 1"


def test_a_long_reason_is_folded() -> None:
    assert ErrorReport.of({"message": "x" * 400}).opening == ""
    assert ErrorReport.of({"message": "x" * 401}).opening == "x" * 300 + "…"


def test_a_long_text_in_the_chain_of_causes_is_folded() -> None:
    chain = [{"type": "Outer", "message": "x" * 401}, {"type": "Inner", "message": "y"}]
    outer, inner = ErrorReport.of({"detail": "It shifted.", "chain": chain}).causes
    assert (outer.opening, outer.text) == ("x" * 300 + "…", "x" * 401)
    assert (inner.opening, inner.text) == ("", "y")


SHAPES: list[Any] = [7, -1, 10**30, 1.5, True, "x", ["x", {}], {"x": 1}, [[]], None]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_an_error_of_no_known_shape_is_still_reported(shape: Any) -> None:
    assert ErrorReport.of(shape) == ErrorReport.of({})
    report = ErrorReport.of(dict.fromkeys(NOTHING_KNOWN, shape))
    assert report.sentence
    assert list(map(str, report.frames)) in ([], [":0 "])
