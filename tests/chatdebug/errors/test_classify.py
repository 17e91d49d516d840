"""What an exception is, beyond the samples of ``tests/accuracy``."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import (
    ClassifiedError,
    ContentFilteredError,
    EmptyResultError,
    FinishReasonError,
    IncompleteStreamError,
    KnownError,
    MissingKeyError,
    ProviderDisabledError,
    Rule,
    StreamSilenceError,
    build_facts,
    classify,
    classify_facts,
    explain,
    set_deployment_rules_source,
)


@pytest.mark.parametrize(
    ("error", "kind", "captured"),
    [
        (IncompleteStreamError(), ErrorKind.GENERIC, True),
        (EmptyResultError(), ErrorKind.GENERIC, True),
        (StreamSilenceError(600), ErrorKind.STREAM_SILENCE_TIMEOUT, False),
        (MissingKeyError("A_KEY"), ErrorKind.MISSING_KEY, False),
        (ProviderDisabledError(), ErrorKind.PROVIDER_DISABLED, False),
        (ContentFilteredError("violence"), ErrorKind.CONTENT_FILTER, False),
        (None, ErrorKind.GENERIC, True),
        (ValueError("a defect"), ErrorKind.GENERIC, True),
    ],
)
def test_own_errors_are_what_they_say(
    error: KnownError | None, kind: ErrorKind, captured: bool
) -> None:
    classification = classify(error)
    assert (classification.kind, classification.captured) == (kind, captured)


def test_the_category_of_a_blocked_answer_is_told() -> None:
    assert "(violence)" in classify(ContentFilteredError(" violence ")).message
    assert "(" not in classify(ContentFilteredError(" ")).message


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt()]
)
def test_a_cancellation_is_never_captured(error: BaseException) -> None:
    classification = classify(error)
    assert classification.cancelled
    assert not classification.captured


def test_the_callers_own_deadline_is_told_from_a_providers_timeout() -> None:
    assert classify(TimeoutError()).deadline
    transport = TimeoutError(110, "Connection timed out")
    assert not classify(transport).deadline
    assert classify(transport).kind == ErrorKind.TIMEOUT


def test_a_cause_tells_what_its_wrapper_does_not() -> None:
    def wrapped() -> None:
        try:
            raise ConnectionResetError("reset by peer")
        except ConnectionResetError as error:
            raise RuntimeError("the call failed") from error

    with pytest.raises(RuntimeError) as caught:
        wrapped()
    assert classify(caught.value).kind == ErrorKind.TIMEOUT


def test_in_a_group_the_unknown_error_decides() -> None:
    group = ExceptionGroup("two", [ConnectionResetError("reset"), ValueError("what?")])
    assert classify(group).captured


def test_an_exception_whose_text_cannot_be_read_is_classified_all_the_same() -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

        @property
        def status_code(self) -> int:
            raise RuntimeError("no")

    assert classify(Hostile()).captured


def test_causes_that_go_in_a_circle_are_walked_once() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert classify(first).captured


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after-ms": "1500", "retry-after": "30"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_or_left(
    headers: dict[str, str], seconds: float | None
) -> None:
    classification = classify_facts(build_facts(status_code=429, headers=headers))
    assert classification.retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    facts = build_facts(status_code=429, headers={"retry-after": later})
    assert classify_facts(facts).retry_after == pytest.approx(120, abs=5)


def test_retry_after_may_be_in_the_text() -> None:
    text = "Rate limit reached. Please try again in 1.574s."
    assert asked_to_wait(text) == 1.574


def asked_to_wait(text: str) -> float | None:
    return classify_facts(build_facts(message=text, status_code=429)).retry_after


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("6m0s", 360),
        ("7m12s", 432),
        ("1h2m3s", 3_723),
        ("1h2m3.5s", 3_723.5),
        ("2d4h", 187_200),
        ("1m30.25s", 90.25),
        ("7m 12s", 432),
        ("850ms", 0.85),
        ("2 hours", 7_200),
        ("1 hour and 5 minutes", 3_900),
        ("1 hour, 5 minutes and 2 seconds", 3_902),
        ("3 mins", 180),
        ("1 day", 86_400),
        ("30 secs", 30),
        ("1 s. Then 5 minutes are over", 1),
        ("5 models", None),
        ("5", None),
    ],
)
@pytest.mark.parametrize("words", ["try again in", "retry after"])
def test_a_wait_in_the_text_may_have_several_units(
    words: str, wait: str, seconds: float | None
) -> None:
    asked = asked_to_wait(f"Rate limit reached on requests. Please {words} {wait}.")
    assert asked == (seconds and pytest.approx(seconds))


NO_WAITS = [
    *(float("inf"), float("nan"), -3.0, 0, True, False, 10**400, "soon", [], object()),
]


class AskingError(Exception):
    """An error with an attribute of any type, as anybody's SDK may have it."""

    def __init__(self, **fields: object) -> None:
        super().__init__("too many requests")
        vars(self).update(fields)


@pytest.mark.parametrize("wait", NO_WAITS, ids=lambda wait: type(wait).__name__)
def test_what_is_no_time_to_wait_is_left(wait: Any) -> None:
    found = classify(AskingError(status_code=429, retry_after=wait))
    assert (found.kind, found.retry_after) == ("rate_limit", None)
    known = classify(ClassifiedError("rate_limit", retryable=True, retry_after=wait))
    assert (known.kind, known.retry_after) == ("rate_limit", None)
    assert known.advice


def test_a_wait_that_is_no_float_is_read() -> None:
    assert classify(AskingError(status_code=429, retry_after=3)).retry_after == 3
    known = ClassifiedError("rate_limit", retryable=True, retry_after=1e300)
    assert classify(known).retry_after == 1e300


ODD: list[Any] = [None, 3, 3.5, True, "x", [], [[]], [3], {}, {"x": 3}, [{"x": [3]}]]
NAMES = (
    *("error", "errors", "details", "violations", "message", "code", "type", "detail"),
    *("reason", "status", "loc", "choices", "candidates", "finish_reason", "metadata"),
    *("promptFeedback", "raw", "msg", "response"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_body_of_any_form_leaves_the_status_its_meaning(name: str) -> None:
    for value in ODD:
        body = {name: value}
        for whole in (body, {"error": {"details": [body]}}, {"choices": [body]}):
            error = AskingError(status_code=429, body={"error": body, **whole})
            assert classify(error).rule != "fallback.unreadable", whole


def test_the_wait_of_a_reported_error_is_read() -> None:
    reported = (
        "Rate limit reached for gpt-4o in organization org-x on requests per day (RPD): "
        "Limit 200, Used 200, Requested 1. Please try again in 7m12s. Visit "
        "https://platform.openai.com/account/rate-limits to learn more."
    )
    body = json.dumps({"error": {"message": reported}})
    facts = build_facts(message=f"Error code: 429 - {body}", body=body, status_code=429)
    assert classify_facts(facts).retry_after == 432


def test_the_detail_is_the_providers_reason_without_secrets() -> None:
    body = '{"error": {"message": "Incorrect API key: sk-proj-abcdefgh12345678"}}'
    detail = classify_facts(build_facts(body=body, status_code=401)).detail
    assert detail.startswith("Incorrect API key")
    assert "abcdefgh" not in detail


def test_the_detail_is_short_and_never_a_web_page() -> None:
    long = classify_facts(build_facts(message="x " * 5_000, status_code=400))
    assert len(long.detail) <= 500
    page = "<html><body>502 Bad Gateway</body></html>"
    assert classify_facts(build_facts(body=page, status_code=502)).detail == ""
    assert classify_facts(build_facts(message=page, status_code=502)).detail == ""


def test_of_a_long_reason_the_beginning_is_the_detail() -> None:
    reason = "The ballast of segment 3 is odd. " * 100
    body = json.dumps({"error": {"message": reason, "type": "odd"}})
    detail = classify_facts(build_facts(body=body, status_code=400)).detail
    excerpt, _, note = detail.partition(" … ")
    assert reason.startswith(f"{excerpt} ")
    assert note == f"{len(reason) - len(excerpt):,} characters left out"
    assert len(excerpt) <= 300


@pytest.mark.parametrize("length", [70_000, 20_000_000])
def test_a_body_that_is_too_long_to_be_read_still_says_its_reason(length: int) -> None:
    reason = "The ballast \u2693 is odd. " * (length // 20)
    body = json.dumps({"error": {"code": "odd_ballast", "message": reason}})
    found = classify_facts(build_facts(body=body, message=body, status_code=400))
    assert found.detail.startswith("The ballast \u2693 is odd. The ballast")
    assert "… more than 16,0" in found.detail
    assert found.error_code == "odd_ballast"


@pytest.mark.parametrize(
    "cut",
    [
        '{"error": {"message": "It shif',
        '{"error": {"message": "It shif\\',
        '{"error": {"message": "It shif\\u00e',
        '[{"error": {"type": "odd", "more": ["}"], "message": "It shif',
    ],
)
def test_a_json_that_was_cut_in_a_text_is_read_to_there(cut: str) -> None:
    found = classify_facts(build_facts(body=cut, status_code=400))
    assert found.detail == "It shif"


@pytest.mark.parametrize(
    "cut", ['{"error": {"mess', '{"error": {', '{"error": 4', "[" * 90]
)
def test_a_json_that_was_cut_elsewhere_says_nothing(cut: str) -> None:
    found = classify_facts(build_facts(body=cut, message="It failed.", status_code=400))
    assert found.detail == "It failed."


def test_what_a_cut_body_quotes_of_the_prompt_is_no_reason() -> None:
    body = '{"error": {"message": "It is odd."}, "input": [{"content": "planted'
    found = classify_facts(build_facts(body=body, status_code=400))
    assert found.detail == "It is odd."


@pytest.mark.parametrize("name", ["detail", "message"])
@pytest.mark.parametrize("is_inside", [False, True])
def test_the_places_that_a_server_rejects_are_its_reason(
    name: str, is_inside: bool
) -> None:
    place = {
        "type": "extra_forbidden",
        "loc": ["body", "messages", 0, "name"],
        "msg": "Extra inputs are not permitted",
        "input": "the ballast shifted",
    }
    body = {name: {"detail": [place]} if is_inside else [place]}
    found = classify_facts(build_facts(body=json.dumps(body), status_code=422))
    assert found.detail == "body.messages.0.name: Extra inputs are not permitted"


def test_a_key_that_was_sent_is_no_part_of_the_reason() -> None:
    place = {
        "loc": ["body", "metadata", "the ballast shifted"],
        "msg": "Field required",
    }
    body = json.dumps({"detail": [place]})
    found = classify_facts(build_facts(body=body, status_code=422))
    assert found.detail == "body.metadata.[text of 19 characters]: Field required"


@pytest.mark.parametrize("places", [[], [7], [{"loc": 7, "msg": "x"}], [{"loc": []}]])
def test_places_of_another_form_are_no_reason(places: list[Any]) -> None:
    body = json.dumps({"detail": places})
    assert classify_facts(build_facts(body=body, status_code=422)).detail == ""


def test_a_deployments_own_rule_comes_first() -> None:
    own = Rule("custom.gateway", ErrorKind.CONFIG, statuses=frozenset({418}))
    facts = build_facts(message="I'm a teapot", status_code=418)
    assert classify_facts(facts).captured
    assert classify_facts(facts, rules=[own]).rule == "custom.gateway"
    set_deployment_rules_source(lambda: [own])
    assert classify_facts(facts).kind == ErrorKind.CONFIG


def test_explaining_ends_with_the_rule_that_fired() -> None:
    facts = build_facts(message="I'm a teapot", status_code=418)
    tried = list(explain(facts))
    assert tried[-1][0].id == "fallback.generic"
    assert [fired for _, fired in tried].count(True) == 1


@pytest.mark.parametrize("kind", ErrorKind)
def test_an_error_that_carries_its_classification_is_what_it_says(
    kind: ErrorKind,
) -> None:
    error = ClassifiedError(
        kind, "rate limit exceeded", retryable=True, retry_after=3, status_code=418
    )
    classification = classify(error)
    assert classification.kind == kind
    assert classification.retryable
    assert (classification.retry_after, classification.status_code) == (3, 418)
    assert classification.captured == (kind == ErrorKind.GENERIC)
    assert classification.message
    assert classification.advice


def test_a_classification_deep_in_a_chain_counts() -> None:
    inner = ClassifiedError("config", "no such deployment")
    outer = ConnectionResetError("reset")
    middle = RuntimeError("503 Service Unavailable")
    outer.__cause__, middle.__cause__ = middle, inner
    assert classify(outer).kind == ErrorKind.CONFIG


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        ClassifiedError("nonsense")


@pytest.mark.parametrize(
    ("reason", "kind", "retryable"),
    [
        ("content_filter", "content_filter", False),
        ("guardrail_intervened", "content_filter", False),
        ("SAFETY", "content_filter", False),
        ("FinishReason.PROHIBITED_CONTENT", "content_filter", False),
        ("contentFilter", "content_filter", False),
        ("blocked", "content_filter", False),
        ("refusal", "content_filter", False),
        ("sensitive", "content_filter", False),
        ("ERROR_TOXIC", "content_filter", False),
        ("insufficient_system_resource", "overloaded", True),
        ("server_overloaded", "overloaded", True),
        ("network_error", "timeout", True),
        ("error", "generic", True),
        ("malformed_function_call", "generic", True),
        ("MALFORMED_RESPONSE", "generic", True),
        ("abort", "generic", True),
        ("unknown", "generic", False),
        ("zibble", "generic", False),
        ("", "generic", False),
        (None, "generic", False),
    ],
)
def test_a_finish_reason_that_is_a_failure_is_told_by_its_word(
    reason: object, kind: str, retryable: bool
) -> None:
    classification = classify(FinishReasonError(reason))
    assert (classification.kind, classification.retryable) == (kind, retryable)
    assert str(reason) in classification.detail


def test_a_stream_that_broke_is_worth_another_try_and_captured() -> None:
    classification = classify(IncompleteStreamError())
    assert classification.retryable
    assert classification.captured
