"""What is told of how far an answer had come, and of how often it was tried."""

import pytest

from chatdebug.errors import (
    answered_after,
    answered_at_last,
    how_it_ended,
    time_of_attempts,
    times_tried,
    what_came,
)
from chatdebug.errors.responses import ResponseFacts
from chatdebug.errors.sentences import Cause
from chatdebug.presentation.errors import ErrorReport

THEY = ResponseFacts(closed_by="provider")
WE = ResponseFacts(closed_by="client")
ENDS: dict[str, tuple[Cause, ResponseFacts, int | None, str]] = {
    "broke off": (
        Cause.BROKEN_OFF,
        THEY,
        1_234,
        "Attempt 1 ended 1.5\N{NO-BREAK SPACE}s after it began.",
    ),
    "broke off at once": (
        Cause.BROKEN_OFF,
        THEY,
        0,
        "Attempt 1 ended 1.5\N{NO-BREAK SPACE}s after it began.",
    ),
    "given up here": (Cause.BROKEN_OFF, WE, None, "This side closed it."),
    "nobody knows": (Cause.BROKEN_OFF, ResponseFacts(), None, ""),
    "ended early": (
        Cause.INCOMPLETE,
        THEY,
        1,
        "Attempt 1 ended 1.5\N{NO-BREAK SPACE}s after it began.",
    ),
    "garbled": (
        Cause.UNREADABLE,
        WE,
        76,
        "Attempt 1 ended 1.5\N{NO-BREAK SPACE}s after it began.",
    ),
    "garbled, no more is known": (Cause.UNREADABLE, WE, None, ""),
    "never began": (Cause.SILENCE, WE, 0, ""),
    "stalled": (Cause.SILENCE, WE, 76, ""),
    "a page": (Cause.PAGE, ResponseFacts(server="nginx"), 0, ""),
    "no answer at all": (Cause.UNREACHABLE, THEY, 0, ""),
    "no reason": (Cause.KEY, THEY, 0, "The provider did not say why."),
    "in the middle": (
        Cause.OVERLOADED,
        THEY,
        76,
        "It said so in the middle of its answer. The provider did not say why.",
    ),
}


@pytest.mark.parametrize(
    ("cause", "response", "characters", "words"), ENDS.values(), ids=ENDS
)
def test_who_ended_an_answer_and_how_far_it_had_come(
    cause: Cause, response: ResponseFacts, characters: int | None, words: str
) -> None:
    said = how_it_ended(cause, response=response, characters=characters, seconds=1.5)
    assert said == words


@pytest.mark.parametrize(
    ("cause", "said", "words"),
    [
        (
            Cause.REJECTED,
            "The request is not valid.",
            "OpenAI rejected it (400) and says only “The request is not valid.”",
        ),
        (Cause.REJECTED, "", "OpenAI rejected it (400) and did not say why."),
        (Cause.REJECTED, "The ballast shifted.", "OpenAI rejected it (400). So far."),
        (Cause.UNKNOWN, "The ballast shifted.", "So far."),
    ],
)
def test_below_a_headline_of_a_likely_cause_it_is_said_what_came(
    cause: Cause, said: str, words: str
) -> None:
    told = what_came("OpenAI rejected it (400).", cause, said=said, how="So far.")
    assert told == words


def test_of_several_attempts_it_is_said_which_one_it_was() -> None:
    said = how_it_ended(
        Cause.BROKEN_OFF, response=THEY, characters=76, seconds=0.7, attempt=3
    )
    assert said == "Attempt 3 ended 700\N{NO-BREAK SPACE}ms after it began."


def test_a_stored_error_tells_the_same() -> None:
    stored = {
        "kind": "timeout",
        "chain": [{"type": "ReadError", "message": ""}],
        "response": {"closed_by": "provider"},
        "characters_received": 76,
        "elapsed_ms": 665,
    }
    first = ErrorReport.of(stored)
    assert first.sentence.endswith(" was lost in the middle of the answer.")
    assert first.how == "Attempt 1 ended 665\N{NO-BREAK SPACE}ms after it began."
    third = ErrorReport.of(stored | {"retry_count": 2})
    assert third.how == "Attempt 3 ended 665\N{NO-BREAK SPACE}ms after it began."
    older = {"kind": "timeout", "response": 7, "elapsed_ms": "long"}
    assert ErrorReport.of(older).how == ""
    assert ErrorReport.of(older).sentence.endswith(" was lost.")


def test_only_what_was_tried_again_says_how_often() -> None:
    assert times_tried(0, 0.0) == ""
    assert times_tried(1, 4.0) == ""
    assert (
        times_tried(3, 4.25)
        == "This site tried 3\N{NO-BREAK SPACE}times in 4.2\N{NO-BREAK SPACE}s."
    )


def test_attempts_and_their_run_are_told_as_one_time_where_nobody_sees_two() -> None:
    assert time_of_attempts(2.44, 2.52) == 2.52
    assert time_of_attempts(2.44, 32.0) == 2.44, "it had to wait for its turn"
    assert time_of_attempts(2.44, 1.0) == 2.44, "clocks disagree"


OVERLOADED, FAILED = (Cause.OVERLOADED, 529), (Cause.SERVER_ERROR, 500)


def test_that_all_attempts_met_the_same_is_said_only_where_it_is_known() -> None:
    assert times_tried(2, 4.25, met=[FAILED, FAILED]) == (
        "This site tried 2\N{NO-BREAK SPACE}times in 4.2\N{NO-BREAK SPACE}s, with the same result."
    )
    assert times_tried(2, 4.25, met=[OVERLOADED, FAILED]) == (
        "This site tried 2\N{NO-BREAK SPACE}times in 4.2\N{NO-BREAK SPACE}s, with different results; the "
        "first: Overloaded (529)."
    )
    limited = (Cause.RATE_LIMIT, 429)
    assert times_tried(2, 4.25, met=[limited, limited]) == (
        "This site waited in between and tried 2\N{NO-BREAK SPACE}times in 4.2\N{NO-BREAK SPACE}s: the "
        "limit still held."
    )
    assert times_tried(3, 4.25, met=[FAILED, FAILED]) == times_tried(3, 4.25)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (502, ""),
        (504, "The gateway got no answer in time."),
        (503, ""),
        (None, ""),
    ],
)
def test_a_gateway_says_by_its_status_what_it_met(
    status: int | None, words: str
) -> None:
    response = ResponseFacts(server="nginx")
    assert how_it_ended(Cause.GATEWAY, response=response, status=status) == words


def test_an_answer_of_a_later_attempt_says_what_the_first_one_met() -> None:
    said = answered_after(2, 1.13)
    assert said == "Answered on attempt 2, after 1.1\N{NO-BREAK SPACE}s."
    first = "The demo provider had an error of its own (500)."
    told = answered_at_last(2, waited=1.24, first=first)
    assert told == (
        "Answered on attempt 2, after 1.2\N{NO-BREAK SPACE}s of waiting. Attempt 1 failed: the demo provider "
        "had an error of its own (500)."
    )
    told = answered_at_last(3, waited=0.0, first="OpenAI is overloaded.")
    assert told == "Answered on attempt 3. Attempt 1 failed: OpenAI is overloaded."
