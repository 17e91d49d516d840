"""What was redacted once is remembered, and that changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile

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

    def known(word: str) -> int:
        newest_first = reversed(range(50))
        found = (texts.find(f"{word} {number}", matcher) for number in newest_first)
        return sum(1 for _ in takewhile(bool, found))

    for number in range(50):
        texts.keep(f"text {number}", "x" * 25, matcher)
    assert 2 <= known("text") <= 4  # 100 characters
    for number in range(50):
        texts.keep(f"same {number}", f"same {number}", matcher)
    assert texts.find("text 49", matcher) is None
    assert 5 <= known("same") <= 10
    assert texts.find("same 49", object()) is None


def test_what_is_asked_for_again_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatdebug.redaction.text.REMEMBERED_TEXTS", 10)
    texts, matcher = RedactedTexts(), object()
    texts.keep("again", "again", matcher)
    for number in range(50):
        texts.keep(f"once {number}", f"once {number}", matcher)
        assert texts.find("again", matcher) == "again"
    assert texts.find("once 0", matcher) is None


def test_threads_may_share_it() -> None:
    texts = [f"text {number % 50}: {KEY}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(redact_text, texts))
    assert all(
        result == f"text {number % 50}: [REDACTED:api key]"
        for number, result in enumerate(results)
    )
