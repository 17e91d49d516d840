"""The smallest condition that tells the errors of one cause from all others."""

from typing import Any

import pytest

from chatdebug.errors import ErrorFacts, build_facts
from chatdebug.errors.proposal import BROAD_CODES, Condition, propose


def error(message: str, **facts: Any) -> ErrorFacts:
    return build_facts(**{"message": message, "status_code": 400, **facts})


BALLAST = [
    error("The ballast of segment 3 does not match its envelope."),
    error("The ballast of segment 77 does not match its envelope."),
]


def test_a_code_that_says_what_happened_is_enough() -> None:
    own = [error("No.", error_code="ballast_shifted", provider="openai")]
    assert propose(own, BALLAST) == Condition(code="ballast_shifted")


@pytest.mark.parametrize(
    "code", ["400", "invalid_request_error", "ValidationException"]
)
def test_a_code_that_only_repeats_the_status_is_none(code: str) -> None:
    own = [error("The keel has cracked.", error_code=code)]
    assert propose(own, BALLAST) == Condition(text="the keel has")
    assert "validationexception" in BROAD_CODES


def test_words_are_the_fewest_that_no_other_error_begins_with() -> None:
    others = [error("The ballast of the harbour is gone."), error("The keel cracked.")]
    assert propose(BALLAST, others) == Condition(text="the ballast of segment")


def test_what_varies_between_the_errors_is_left_open() -> None:
    others = [error("The ballast of segment 3 is too heavy.")]
    found = propose(BALLAST, others)
    assert found == Condition(text="the ballast of segment * does")
    unseen = error("The ballast of segment 12,000 does not match.")
    assert found.as_rule().holds(unseen)


def test_a_status_or_a_provider_is_added_where_words_are_not_enough() -> None:
    own = [error("The request was refused.", provider="openai")]
    same_words = error("The request was refused.", provider="groq", status_code=409)
    assert propose(own, [same_words]) == Condition(
        text="the request was", status_code=400
    )
    same_status = error("The request was refused.", provider="groq")
    assert propose(own, [same_words, same_status]) == Condition(
        text="the request was", provider="openai"
    )


def test_a_status_and_a_provider_alone_are_never_proposed() -> None:
    own = [error("", provider="openai", status_code=418)]
    assert propose(own, []) is None


def test_there_is_none_where_another_cause_says_the_same() -> None:
    assert propose(BALLAST, [BALLAST[0]]) is None


def test_there_is_none_for_errors_that_have_nothing_in_common() -> None:
    assert propose([error("The keel cracked."), error("It is dark here.")], []) is None


def test_there_is_none_without_a_stored_error() -> None:
    assert propose([], BALLAST) is None


def test_names_of_models_are_left_open() -> None:
    own = [error("acme/helm-7b-instruct is not served in this region.")]
    assert propose(own, []) == Condition(text="* is not served in")


def test_a_short_line_counts_as_a_whole() -> None:
    own = [error("Unauthorized.", status_code=400)]
    assert propose(own, BALLAST) == Condition(text="unauthorized.")
    assert propose([error("Bad.")], BALLAST) is None


def test_what_was_taken_out_of_a_stored_text_is_left_open() -> None:
    own = [error("The value [text of 12 characters] is not one of the anchors.")]
    found = propose(own, [error("The value of the keel is not one of them.")])
    assert found is not None
    assert found.as_rule().holds(
        error('The value "left then right" is not one of the anchors.')
    )


def test_many_errors_are_told_apart_in_no_time() -> None:
    others = [
        error(f"The {word} of the {word} is {word}.", error_code=word)
        for word in ("keel", "mast", "rudder", "anchor")
        for _ in range(200)
    ]
    assert propose(BALLAST, others) is not None
