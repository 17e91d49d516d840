"""What is said first of a failure to whoever debugs it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatdebug.errors import IncompleteStreamError
from chatdebug.errors.sentences import WORDS, Cause
from chatdebug.linter import noted_causes
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads import clip
from chatdebug.presentation.briefs import OF_CAUSES, OF_OWNERS, Brief, Kept
from chatdebug.presentation.errors import ErrorReport
from chatdebug.presentation.faults import FAULTS
from chatdebug.presentation.runs import RunReport
from tests.optional import present

REJECTED = {
    "kind": "generic",
    "rule": "fallback.generic",
    "provider": "demo",
    "status_code": 400,
    "error_type": "invalid_request_error",
    "request_id": "req_1",
}
ANOTHER = (
    "Send another message, such as a greeting: if that is rejected too, the cause is what "
    "this site sends with it."
)
NOT_FOUND = (
    "not known: the message, or what this site sent with it (this site's own check of the "
    "request found no known mistake)"
)
BROKEN_STREAM = {
    "kind": "generic",
    "rule": "known.UnreadableStream",
    "provider": "demo",
    "message": "Event 4 of the stream is not valid JSON, from its character 9 on.",
    "characters_received": 76,
    "parts_received": 1,
    "response": {
        "status": 200,
        "content_type": "text/event-stream",
        "length": 3_729,
        "closed_by": "client",
    },
}


def brief_of(error: Any, *noted: dict[str, Any], kept: Kept = Kept.NOTHING) -> Brief:
    found = present(noted_causes(list(noted)))
    return ErrorReport.of(error, found[0] if found else None, kept=kept).brief


def test_of_a_rejected_request_it_says_that_nobody_knows_whose_it_is() -> None:
    brief = brief_of(REJECTED)
    assert brief.happened == "HTTP 400, invalid_request_error."
    assert brief.fault == "not known: the message, or what this site sent with it"
    assert brief.steps == (
        f"{ANOTHER} Ask the demo provider what is wrong with the request, and quote this "
        "request id: req_1"
    )
    assert brief.is_to_be_compared
    assert brief.recognised == "no known error, only the status 400"


@pytest.mark.parametrize(
    ("request_id", "asked"),
    [("req_1", ", and quote this request id: req_1"), ("", ".")],
)
def test_a_provider_that_said_what_is_wrong_is_asked_second(
    request_id: str, asked: str
) -> None:
    said = {"detail": "The ballast does not match.", "request_id": request_id}
    brief = brief_of({**REJECTED, **said}, kept=Kept.SHAPE)
    assert brief.fault == NOT_FOUND
    assert brief.steps == (
        f"{ANOTHER} Compare the recorded shape of the request with the provider's words. "
        f"If it stays unclear, ask the demo provider{asked}"
    )
    found = brief_of({**REJECTED, **said}, {"rule": "calls.no_result"})
    assert found.next.startswith("Send a result")
    assert not found.ask


def test_nobody_is_sent_to_look_at_a_request_of_which_nothing_was_kept() -> None:
    said = {**REJECTED, "detail": "The ballast does not match."}
    assert brief_of(said).steps == (
        f"{ANOTHER} Ask the demo provider what it means, and quote this request id: req_1"
    )
    assert "request" in brief_of(REJECTED, kept=Kept.TEXT).next
    assert brief_of(REJECTED).next == ANOTHER


def test_with_words_that_say_nothing_no_request_is_compared() -> None:
    line = "One line of a report that nobody cut. "
    said = {"detail": line * 3 + "One line … more than 900 characters left out"}
    brief = brief_of({**REJECTED, **said}, kept=Kept.SHAPE)
    assert brief.fault == NOT_FOUND
    assert brief.steps == (
        f"{ANOTHER} Look at the recorded shape of the request (roles, sizes, names; no "
        "text). If it stays unclear, ask the demo provider, and quote this request id: "
        "req_1"
    )


def test_a_likely_cause_decides_all_of_it() -> None:
    brief = brief_of(REJECTED, {"rule": "calls.no_result"})
    assert brief.fault == (
        "most likely this site's request (found by checking its structure; the provider "
        "did not say why)"
    )
    said = brief_of({**REJECTED, "detail": "No."}, {"rule": "calls.no_result"})
    assert said.fault.endswith("the provider does not say it)")
    assert brief.next.startswith("Send a result right after each tool call")
    assert brief.recognised == "A tool call without a result (calls.no_result)"
    facts = dict(
        ErrorReport.of(
            REJECTED, present(noted_causes([{"rule": "calls.no_result"}]))[0]
        ).facts
    )
    assert facts["Fault"] == brief.fault
    assert facts["Recognised as"] == brief.recognised


def test_of_a_chat_that_is_too_long_it_says_who_has_counted_it() -> None:
    brief = brief_of(REJECTED, {"rule": "limits.window"})
    assert brief.fault == (
        "most likely this site's request: it is too long (estimated here; the provider "
        "did not say why)"
    )
    said = {**REJECTED, "rule": "lead.context"}
    brief = brief_of(said, {"rule": "limits.window", "is_said": True})
    assert brief.fault == "the length of the whole request"


def test_whoever_debugs_a_broken_stream_reads_what_was_wrong_with_it() -> None:
    report = ErrorReport.of(BROKEN_STREAM)
    assert report.brief.happened == (
        "Event 4 of the stream is not valid JSON, from its character 9 on. "
        "76 characters of the answer had come. HTTP 200."
    )
    facts = dict(report.facts)
    assert facts["HTTP status"] == "200"
    assert facts["Response"] == "3.6\N{NO-BREAK SPACE}KB received, text/event-stream"
    assert facts["Closed by"] == "this site, because it could not read the answer"
    assert "Parts received" not in facts
    assert "JSON" not in report.without_content().brief.happened


def test_what_a_finish_reason_is_stands_beside_it() -> None:
    ended = {
        **BROKEN_STREAM,
        "rule": "known.IncompleteStream",
        "message": str(IncompleteStreamError()),
    }
    assert brief_of(ended).happened == (
        "The stream ended without a finish reason, the mark of a complete answer. "
        "76 characters of the answer had come. HTTP 200."
    )


def test_whoever_debugs_reads_what_a_provider_said_even_if_it_says_no_more() -> None:
    said = "The server had an error while processing your request. Sorry about that!"
    report = ErrorReport.of(
        {**REJECTED, "rule": "status.500", "status_code": 500, "detail": said}
    )
    assert report.reason == ""
    assert report.brief.happened == (
        f"HTTP 500, invalid_request_error. The demo provider says: “{said}”"
    )
    assert said not in report.without_content().brief.happened


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (
            {"request_id": "req_1"},
            "report it to the demo provider with this request id: req_1",
        ),
        (
            {"request_id": "req_1", "retry_count": 2},
            "report it to the demo provider with the request id of attempt\N{NO-BREAK SPACE}3: "
            "req_1",
        ),
        ({}, "report it to the demo provider. No request id is known."),
    ],
)
def test_a_stream_that_broke_is_reported_to_its_provider(
    known: dict[str, Any], asked: str
) -> None:
    assert brief_of({**BROKEN_STREAM, **known}).steps == (
        f"Nothing to change on this site; try again later. If this keeps happening, {asked}"
    )


@pytest.mark.parametrize(
    ("request_id", "asked"),
    [("", "."), ("req_1", ", or report it with this request id: req_1")],
)
def test_of_a_providers_own_error_its_status_page_may_tell(
    request_id: str, asked: str
) -> None:
    error = {**REJECTED, "rule": "status.500", "status_code": 500}
    told = (
        "Nothing to change on this site; try again later. If this keeps happening, check the "
        f"status page of the demo provider{asked}"
    )
    assert brief_of({**error, "request_id": request_id}).steps == told
    third = brief_of({**error, "request_id": request_id, "retry_count": 2})
    of_third = "the request id of attempt\N{NO-BREAK SPACE}3"
    assert third.steps == told.replace("this request id", of_third)


def test_an_error_answer_of_a_size_that_none_has_is_told_with_it() -> None:
    huge = {**REJECTED, "response": {"status": 400, "length": 20_000_175}}
    assert brief_of(huge).what == (
        "HTTP 400, invalid_request_error, an error answer of 19.1\N{NO-BREAK SPACE}MB."
    )
    usual = {**REJECTED, "response": {"status": 400, "length": 300}}
    assert brief_of(usual).what == "HTTP 400, invalid_request_error."


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (2_000, "Show all 2,000 characters"),
        (90_000, "Show its beginning and its end"),
    ],
)
def test_what_opens_a_text_tells_a_whole_one_from_one_that_was_cut(
    length: int, said: str
) -> None:
    text = clip("c" * length, 2_000)
    chain = [{"type": "Outer", "message": text}]
    (link,) = ErrorReport.of({**REJECTED, "chain": chain}).causes
    assert link.fold == said


def test_a_status_that_only_the_body_named_is_not_the_responses() -> None:
    error = {
        "kind": "overloaded",
        "status_code": 503,
        "response": {"status": 200, "content_type": "text/event-stream"},
    }
    facts = dict(ErrorReport.of(error).facts)
    assert facts["HTTP status"] == "200"
    assert facts["Status that the error stands for"] == "503"
    assert brief_of(error).what == "HTTP 200."


@pytest.mark.parametrize(
    ("request_id", "fault", "ask"),
    [
        ("", "not the message: the network, or this site's settings", ""),
        (
            "req_1",
            "not the message: the network, this site's settings, or the provider's own "
            "gateway, since the page came with a request id",
            "Or give the AI provider the request id of the page:",
        ),
    ],
)
def test_a_page_with_a_request_id_may_be_of_the_providers_own_gateway(
    request_id: str, fault: str, ask: str
) -> None:
    page = {"kind": "generic", "rule": "known.UnreadableAnswer"}
    detail = "HTTP 200 with text/html and no event stream"
    report = ErrorReport.of({**page, "detail": detail, "request_id": request_id})
    assert (report.brief.fault, report.id_note) == (fault, "came with the web page")
    assert (report.brief.ask, report.brief.request_id) == (ask, request_id)
    assert not ErrorReport.of(REJECTED).id_note


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_fault_and_a_next_step(cause: Cause) -> None:
    owner = WORDS[cause].owner
    assert str(FAULTS.get(cause, owner.label))
    words = str(OF_CAUSES.get(cause, OF_OWNERS[owner]))
    assert words.format(provider="OpenAI")


@pytest.mark.parametrize("cause", Cause)
def test_a_fault_and_the_sentence_of_its_card_name_the_same_two(cause: Cause) -> None:
    fault, whose = str(FAULTS.get(cause, "")), str(WORDS[cause].whose)
    is_between = "the provider" in fault and "the network" in fault
    assert is_between == ("{provider}" in whose and "the network" in whose)
    assert "the way to" not in fault + whose


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (
            (500, 500, 500),
            "Each of the 3\N{NO-BREAK SPACE}attempts failed in the same way.",
        ),
        ((500, 502, 500), "3\N{NO-BREAK SPACE}attempts."),
        ((500,), ""),
    ],
)
def test_attempts_are_said_to_be_alike_only_if_they_were(
    statuses: tuple[int, ...], said: str, run: ChatRun
) -> None:
    steps = [
        ChatStep(
            step_number=number + 1,
            status="error",
            error={"kind": "generic", "status_code": status, "retry_count": number},
        )
        for number, status in enumerate(statuses)
    ]
    assert RunReport.of(run, steps).attempts == said


@pytest.mark.parametrize(
    ("characters", "is_the_providers"),
    [((76, 76), True), ((76, 9), False), ((0, 0), False), ((76,), False)],
)
def test_a_stream_that_breaks_at_one_place_each_time_is_the_providers_fault(
    characters: tuple[int, ...], is_the_providers: bool, run: ChatRun
) -> None:
    steps = [
        ChatStep(
            step_number=number + 1,
            status="error",
            error={
                **BROKEN_STREAM,
                "characters_received": count,
                "retry_count": number,
            },
        )
        for number, count in enumerate(characters)
    ]
    report = RunReport.of(run, steps)
    for opened in (report, report.without_content()):
        error = present(present(opened.failure).error)
        assert ("the network" not in error.whose) == is_the_providers
        assert error.brief.fault == (
            "most likely the provider: a network fault would hardly damage all attempts "
            "at the same place"
            if is_the_providers
            else "most likely the provider, or the network"
        )
        assert dict(error.facts)["Fault"] == error.brief.fault
    # It is said once.
    assert "place" not in report.attempts


def test_that_a_connection_broke_at_one_place_is_told_of_its_attempts(
    run: ChatRun,
) -> None:
    broken = {"kind": "timeout", "rule": "class.timeout", "characters_received": 9}
    steps = [
        ChatStep(
            step_number=number + 1,
            status="error",
            error={**broken, "retry_count": number},
        )
        for number in range(2)
    ]
    assert RunReport.of(run, steps).attempts == (
        "Each of the 2\N{NO-BREAK SPACE}attempts failed in the same way at the same place."
    )


def test_of_attempts_that_are_not_stored_nothing_is_said(run: ChatRun) -> None:
    last = ChatStep(step_number=1, error={"status_code": 500, "retry_count": 2})
    assert RunReport.of(run, [last]).attempts == "3\N{NO-BREAK SPACE}attempts."


@pytest.fixture
def run() -> ChatRun:
    """A failed run of two seconds."""
    began = datetime(2026, 11, 27, 12, tzinfo=UTC)
    return ChatRun(
        status="error",
        error_kind="generic",
        started_at=began,
        finished_at=began + timedelta(seconds=2),
    )
