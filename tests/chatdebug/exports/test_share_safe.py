"""The share-safe form: what stays of a run is its structure, and no word of anybody."""

import json
from typing import Any

import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.exports.document import run_document, stream
from chatdebug.exports.share_safe import (
    KEPT,
    OPENED,
    WITHHELD,
    is_omitted,
    is_share_safe,
    share_safe,
)
from chatdebug.models import ChatRun, ChatStep
from tests.chatdebug.exports.samples import full_run, full_step

PLANTED = "my divorce papers"
WORD = "diabetes"
PLACES_FOR_A_WORD = (
    *("text", "arguments", "result", "message", "detail", "first_message", "name"),
    *("request_body", "response_body", "path", "description", "tool_call_id"),
    *("tool_name", "stop_sequences", "tool_choice", "endpoint_label", "note"),
)


TIMINGS = {
    "queue_ms": 1_200,
    "claim_ms": 8,
    "connect_ms": 30,
    "time_to_first_part_ms": 410,
    "time_to_last_part_ms": 490,
    "connection": "reused",
    "ended_by": "time_limit",
    "interrupted_by": "user",
}


@pytest.mark.parametrize("name", TIMINGS)
def test_who_ended_something_and_when_stays(name: str) -> None:
    kept = {"attempts": [{name: TIMINGS[name]}]}
    assert share_safe(kept) == kept
    (told,) = share_safe({"attempts": [{name: PLANTED}]})["attempts"]
    assert is_omitted(told[name])


def planted_everywhere(value: Any) -> Any:
    """Return JSON with each text of it, each key and each list's end full of words."""
    if isinstance(value, dict):
        return {
            **{key: planted_everywhere(item) for key, item in value.items()},
            PLANTED: {PLANTED: [PLANTED]},
        }
    if isinstance(value, list):
        return [*map(planted_everywhere, value), PLANTED, {PLANTED: PLANTED}]
    return PLANTED


def planted_rows() -> tuple[ChatRun, ChatStep]:
    """Return a run and a step, not stored, with words in each text and JSON column."""
    run, step = full_run(), None
    step = full_step(run)
    for row in (run, step):
        for column in row._meta.concrete_fields:
            if isinstance(column, models.CharField):
                setattr(row, column.attname, PLANTED)
            elif isinstance(column, models.JSONField):
                value = planted_everywhere(getattr(row, column.attname))
                setattr(row, column.attname, value)
    return run, step


@pytest.mark.django_db
def test_no_planted_word_is_left_of_any_column_at_any_depth() -> None:
    run, step = planted_rows()
    document = run_document(run, [step])
    assert PLANTED in json.dumps(document)
    text = json.dumps(share_safe(document))
    assert "divorce" not in text
    assert "papers" not in text


@pytest.mark.django_db
def test_what_is_nobodys_words_stays_where_it_was() -> None:
    run = full_run()
    document = run_document(run, [full_step(run)])
    safe = share_safe(document)
    assert safe["id"] == str(run.pk)
    assert (safe["provider"], safe["model"]) == ("openai", "gpt-5.1")
    assert safe["summary"]["total_input_tokens"] == 12
    assert safe["summary"]["first_message"] == {"omitted": "text", "characters": 18}
    (step,) = safe["steps"]
    roles = [message["role"] for message in step["normalized_request"]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert step["normalized_request"]["messages"][1]["parts"] == [
        {
            "type": "text",
            "text": {"omitted": "text", "characters": 18},
            "text_length": 18,
        }
    ]
    error = step["error"]
    assert error["chain"][0]["type"] == "ModelHTTPError"
    assert error["chain"][0]["message"] == {"omitted": "text", "characters": 26}
    assert error["frames"] == document["steps"][0]["error"]["frames"]
    assert error["error_code"] == "ballast_mismatch"
    assert error["elapsed_ms"] == 1200
    first, _ = step["attempts"]
    assert (first["method"], first["response_status"]) == ("POST", 400)
    assert first["url"] == {
        "omitted": "url",
        "characters": 42,
        "host": "api.openai.com",
    }
    assert first["request_headers"] == {"omitted": "object", "keys": 2}
    assert first["started_at"] == "2026-11-24T12:00:00.100000Z"


@pytest.mark.parametrize("key", PLACES_FOR_A_WORD)
def test_a_single_word_goes_where_words_are_content(key: str) -> None:
    assert WORD not in json.dumps(share_safe({key: WORD}))


@pytest.mark.parametrize("key", sorted({*KEPT, *OPENED, *WITHHELD, "url", "what"}))
def test_a_text_never_stays_for_its_key_alone(key: str) -> None:
    for value in (PLANTED, [PLANTED], {PLANTED: 1}, [[PLANTED]], {"type": [PLANTED]}):
        assert "divorce" not in json.dumps(share_safe({key: value}))


def test_an_unknown_number_is_content_too() -> None:
    assert share_safe({"pin": 1234}) == {"omitted": {"omitted": "fields", "count": 1}}
    assert share_safe({"text": 1234}) == {"text": {"omitted": "number", "digits": 4}}
    words = int.from_bytes(PLANTED.encode())
    assert str(words) not in json.dumps(share_safe({"input_tokens": words}))


@pytest.mark.parametrize(
    "hidden",
    [
        {"omitted": "text", "characters": 1, "more": PLANTED},
        {"omitted": "text", "characters": PLANTED},
        {"omitted": PLANTED},
        {"omitted": ["text"]},
        {"omitted": "text", "characters": 10**60},
        {"omitted": "url", "characters": 1, "host": PLANTED},
    ],
)
def test_content_cannot_hide_in_what_stands_for_content(hidden: Any) -> None:
    assert not is_omitted(hidden)
    for document in ({"text": hidden}, {"omitted": hidden}, {"content": [hidden]}):
        text = json.dumps(share_safe(document))
        assert "divorce" not in text
        assert "0000" not in text


def test_depth_beyond_a_stack_is_left_out_whole() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"content": deep}
    assert share_safe(deep) == {"omitted": "object", "keys": 1}


TEXTS = st.sampled_from([PLANTED, "", "https://x.example/my divorce papers", "[]"])
KEYS = st.sampled_from([*KEPT, *OPENED, *WITHHELD, "url", "omitted", "host", PLANTED])
ANY_JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, ANY_JSON))
def test_the_form_holds_no_words_and_is_stable(document: dict[str, Any]) -> None:
    safe = share_safe(document)
    assert "divorce" not in json.dumps(safe)
    assert is_share_safe(safe)


@pytest.mark.django_db
def test_a_whole_document_is_share_safe_and_says_so() -> None:
    full_step(full_run())
    document = json.loads("".join(stream(ChatRun.objects.all(), share_safe=True)))
    assert document["share_safe"] is True
    assert all(map(is_share_safe, document["runs"]))
    assert "ballast" not in json.dumps(document).replace("ballast_mismatch", "")
