"""What a cause is called: the provider's reason, and nothing that people wrote."""

from typing import Any

import pytest

from chatdebug.errors.fingerprint import HEADLINE_CHARACTERS, headline
from chatdebug.errors.payload import read_payload


def of(**error: Any) -> str:
    return headline(read_payload(error))


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("The ballast shifted.", "The ballast shifted."),
        ("Segment 17 of req_8f3a1c: see https://a.example/1", "Segment … of …: see …"),
        (
            "No tool 'find_ship' in call 'call_a1b2c3d4'",
            "No tool 'find_ship' in call '…'",
        ),
        ('Unexpected "Dear diary, today I"', "Unexpected '…'"),
        ("First line\nand what follows", "First line"),
        ("Bad request (request id: 77ab-cd)", "Bad request (request id: …)"),
    ],
)
def test_what_varies_and_what_is_quoted_is_left_out(said: str, title: str) -> None:
    assert of(detail=said) == title


def test_without_a_reason_it_is_what_the_exception_says_or_is() -> None:
    assert of(detail="", message="The keel cracked") == "The keel cracked"
    assert of(detail="17", message="[object of 3 characters]", type="ShipError") == (
        "ShipError"
    )
    assert of() == ""


def test_a_long_reason_ends_where_a_title_does() -> None:
    title = of(detail="ballast " * 200)
    assert len(title) <= HEADLINE_CHARACTERS
    assert title.endswith("…")


def test_failures_of_one_fingerprint_have_one_title() -> None:
    assert of(detail="Segment 3 shifted") == of(detail="Segment 4711 shifted")
