"""One reading of shapes and of full requests, whatever they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from chatdebug.evidence.requests import ModelRequest as HeldRequest
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.linter import likely_causes
from tests.chatdebug.linter.examples import EXAMPLES
from tests.chatdebug.linter.test_rules import error_of, ids

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("messages", "parts", "role", "type", "call", "length", "tools"),
                    *("schema", "properties", "settings", "output", "window", "name"),
                    *("input_schema", "options", "tool_call_id", "arguments", "$ref"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)
SEEN_IN_SHAPES_ONLY = {"tools.with_json", "settings.answer_form"}
"""They are about the form of the answer, which the full level does not keep of all SDKs."""


@pytest.mark.parametrize(
    "name", [name for name in EXAMPLES if name not in SEEN_IN_SHAPES_ONLY]
)
def test_a_full_request_is_read_like_its_shape(name: str) -> None:
    example = EXAMPLES[name]
    held = WireRequest(lambda: example.found)
    error = error_of(example.provider, example.words)
    found = likely_causes(held.normalised(), None, error)
    assert found is not None
    assert name in ids(found)


def test_a_request_of_pydantic_ai_is_read_as_well() -> None:
    messages: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart("What is the weather?")]),
        ModelResponse(parts=[ThinkingPart("Hm."), ToolCallPart("look", {}, "c1")]),
        ModelRequest(parts=[UserPromptPart("And?")]),
        ModelResponse(parts=[TextPart(" ")]),
        ModelRequest(parts=[UserPromptPart("So?")]),
    ]
    tool = ToolDefinition(name="look", parameters_json_schema={"type": "array"})
    held = HeldRequest(messages, {}, ModelRequestParameters(function_tools=[tool]))
    error = error_of("anthropic", "The request is not valid.")
    expected = ["thinking.unsigned", "calls.no_result", "messages.blank"]
    expected += ["schemas.no_object"]
    for request, shape in (({}, held.shape(window=None)), (held.normalised(), None)):
        found = likely_causes(request, shape, error)
        assert found is not None
        assert ids(found) == expected


@pytest.mark.parametrize("request_", [None, {}, [], "", 7, {"tools": []}])
@pytest.mark.parametrize("shape", [None, {}, [], "", 7])
def test_nothing_is_said_of_a_request_that_was_not_kept(
    request_: Any, shape: Any
) -> None:
    assert likely_causes(request_, shape, error_of("openai", "No.")) is None


@given(request=JSON, shape=JSON, error=JSON)
def test_it_never_raises(request: Any, shape: Any, error: Any) -> None:
    found = likely_causes(request, shape, error)
    assert found is None or isinstance(found, tuple)


@pytest.mark.parametrize("odd", [[], {}], ids=repr)
def test_words_that_are_none_do_not_hide_what_is_wrong(odd: Any) -> None:
    example = EXAMPLES["calls.no_result"]
    held = WireRequest(lambda: example.found)
    request = held.normalised()
    parts = [{"type": odd}, {"type": "text", "tool_name": odd, "media_type": odd}]
    request["messages"].insert(0, {"role": odd, "parts": parts})
    request["tools"] = [{"type": odd, "name": odd}]
    shape = held.shape(window=None)
    properties = {"city": {"omitted": odd}}
    shape["tools"] = [{"name": "x", "schema": {"properties": properties}}]
    error = error_of(example.provider, example.words)
    for found in (likely_causes(request, None, error), likely_causes({}, shape, error)):
        assert "calls.no_result" in ids(found or ())


def test_a_shape_without_end_is_read_within_bounds() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(5_000):
        schema = {"type": "object", "properties": {"inner": schema}}
    part = {"type": "tool-call", "call": 1}
    shape = {
        "messages": [{"role": "assistant", "parts": [part] * 10_000}] * 10_000,
        "tools": [{"name": "x", "schema": schema}] * 10_000,
    }
    found = likely_causes({}, shape, error_of("anthropic", "x" * 1_000_000))
    assert found
    assert all(len(one.places) <= 5 for one in found)
