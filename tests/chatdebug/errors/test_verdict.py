"""What people are told of a failure: by cause, whose it is, and what helps."""

from typing import Any

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import build_facts, classify, classify_facts
from chatdebug.errors.exceptions import ContentFilteredError, StreamSilenceError
from chatdebug.errors.verdict import WORDS, Cause, Owner, verdict
from chatdebug.presentation.errors import ErrorReport

CASES: dict[str, tuple[dict[str, Any], str, Owner]] = {
    "rejected": (
        {"status_code": 400, "message": "The seal is of another season."},
        "OpenAI rejected the request (400).",
        Owner.REQUEST,
    ),
    "an error of its own": (
        {"status_code": 500, "message": "The server had an error."},
        "OpenAI had an error of its own (500).",
        Owner.PROVIDER,
    ),
    "a gateway": (
        {"status_code": 502, "body": "<html>502 Bad Gateway</html>"},
        "A gateway answered in the place of OpenAI (502).",
        Owner.NETWORK,
    ),
    "refused": (
        {
            "message": "Connection error.",
            "classes": ["APIConnectionError", "ConnectError"],
            "links": ["APIConnectionError: Connection error.", "ConnectError: refused"],
        },
        "OpenAI could not be reached.",
        Owner.NETWORK,
    ),
    "broken off": (
        {
            "message": "Connection error.",
            "classes": ["APIConnectionError", "ReadError"],
            "links": ["APIConnectionError: Connection error.", "ReadError: "],
        },
        "The connection to OpenAI broke off.",
        Owner.NETWORK,
    ),
    "too late": (
        {
            "message": "Request timed out.",
            "classes": ["APITimeoutError", "ReadTimeout"],
            "links": ["APITimeoutError: Request timed out.", "ReadTimeout: "],
        },
        "OpenAI did not answer in time.",
        Owner.PROVIDER,
    ),
    "no such model": (
        {"status_code": 404, "error_code": "model_not_found", "message": "No model x"},
        "OpenAI has no model of that name (404).",
        Owner.SETTINGS,
    ),
    "too long": (
        {
            "status_code": 400,
            "error_code": "context_length_exceeded",
            "message": "This model's maximum context length is 8192 tokens. However, "
            "your messages resulted in 9412 tokens.",
        },
        "The chat is too long for this model: 9,412 of 8,192 tokens.",
        Owner.REQUEST,
    ),
    "too long by a body without numbers": (
        {"status_code": 413, "message": "Payload too large"},
        "The chat is too long for this model (413).",
        Owner.REQUEST,
    ),
    "a setting": (
        {"status_code": 400, "message": "temperature must be at most 2"},
        "OpenAI rejected a setting of this model (400).",
        Owner.SETTINGS,
    ),
    "a key": (
        {"status_code": 401, "message": "Incorrect API key provided."},
        "OpenAI did not accept the key (401).",
        Owner.SETTINGS,
    ),
    "a permission": (
        {"status_code": 403, "message": "You may not."},
        "OpenAI denies permission to this site's key (403).",
        Owner.SETTINGS,
    ),
    "a limit": (
        {"status_code": 429, "message": "Rate limit reached."},
        "OpenAI is limiting how many requests it takes (429).",
        Owner.SETTINGS,
    ),
    "a quota": (
        {"status_code": 429, "error_code": "insufficient_quota", "message": "No more."},
        "The usage limit at OpenAI has been reached (429).",
        Owner.SETTINGS,
    ),
    "a defect": (
        {"message": "'NoneType' object has no attribute 'x'", "classes": ["TypeError"]},
        "This site made a mistake of its own.",
        Owner.SITE,
    ),
    "a certificate": (
        {"links": ["SSLError: certificate verify failed"], "message": "x"},
        "No secure connection to OpenAI could be made.",
        Owner.SETTINGS,
    ),
    "nothing known": (
        {"message": "Something happened."},
        "The request failed for a reason that is not known.",
        Owner.UNKNOWN,
    ),
}


@pytest.mark.parametrize(("facts", "what", "owner"), CASES.values(), ids=CASES)
def test_what_happened_and_whose_it_is(
    facts: dict[str, Any], what: str, owner: Owner
) -> None:
    found = classify_facts(build_facts(provider="openai", **facts))
    assert (found.message, found.owner) == (what, owner)


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("status", [None, 400, 500])
def test_nobody_is_told_to_try_again_what_is_not_worth_it(
    kind: ErrorKind, status: int | None
) -> None:
    advice = verdict(kind, status_code=status, retryable=False).advice
    assert not advice.startswith("Send it again")


@pytest.mark.parametrize("cause", Cause)
def test_each_advice_has_something_that_the_reader_can_do(cause: Cause) -> None:
    ways = ("another model", "a model", "Send it again", "other words")
    assert any(way in str(WORDS[cause].advice) for way in ways)


@pytest.mark.parametrize(
    "cause", [cause for cause in Cause if WORDS[cause].owner is Owner.SETTINGS]
)
def test_what_is_the_sites_settings_passes_by_itself_or_names_an_administrator(
    cause: Cause,
) -> None:
    advice = str(WORDS[cause].advice)
    assert advice.startswith("Wait") or "administrator" in advice


def test_a_quote_says_nothing_that_the_sentence_says_already() -> None:
    silence = classify(StreamSilenceError(6))
    assert silence.message == "The AI provider sent nothing for 6 seconds."
    assert (silence.detail, silence.quote) == (
        "Nothing was received for 6 seconds.",
        "",
    )
    stored = {"kind": silence.kind, "rule": silence.rule, "detail": silence.detail}
    assert ErrorReport.of(stored).reason == ""
    assert classify(ContentFilteredError()).quote


def test_a_provider_without_a_name_is_called_what_it_is() -> None:
    said = verdict(ErrorKind.TIMEOUT)
    assert said.what == "The connection to the AI provider broke off."
    assert verdict(ErrorKind.OVERLOADED).what.startswith("The AI provider is")


@pytest.mark.parametrize(
    ("detail", "what"),
    [
        ("Nothing was received for 6 seconds.", "OpenAI sent nothing for 6 seconds."),
        ("Nothing was received for 1 seconds.", "OpenAI sent nothing for 1 second."),
        (
            "Nothing was received for 0.5 seconds.",
            "OpenAI sent nothing for 0.5 seconds.",
        ),
        ("", "OpenAI sent nothing for too long."),
    ],
)
def test_a_silence_says_how_long_it_was(detail: str, what: str) -> None:
    kind = ErrorKind.STREAM_SILENCE_TIMEOUT
    assert verdict(kind, provider="openai", detail=detail).what == what
