"""What was redacted once is remembered, and that changes nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from chatdebug.redaction import redact_text
from chatdebug.redaction.text import RedactedTexts, redacted_texts

KEY = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v"
words = st.sampled_from([KEY, "password: hunter2", "https://u:pw12345@x.example", "a "])


@given(st.lists(words | st.text(max_size=20), max_size=6).map(" ".join))
def test_the_result_is_the_same_with_and_without(text: str) -> None:
    redacted_texts.clear()
    fresh = redact_text(text)
    assert redact_text(text) == fresh


def test_a_secret_that_is_configured_later_is_removed(settings: LazySettings) -> None:
    text = "the word is kqXwzTbvNcRjLmPd today"
    assert redact_text(text) == text
    settings.CHATDEBUG = {
        **settings.CHATDEBUG,
        "EXTRA_SECRETS": ("kqXwzTbvNcRjLmPd",),
    }
    assert "kqXwz" not in redact_text(text)


def test_a_text_that_comes_again_is_not_redacted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = f"unlike any other: {KEY}"
    once = redact_text(text)

    def fail(text: str) -> str:
        raise AssertionError(text)

    monkeypatch.setattr("chatdebug.redaction.text.remove_vendor_keys", fail)
    assert redact_text(text) == once


def test_no_text_is_kept_as_it_was() -> None:
    redacted_texts.clear()
    redact_text(f"see {KEY} here")
    redact_text("nothing in this one")
    held = repr(vars(redacted_texts))
    assert KEY not in held
    assert "nothing in this one" not in held


def test_it_is_bounded_in_entries_and_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatdebug.redaction.text.REMEMBERED_TEXTS", 10)
    monkeypatch.setattr("chatdebug.redaction.text.REMEMBERED_CHARACTERS", 100)
    texts, matcher = RedactedTexts(), object()
    for number in range(50):
        texts.keep(f"text {number}", "x" * 30, matcher)
    assert len(texts._known) == 3
    assert texts._characters == 90
    for number in range(50):
        text = f"same {number}"
        texts.keep(text, text, matcher)
    assert len(texts._known) == 10
    assert texts.find("same 49", matcher) == "same 49"
    assert texts.find("same 49", object()) is None


def test_threads_may_share_it() -> None:
    texts = [f"text {number % 50}: {KEY}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(redact_text, texts))
    assert all(
        result == f"text {number % 50}: [REDACTED:api key]"
        for number, result in enumerate(results)
    )
