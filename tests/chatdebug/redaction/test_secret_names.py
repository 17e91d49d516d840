"""One list of secret names: what is in it is removed wherever it stands."""

import re

import pytest

from chatdebug.redaction import redact_headers, redact_json, redact_text, redact_url
from chatdebug.redaction.patterns import Pattern
from chatdebug.redaction.secret_names import (
    ENDS_OF_KEYS,
    HARMLESS_KEYS,
    HARMLESS_TOKENS,
    NOT_AS_KEYS,
    NOT_IN_TEXTS,
    SECRET_NAMES,
    is_secret_key,
)

VALUE = "qwertzuiop"
SPELLINGS = ("_", "-", " ", "")


def camel(name: str) -> str:
    first, *others = name.split()
    return first + "".join(map(str.capitalize, others))


def spelled(name: str) -> set[str]:
    joined = {name.replace(" ", mark) for mark in SPELLINGS}
    return {*joined, camel(name), name.replace(" ", "_").upper()}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_is_secret_in_json_texts_headers_and_queries(name: str) -> None:
    for spelling in spelled(name):
        assert redact_json({spelling: VALUE}) == {spelling: "[REDACTED]"}
        for text in (
            f"{spelling}: {VALUE}",
            f"({spelling}={VALUE})",
            f"('{spelling}', '{VALUE}12')",
        ):
            assert VALUE not in redact_text(text), text
        header = spelling.replace(" ", "-")
        for value in (VALUE, "839"):
            kept = redact_headers({f"x-{header}": value})
            assert kept == {f"x-{header}": "[REDACTED]"}
        url = f"https://x.example/a?{header}={VALUE}&b=1"
        for text in (redact_url(url), redact_text(f"see {url} there")):
            assert VALUE not in text
            assert "&b=1" in text


@pytest.mark.parametrize("name", NOT_IN_TEXTS)
def test_a_name_that_texts_talk_about_is_secret_as_a_key(name: str) -> None:
    key = name.replace(" ", "_")
    assert redact_json({key: VALUE}) == {key: "[REDACTED]"}
    assert VALUE not in redact_url(f"https://x.example/a?{key}={VALUE}")


@pytest.mark.parametrize("name", NOT_AS_KEYS)
def test_a_name_of_functions_is_secret_in_texts_and_queries(name: str) -> None:
    assert redact_json({name: VALUE}) == {name: VALUE}
    assert redact_text(f"{name}={VALUE}") == f"{name}=[REDACTED:value]"
    assert VALUE not in redact_url(f"https://x.example/a?{name}={VALUE}")


@pytest.mark.parametrize("name", ENDS_OF_KEYS)
def test_a_longer_name_of_a_key_is_secret_however_it_begins(name: str) -> None:
    key = name.replace(" ", "_")
    for longer in (key, f"my_{key}", f"{key}s", camel(f"our {name}")):
        assert is_secret_key(longer)
    assert VALUE not in redact_text(f"my_{key}={VALUE}12")


@pytest.mark.parametrize("word", HARMLESS_TOKENS)
def test_tokens_of_models_and_pages_stay(word: str) -> None:
    name, value = f"{word}_token", "a b 1234"
    assert redact_json({name: value}) == {name: value}
    assert redact_text(f"{name}='{value}'") == f"{name}='{value}'"
    assert is_secret_key(f"{word}s_token")
    assert value not in redact_text(f"{word}s_token='{value}'")


@pytest.mark.parametrize("word", HARMLESS_KEYS)
def test_keys_that_find_data_stay(word: str) -> None:
    name = re.sub(r"\W.*", "", word) + "_key"
    value = "Ab12cdefgh"
    assert redact_json({name: value}) == {name: value}
    text = f"{name}: '{value}'"
    assert redact_text(text) == text


def test_a_hint_that_no_text_in_lower_case_holds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not in lower case: \['AKIA'\]"):
        Pattern("aws key", ("akia", "AKIA"), re.compile("AKIA[A-Z0-9]{16}"))
