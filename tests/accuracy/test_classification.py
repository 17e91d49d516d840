"""The classification against cases whose kind is known, and against hostile words."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.deployment_rules import LoadedRules
from chatdebug.errors import build_facts, classify, classify_facts
from tests.accuracy.scoring import ERROR_FILES, Score, classified, load

STRICT_FLOORS = dict.fromkeys(ERROR_FILES, 0.95) | {"collected_errors.json": 0.88}
MISSED = dict.fromkeys(ERROR_FILES, 0) | {"collected_errors.json": 5}
"""How many unknown errors may be taken for a known kind, if that is acceptable as well."""
HOSTILE = (
    "overloaded",
    "rate limit exceeded",
    "You exceeded your current quota",
    "invalid api key",
    "request timed out",
    "model not found",
    "maximum context length",
    "content management policy",
    "status 429",
    "503 Service Unavailable",
)
DEVIATIONS = {
    "expect_message": "the sentences are our own",
    "detail": "details are the provider's words; ids of the history are left out",
}
"""Fields of ``reference_classification.json`` that are not compared, and why."""


@pytest.mark.parametrize("name", ERROR_FILES)
def test_the_samples_are_classified_as_well_as_promised(name: str) -> None:
    score = Score.of(name)
    assert score.strict >= STRICT_FLOORS[name], "\n".join(score.wrong)


@pytest.mark.parametrize("name", ERROR_FILES)
def test_no_unknown_error_is_taken_for_a_known_one(name: str) -> None:
    score = Score.of(name)
    assert score.lost == []
    assert len(score.missed) <= MISSED[name], score.missed


def comparable(case: dict[str, Any]) -> bool:
    return not case.get("pre_classified")


@pytest.mark.parametrize(
    "case",
    [case for case in load("reference_classification.json") if comparable(case)],
    ids=lambda case: case["name"],
)
def test_the_references_own_cases_hold(case: dict[str, Any]) -> None:
    if case["exception"] == "deadline":
        classification = classify(TimeoutError(case["message"]))
    else:
        classification = classify_facts(
            build_facts(
                message=case["message"] or "",
                body=case["response_body"] or "",
                status_code=case["status_code"],
                headers=case["headers"] or {},
                provider=case.get("provider_hint") or "",
            )
        )
    got = {
        "kind": classification.kind.value,
        "retryable": classification.retryable,
        "status_code": classification.status_code or 0,
        "provider": classification.provider,
        "retry_after_seconds": classification.retry_after,
    }
    asserted = set(case["asserted_by_upstream"]) - DEVIATIONS.keys()
    expected = {name: case["expect"][name] for name in asserted & got.keys()}
    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize(
    "case", load("public_reports.json"), ids=lambda case: case["id"]
)
def test_errors_of_public_reports_are_classified(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoadedRules, "load", lambda self: None)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(case["input"])))
    out = io.StringIO()
    call_command("classify_chat_error", "--jsonl", stdout=out)
    assert json.loads(out.getvalue())["kind"] in case["expected"]


STRUCTURED = [
    case
    for name in ERROR_FILES
    for case in load(name)
    if case["status_code"] and (case["error_type"] or case["error_code"])
]


@given(
    case=st.sampled_from(STRUCTURED),
    words=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5),
    quote=st.sampled_from(('"', "'", "`")),
)
def test_words_of_an_echoed_prompt_never_change_what_structure_decided(
    case: dict[str, Any], words: list[str], quote: str
) -> None:
    echo = f" You sent: {quote}{', '.join(words)}{quote}"
    hostile = {**case, "message": (case["message"] or "") + echo}
    assert classified(hostile).kind == classified(case).kind


UNKNOWN = [
    case
    for case in STRUCTURED
    if case["expected_kind"] == "generic" and case["status_code"] < 500
]


@given(
    case=st.sampled_from(UNKNOWN),
    words=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5),
    form=st.sampled_from(
        (
            "{said}. {echo}",
            "{said} (input: {echo})",
            "{said} input_value={echo}",
            "{said}\nUser said: {echo}",
            "{said}, but got: {echo}",
        )
    ),
)
def test_an_echo_without_quotes_makes_no_unknown_error_a_known_one(
    case: dict[str, Any], words: list[str], form: str
) -> None:
    said = (case["message"] or "The request was not understood").rstrip(".")
    after = classified(
        {**case, "message": form.format(said=said, echo=", ".join(words))}
    )
    assert after.kind == "generic"


@pytest.mark.parametrize(
    "text",
    [
        "could not reach proxy.internal:502",
        "see incident 429 of 2026-05-03",
        "used 503 of 9000 tokens",
        "request 401abc was lost",
        "at 10:04:29.503 the ballast shifted",
        "stream ID 503; PROTOCOL_ERROR",
        "stopped after 429 tokens",
    ],
)
def test_ports_ids_dates_and_counts_are_no_statuses(text: str) -> None:
    assert classify_facts(build_facts(message=text)).status_code is None
