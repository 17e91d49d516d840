"""Which credentials of a request are looked for in what is kept of its failure."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from chatdebug.redaction import (
    redact_body,
    redact_fragments,
    redact_text,
    redact_url,
    remove_sent,
    secrets_sent,
    without_sent,
)

KEY = "acme7f3bQ9zz2LkMvxxw"
PAIR = "bob:Plain word/horse"
BASIC = base64.b64encode(PAIR.encode()).decode()
URL = "https://x.example/v1"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", f"Bearer {KEY}", {KEY}),
        ("authorization", f"Basic {BASIC}", {BASIC, PAIR, "Plain word/horse"}),
        ("X-Api-Key", KEY, {KEY}),
        ("Authorization", f"Key {KEY}", {KEY}),
        ("Ocp-Apim-Subscription-Key", KEY, {KEY}),
        ("Cookie", f"a=1; sid={KEY}; theme=dark", {KEY}),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIA/20261129/eu, SignedHeaders=host;x-amz-date, "
            f"Signature={KEY}",
            {KEY, "AKIA/20261129/eu"},
        ),
        ("Authorization", f'Digest username="bob", response="{KEY}"', {KEY}),
        # What is no secret, by its name, its length or its look.
        ("Cookie", "a=1", set()),
        ("Authorization", "Bearer test", set()),
        ("Authorization", "Bearer testing", set()),
        ("Authorization", "Bearer not-needed", set()),
        ("X-Session-Mode", "streaming", set()),
        ("X-Session-Limit", "100000", set()),
        ("Authorization", "Basic no base64 at all", set()),
        ("User-Agent", KEY, set()),
        ("X-Api-Key", "k" * 10_000 + "1", set()),
    ],
)
def test_a_secret_header_tells_what_it_held(
    name: str, value: str, expected: set[str]
) -> None:
    assert secrets_sent([("accept", "*/*"), (name, value)], URL) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://x.example/?key={KEY}&model={KEY}9", {KEY}),
        (f"https://{KEY}@x.example/", {KEY}),
        ("https://x.example/a@b?page=2&key=short", set()),
        ("https://[broken", set()),
    ],
)
def test_an_address_tells_what_it_held(url: str, expected: set[str]) -> None:
    assert secrets_sent([], url) == expected


def test_user_and_password_of_an_address_are_known_as_they_are_sent() -> None:
    found = secrets_sent([], "https://bob:Plain%20word%2Fhorse@x.example/")
    assert {"Plain word/horse", BASIC} <= found


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        KEY[:8] + "…",
        "…" + KEY[-8:],
        KEY[4:16],
        quote(json.dumps(KEY)),
        base64.b64encode(f"x {KEY}".encode()).decode(),
        KEY.encode().hex(),
    ],
)
def test_what_was_sent_goes_however_it_is_said_again(said: str) -> None:
    with without_sent({KEY}):
        for kept in (
            redact_text(f"client {said} today"),
            redact_body(json.dumps({"message": f"client {said} today"})),
            "".join(redact_fragments(["client ", said[:5], said[5:], " today"])),
            redact_url(f"https://x.example/{quote(said)}?client=today"),
        ):
            assert said not in kept
            assert "sent credential" in kept
            assert "client" in kept
            assert "today" in kept


def test_another_call_says_it_as_it_likes() -> None:
    text = f"client {KEY} today"
    with without_sent({KEY}), without_sent({"zebraquagga77"}):
        assert redact_text(text + " zebraquagga77").count("REDACTED") == 2
    assert redact_text(text) == text
    with without_sent({"zebraquagga77"}):
        assert redact_text(text) == text


def test_beginnings_that_are_words_stay() -> None:
    text = "openai-project keys begin with sk-proj-, those of teams with openai-t"
    with without_sent({f"sk-proj-{KEY}", f"openai-team-{KEY}"}):
        assert redact_text(text) == text


def test_many_cost_little() -> None:
    headers = [(f"x-secret-{number}", f"{KEY}{number:03}") for number in range(5_000)]
    found = secrets_sent(headers, URL)
    assert len(found) == 100
    began = time.perf_counter()
    with without_sent(found):
        assert KEY not in remove_sent("words and words " * 1_000 + KEY)
    assert time.perf_counter() - began < 1


def test_a_long_one_goes_as_a_whole_and_where_it_begins() -> None:
    long = "".join(f"Ab{number:06}" for number in range(1_000))
    began = time.perf_counter()
    with without_sent(secrets_sent([("cookie", f"sid={long}")], URL)):
        kept = remove_sent(f"words {long} and {long[:300]}… and {quote(long[:90])}")
    assert time.perf_counter() - began < 1
    assert "Ab000" not in kept
