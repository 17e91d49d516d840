"""What is kept of requests and answers in the JSON of OpenAI and Anthropic."""

from typing import Any

import pytest

from chatdebug.instrument.wire import wire_answer, wire_request, wire_usage
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.payloads.limits import MESSAGE_PARTS


class Text(str):
    """A text of a host project's own, such as one that is marked as safe."""

    __slots__ = ()


class Unprintable:
    """What cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_a_text_of_a_class_of_its_own_is_one_message() -> None:
    (message,) = wire_request({"input": Text("hello")})["messages"]
    assert message["parts"][0]["text"] == "hello"


def test_a_history_is_kept_whatever_one_of_its_messages_cannot_do() -> None:
    history = [{"role": "user", "content": "hello"}, Unprintable()]
    first, _ = wire_request({"messages": history})["messages"]
    assert first["parts"][0]["text"] == "hello"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"messages": [{"role": "user", "content": 3}]}, id="content"),
        pytest.param({"messages": [{"role": "user", "tool_calls": 3}]}, id="calls"),
        pytest.param({"messages": 3}, id="messages"),
        pytest.param({"input": [3]}, id="a message"),
        pytest.param({"input": [{"type": "reasoning", "summary": 3}]}, id="summary"),
        pytest.param(
            {"input": [{"type": "reasoning", "summary": [{"text": 3}]}]},
            id="text of a summary",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "refusal"}]}]},
            id="refusal",
        ),
        pytest.param({"system": 3}, id="instructions"),
        pytest.param({"tools": 5}, id="tools"),
        pytest.param({"tools": [5]}, id="a tool"),
        pytest.param({"tools": [{"function": 5}]}, id="a function"),
        pytest.param({"response_format": 5}, id="output"),
    ],
)
def test_a_request_that_a_provider_rejects_for_its_types_is_kept(wrong: Any) -> None:
    held = WireRequest(lambda: {"model": "m", **wrong})
    assert held.normalised()["model"] == "m"
    assert held.shape(window=None)["settings"] == {}
    held.outline()


@pytest.mark.parametrize(
    "tools", [pytest.param(5, id="number"), pytest.param("search", id="text")]
)
def test_what_is_no_list_of_tools_is_no_tool(tools: Any) -> None:
    held = WireRequest(lambda: {"tools": tools})
    assert (held.normalised()["tools"], held.shape(window=None)["tools"]) == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"message": {"content": 3, "tool_calls": 3}}]},
        {"output": 3},
        {"output": [{"type": "message", "content": 3}]},
        {"content": 3},
    ],
)
def test_an_answer_of_other_types_is_kept(wrong: Any) -> None:
    assert wire_answer({"id": "r", **wrong})["response_id"] == "r"


def test_numbers_of_tokens_are_kept_whatever_their_details_are() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    details = {"prompt_tokens_details": 5, "completion_tokens_details": [6]}
    assert wire_usage({**usage, **details}) == wire_usage(usage)


def test_what_is_left_out_of_a_message_of_many_parts_is_said() -> None:
    parts = [{"type": "text", "text": "a"}] * (MESSAGE_PARTS + 500)
    request = wire_request({"messages": [{"role": "user", "content": parts}]})
    (message,) = request["messages"]
    assert len(message["parts"]) == MESSAGE_PARTS + 1
    assert message["parts"][-1] == {"type": "left-out", "count": 500}
