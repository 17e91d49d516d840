"""Where in a request a likely cause is, and what of one that is too long is the most."""

import json
from typing import Any

import pytest

from chatdebug.instrument.wire_held import WireRequest
from chatdebug.linter import LikelyCause, causes_of, noted_causes
from tests.chatdebug.linter.requests import answer, chat, system, tool, user
from tests.optional import present

ERROR = {"kind": "generic", "provider": "openai", "status_code": 400}
LONG = "Why does a ship carry ballast? " * 400


def found_in(request: dict[str, Any], window: int | None = None) -> LikelyCause:
    shape = WireRequest(lambda: request).shape(window=window)
    found = present(causes_of(None, shape, ERROR))
    # It says the same after it was stored.
    noted = json.loads(json.dumps([cause.as_json() for cause in found]))
    assert noted_causes(noted) == found
    return found[0]


def words(found: LikelyCause) -> list[str]:
    return [spot.words for spot in found.here]


@pytest.mark.parametrize(
    ("request_", "largest", "end"),
    [
        pytest.param(
            chat(user(LONG), answer(), user()),
            "message 1 of 3 in the request (role user)",
            "; the newest one has 20.",
            id="message",
        ),
        pytest.param(
            chat(user(), answer(), user(LONG)),
            "message 3 of 3 in the request (role user)",
            " characters.",
            id="newest message",
        ),
        pytest.param(
            chat(system(LONG), user()),
            "message 1 of 2 in the request (role system)",
            "; the newest one has 20.",
            id="instructions",
        ),
        pytest.param(
            chat(user(), tools=[tool(description=LONG), tool("other")]),
            "the tools",
            " characters.",
            id="tools",
        ),
    ],
)
def test_of_a_request_that_is_too_long_its_largest_part_is_told(
    request_: dict[str, Any], largest: str, end: str
) -> None:
    found = found_in(request_, window=1_000)
    assert found.rule.id == "limits.window"
    assert found.largest_part.startswith(f"Largest part: {largest}, 12,")
    assert found.largest_part.endswith(end)
    assert found.told.endswith(found.largest_part)
    is_message = "message 1" in largest
    assert ("leave out message 1 where" in found.remedy) == is_message
    may_be_wrong = "If the model takes more than 1,000 tokens, correct its setting."
    assert found.remedy.endswith(may_be_wrong)


@pytest.mark.parametrize(
    ("tokens", "told"),
    [(5_759, "5,800"), (123_456, "120,000"), (2_040, "2,040"), (9_960, "10,000")],
)
def test_an_estimate_is_told_as_one(tokens: int, told: str) -> None:
    noted = {
        "rule": "limits.window",
        "estimated_tokens": tokens,
        "context_window": 2_000,
    }
    [found] = present(noted_causes([noted]))
    assert found.in_short.endswith(
        f"about {told} tokens, and at most 2,000 fit (this site's setting for the model)."
    )


def test_nothing_is_the_largest_where_not_all_is_described() -> None:
    found = found_in(chat(*[user("Why does it? " * 10), answer()] * 300), window=1_000)
    assert found.rule.id == "limits.window"
    assert not found.largest_part


@pytest.mark.parametrize(
    "noted",
    [7, [], {"number": "x"}, {"number": 1, "role": [], "characters": "9"}],
)
def test_a_largest_part_of_anybody_is_not_believed(noted: Any) -> None:
    [found] = present(noted_causes([{"rule": "limits.window", "largest": noted}]))
    assert not found.largest_part


def test_a_cause_names_its_messages_with_their_roles() -> None:
    found = found_in(chat(user(), answer(None), user()))
    assert (found.where, words(found)) == (
        "message 2",
        ["message 2 of 3 in the request (role assistant)"],
    )
    of_tool = found_in(chat(user(), tools=[tool("look_up", {"type": "string"})]))
    assert of_tool.here == [("tool look_up", "tool-look_up")]
    assert of_tool.in_short.endswith(" object (tool look_up: type string).")
    [older] = present(
        noted_causes([{"rule": "calls.no_result", "places": [{"number": 2}]}])
    )
    assert older.here == [("message 2", "message-2")]


def test_a_role_that_no_provider_has_is_not_told() -> None:
    noted = [{"number": 2, "role": "<b>boss"}, {"number": 3, "role": 7}]
    [found] = present(noted_causes([{"rule": "calls.no_result", "places": noted}]))
    assert words(found) == ["message 2", "message 3"]


@pytest.mark.parametrize(
    ("noted", "told"),
    [
        ({}, "(tool look_up)."),
        ({"type": "none"}, "(tool look_up: no type)."),
        ({"type": "array"}, "(tool look_up: type array)."),
        ({"type": "<b>boss"}, "(tool look_up)."),
        ({"type": ["string"]}, "(tool look_up)."),
    ],
)
def test_what_a_schema_is_instead_of_an_object_is_told_if_it_is_known(
    noted: dict[str, Any], told: str
) -> None:
    places = [{"name": "look_up"} | noted]
    [found] = present(noted_causes([{"rule": "schemas.no_object", "places": places}]))
    assert found.in_short.endswith(told)
