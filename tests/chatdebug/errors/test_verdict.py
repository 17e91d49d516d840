"""What people are told of a failure: by cause, whose it is, and what helps."""

from functools import partial
from typing import Any

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import build_facts, classify, classify_facts
from chatdebug.errors.exceptions import (
    ContentFilteredError,
    IncompleteStreamError,
    StreamSilenceError,
)
from chatdebug.errors.sentences import WORDS, Cause, Owner, Way
from chatdebug.errors.verdict import verdict
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
        "A gateway in front of OpenAI answered in its place (502).",
        Owner.NETWORK,
    ),
    "a gateway with a name": (
        {"status_code": 502, "body": "<html>", "headers": {"server": "nginx/1.28"}},
        "A gateway in front of OpenAI answered in its place (nginx/1.28, 502).",
        Owner.NETWORK,
    ),
    "a gateway whose name is none": (
        {"status_code": 502, "body": "<html>", "headers": {"server": "<b>you</b>"}},
        "A gateway in front of OpenAI answered in its place (502).",
        Owner.NETWORK,
    ),
    "a request that was blocked": (
        {"status_code": 400, "error_code": "content_filter", "message": "Blocked."},
        "OpenAI blocked this request under its content policy (400).",
        Owner.REQUEST,
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
        "OpenAI did not accept this site's key (401).",
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
    words = {
        Way.AGAIN: ("Send it again", "send it again"),
        Way.CHANGE: ("change it", "other words", "Make it shorter"),
        Way.NEW_CHAT: ("new chat",),
        Way.OTHER_MODEL: ("another model", "Another model", "a model"),
    }
    advice = WORDS[cause].advice
    assert advice.ways
    for text in filter(None, (advice.words, advice.words_with_wait)):
        told = {way for way in Way if any(one in str(text) for one in words[way])}
        assert told == set(advice.ways)


def test_the_wait_that_a_provider_asks_for_is_told() -> None:
    limited = partial(verdict, ErrorKind.RATE_LIMIT, retryable=True)
    waits = {0.3: "1 s", 20: "20 s", 90: "1 min 30 s", None: "a little"}
    for seconds, words in waits.items():
        assert limited(retry_after=seconds).advice == (
            f"Wait {words}, then send it again, or let another model answer."
        )
    assert "min" in limited(retry_after=1e300).advice


def test_what_is_not_worth_another_try_has_no_way_to_one() -> None:
    assert Way.AGAIN not in verdict(ErrorKind.GENERIC, status_code=500).ways
    again = verdict(ErrorKind.GENERIC, status_code=500, retryable=True)
    assert again.ways == (Way.AGAIN, Way.OTHER_MODEL)


@pytest.mark.parametrize(
    "cause", [cause for cause in Cause if WORDS[cause].owner is Owner.SETTINGS]
)
def test_what_is_the_sites_settings_passes_by_itself_or_names_an_administrator(
    cause: Cause,
) -> None:
    advice = str(WORDS[cause].advice.words)
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
    assert classify(ContentFilteredError()).quote == ""
    assert classify(IncompleteStreamError()).quote == ""


LINE = "One line of a report that nobody cut. "
SAID = {
    "as the title": (529, "Our servers are currently overloaded.", ""),
    "more than the title": (
        529,
        "Overloaded: the region eu-west is full.",
        "Overloaded: the region eu-west is full.",
    ),
    "sizes that are told": (400, "prompt is too long: 20900 tokens > 19999", ""),
    "again and again": (
        400,
        LINE * 3 + "One line … more than 900 characters left out",
        LINE + "… more than 900 characters left out",
    ),
    "again in between": (400, f"{LINE * 2}It is over.", f"{LINE}… It is over."),
    "short things twice": (400, "Not 3. 3. 3. It is 4.", "Not 3. 3. 3. It is 4."),
}


@pytest.mark.parametrize(("status", "said", "quote"), SAID.values(), ids=SAID)
def test_a_quote_adds_to_the_sentence(status: int, said: str, quote: str) -> None:
    found = classify_facts(build_facts(status_code=status, message=said))
    assert found.detail
    assert found.quote == quote


def test_that_a_key_is_wrong_is_not_said_twice() -> None:
    key = '{"error": {"message": "Incorrect API key provided: sk-proj-0123456789abcdef."}}'
    found = classify_facts(build_facts(status_code=401, body=key))
    assert found.detail.startswith("Incorrect API key provided: [REDACTED:")
    assert found.quote == ""


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
