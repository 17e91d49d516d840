"""Each rule finds what it is for, and spares what only looks like it."""

import re
from typing import Any

import pytest

from chatdebug.errors.content import storable_text
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.linter import RULES, Finding, Rule, likely_causes
from chatdebug.linter.elsewhere import OTHER_KINDS
from tests.chatdebug.linter.examples import EXAMPLES, FINE, WITH_TOOL, Example
from tests.chatdebug.linter.requests import (
    TEXT,
    answer,
    calling,
    chat,
    item_call,
    item_result,
    item_thought,
    responses,
    result,
    tool,
    use,
    used,
    user,
)
from tests.chatdebug.linter.wordings import ELSEWHERE, WORDINGS

GENERIC = "The request is not valid."
SPOKEN_ONLY = {
    "messages.field",
    "messages.unicode",
    "tools.native_unsupported",
    "limits.cache_marks",
    "limits.request_size",
    "messages.reserved_word",
    "messages.not_kept",
    "settings.json_word",
    "settings.model",
}
"""Rules that only the provider's words can tell: a shape cannot show what they mean."""


def error_of(provider: str, words: str, **fields: Any) -> dict[str, Any]:
    return {"provider": provider, "status_code": 400, "detail": words, **fields}


def look(
    request: dict[str, Any],
    words: str = GENERIC,
    *,
    provider: str = "openai",
    window: int | None = None,
    **fields: Any,
) -> tuple[Finding, ...]:
    shape = WireRequest(lambda: request).shape(window=window)
    found = likely_causes({}, shape, error_of(provider, words, **fields))
    assert found is not None
    return found


def stored(words: str) -> str:
    """Return words of a provider's as they are kept, which is without what they quote."""
    return storable_text(words, 500)


def ids(found: tuple[Finding, ...]) -> list[str]:
    return [one.rule.id for one in found]


def test_each_rule_has_an_id_of_its_own_and_an_example() -> None:
    known = [rule.id for rule in RULES]
    assert len(set(known)) == len(known)
    assert set(known) == set(EXAMPLES)
    assert all(rule.source.startswith("https://") for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_the_patterns_of_a_rule_are_in_small_letters(rule: Rule) -> None:
    letters = re.sub(r"\\.|\(\?P<\w+>", "", rule.words + rule.plain)
    assert letters == letters.lower()


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items(), ids=list(EXAMPLES))
def test_a_rule_is_named_where_the_provider_says_so(
    name: str, example: Example
) -> None:
    found = look(example.found, example.words, provider=example.provider)
    assert name in ids(found)
    assert next(one for one in found if one.rule.id == name).is_said


@pytest.mark.parametrize(
    ("name", "example"),
    [item for item in EXAMPLES.items() if item[0] not in SPOKEN_ONLY],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_finds_no_place_in_a_request_that_is_not_as_it_has_it(
    name: str, example: Example
) -> None:
    found = look(
        example.spared, example.words, provider=example.provider, window=200_000
    )
    assert name not in ids(tuple(one for one in found if one.places))


@pytest.mark.parametrize(
    ("name", "example"),
    [(rule.id, EXAMPLES[rule.id]) for rule in RULES if rule.proves],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_that_proves_something_needs_no_words(
    name: str, example: Example
) -> None:
    window = 4_000 if name in ("limits.window", "limits.max_tokens") else None
    found = look(example.found, provider=example.provider, window=window)
    assert name in ids(found)


@pytest.mark.parametrize(
    "provider", ["openai", "anthropic", "google", "bedrock", "mistral", "vllm", ""]
)
@pytest.mark.parametrize("request_", [FINE, WITH_TOOL], ids=["plain", "with a tool"])
def test_nothing_is_found_in_a_request_that_is_as_it_should_be(
    provider: str, request_: dict[str, Any]
) -> None:
    assert look(request_, provider=provider) == ()


PARALLEL = (item_call("a"), item_call("b"), item_result("a"), item_result("b"))


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(PARALLEL, id="parallel calls"),
        pytest.param((item_thought(), *PARALLEL, user()), id="after a thought"),
        pytest.param(
            (item_call("a"), item_thought(), *PARALLEL[1:]), id="a thought between"
        ),
        pytest.param(
            (
                item_call("a", type="custom_tool_call", input="x"),
                item_result("a", type="custom_tool_call_output"),
            ),
            id="a custom tool",
        ),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "azure", "openrouter", "vllm", ""])
def test_items_of_calls_and_their_results_are_as_they_should_be(
    provider: str, items: tuple[dict[str, Any], ...]
) -> None:
    request = responses(user(), *items, tools=[tool()])
    assert look(request, provider=provider) == ()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("server_tool_use", "web_search_tool_result"),
        ("server_tool_use", "bash_code_execution_tool_result"),
        ("mcp_tool_use", "mcp_tool_result"),
    ],
)
def test_what_a_tool_of_the_provider_found_is_the_result_of_its_call(
    call: str, found: str
) -> None:
    parts = [use(type=call), {**used(), "type": found, "content": []}]
    request = chat(user(), answer([*parts, TEXT]), user(), tools=[tool()])
    assert look(request, provider="anthropic") == ()


def test_a_message_between_parallel_calls_and_their_results_is_found() -> None:
    request = responses(user(), *PARALLEL[:2], user("and?"), *PARALLEL[2:])
    assert ids(look(request)) == ["calls.late_result"]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            responses(item_result(), previous_response_id="resp_1"), id="response"
        ),
        pytest.param(responses(item_result(), conversation="conv_1"), id="text"),
        pytest.param(
            responses(item_result(), conversation={"id": "conv_1"}), id="conversation"
        ),
        pytest.param(
            responses({"type": "item_reference", "id": "fc_1"}, item_result()),
            id="item",
        ),
        pytest.param({"model": "m", "prompt": {"id": "pmpt_1"}}, id="prompt"),
        pytest.param(
            {"prompt": {"id": "pmpt_1"}, "tool_choice": "auto"}, id="tools of a prompt"
        ),
    ],
)
def test_what_a_request_only_refers_to_is_not_told_as_missing(
    request_: dict[str, Any],
) -> None:
    assert look(request_) == ()
    kept = WireRequest(lambda: request_).normalised()
    assert likely_causes(kept, None, error_of("openai", GENERIC)) == ()


def test_of_a_request_that_refers_to_another_its_own_mistakes_are_told() -> None:
    items = (item_result("a"), item_call("b"), user())
    request = responses(*items, previous_response_id="resp_1")
    assert ids(look(request)) == ["calls.no_result"]
    words = EXAMPLES["calls.no_call"].words
    assert ids(look(responses(item_result(), previous_response_id="x"), words)) == [
        "calls.no_call"
    ]


def test_a_rule_of_one_provider_does_not_speak_of_another() -> None:
    request = chat(user(), calling("a"), result("a"), user())
    assert ids(look(request, provider="bedrock")) == ["calls.no_tools_offered"]
    assert look(request, provider="openai") == ()


@pytest.mark.parametrize("provider", ["openrouter", "google", "azure"])
def test_words_are_believed_of_whoever_serves_the_model(provider: str) -> None:
    request = chat(user(), answer("\n\n"), user())
    words = "messages: text content blocks must contain non-whitespace text"
    assert ids(look(request, words, provider=provider)) == ["messages.blank"]


@pytest.mark.parametrize(("name", "provider", "words", "source"), WORDINGS)
def test_what_a_provider_says_plainly_is_named_where_the_request_does_not_show_it(
    name: str, provider: str, words: str, source: str
) -> None:
    assert source.startswith("https://")
    found = look(WITH_TOOL, stored(words), provider=provider)
    assert ids(found)[:1] == [name]
    assert found[0].is_said


def test_what_is_seen_in_the_request_comes_before_what_is_only_said() -> None:
    request = chat(user(), calling("a"), user("and?"), result("a"), tools=[tool()])
    found = look(request, EXAMPLES["calls.no_result"].words, provider="anthropic")
    assert ids(found) == ["calls.late_result", "calls.no_result"]
    assert [bool(one.places) for one in found] == [True, False]


@pytest.mark.parametrize(("words", "source"), ELSEWHERE)
def test_nothing_is_named_where_the_provider_says_that_it_is_something_else(
    words: str, source: str
) -> None:
    assert source.startswith("https://")
    request = chat(user(), answer(None), user(), result("x"), tools=[tool("a b")])
    assert look(request, stored(words)) == ()


@pytest.mark.parametrize("kind", sorted(OTHER_KINDS))
def test_an_error_of_a_known_kind_is_not_put_down_to_the_request(kind: str) -> None:
    request = chat(user(), answer(None), user(), result("x"), tools=[tool("a b")])
    assert look(request, EXAMPLES["tools.name"].words, kind=kind) == ()


def test_what_the_provider_says_comes_first() -> None:
    request = chat(user(), answer(None), user(), result("x"), tools=[tool("a b")])
    words = EXAMPLES["tools.name"].words
    found = look(request, words)
    assert ids(found)[0] == "tools.name"
    assert "calls.no_call" in ids(found)
    assert [one.is_said for one in found][:2] == [True, False]


def test_the_message_that_the_provider_names_comes_first() -> None:
    request = chat(user(), answer(None), user(), result("x"))
    assert ids(look(request))[0] == "calls.no_call"
    assert ids(look(request, "messages[1] is not valid"))[0] == "messages.empty"


def test_a_place_is_counted_from_the_beginning_of_the_request() -> None:
    long = [turn for _ in range(300) for turn in (user(), answer())]
    [found] = look(chat(*long, answer(None), user()), words="")
    [place] = found.places
    assert place.message is not None
    assert place.message.index == 600


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_request_that_was_not_rejected_is_not_blamed(status: int) -> None:
    shape = WireRequest(lambda: chat(user(), answer(None))).shape(window=None)
    error = error_of("openai", GENERIC, status_code=status)
    assert likely_causes({}, shape, error) is None
