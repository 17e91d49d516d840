"""A step as a transcript: what was sent, what came back, and what is of no known shape."""

from typing import Any

import pytest

from chatdebug.models import ChatStep
from chatdebug.payloads.limits import TEXT_CHARACTERS
from chatdebug.presentation.transcript import Part, Pill, Transcript
from tests.optional import present


def text(words: str, length: int | None = None) -> dict[str, Any]:
    return {"type": "text", "text": words, "text_length": length or len(words)}


def said(*roles: str) -> list[dict[str, Any]]:
    return [{"role": role, "parts": [text(f"by {role}")]} for role in roles]


def transcript(request: Any = None, response: Any = None, **columns: Any) -> Transcript:
    return Transcript.of(
        ChatStep(
            normalized_request=request or {}, normalized_response=response, **columns
        )
    )


def part_of(stored: Any) -> Part:
    (message,) = transcript({"messages": [{"role": "user", "parts": [stored]}]}).latest
    return message.parts[0]


def pills(found: Transcript) -> dict[str, Pill]:
    return {pill.name: pill for pill in found.pills}


def test_the_last_two_messages_are_open_and_the_others_are_there() -> None:
    found = transcript({"messages": said("system", "user", "assistant", "tool")})
    assert [message.role for message in found.earlier] == ["System", "User"]
    assert [message.role for message in found.latest] == ["Assistant", "Tool"]
    assert found.message_count == 4
    assert found.latest[1].parts[0].payloads[0].text == "by tool"


def test_messages_are_numbered_as_they_were_sent() -> None:
    request = {"messages": said("system", "user", "user"), "messages_left_out": 7}
    found = transcript(request)
    assert found.left_out == 7
    numbers = [message.number for message in (*found.earlier, *found.latest)]
    assert numbers == [1, 9, 10]


def test_a_text_says_what_is_missing_of_it() -> None:
    (whole,) = part_of(text("words")).payloads
    assert (whole.text, whole.note, whole.is_code) == ("words", "", False)
    (cut,) = part_of(text("words", TEXT_CHARACTERS)).payloads
    assert cut.note == "cut: 10,000 characters in all"
    (gone,) = part_of(text("", 9_000)).payloads
    assert (gone.text, gone.note) == ("", "cut: 9,000 characters in all")
    assert part_of(text("", 0)).payloads == []


def test_a_tools_call_and_its_result_are_laid_out() -> None:
    call = part_of(
        {
            "type": "tool-call",
            "tool_call_id": "call_1",
            "tool_name": "look_up",
            "arguments": '{"name":"Aurelia"}',
            "input_length": 18,
        }
    )
    assert (call.heading, call.facts) == ("Tool call: look_up", ["call_1"])
    assert call.payloads[0].text == '{\n  "name": "Aurelia"\n}'
    result = part_of(
        {
            "type": "tool-result",
            "tool_call_id": "call_1",
            "outcome": "success",
            "result": "1,240 t",
        }
    )
    assert (result.heading, result.facts) == ("Tool result", ["call_1", "success"])
    assert result.payloads[0].text == "1,240 t"


def test_a_file_is_its_type_and_size() -> None:
    file = part_of({"type": "file", "media_type": "image/png", "size": 12_345})
    assert (file.heading, file.facts) == ("File", ["image/png", "12,345 bytes"])


@pytest.mark.parametrize(
    "stored",
    ["words", 7, None, ["words"], {}, {"type": 7}, {"text": "words"}, {"type": ["x"]}],
    ids=repr,
)
def test_what_is_no_part_is_shown_as_it_is(stored: Any) -> None:
    found = part_of(stored)
    assert found.kind == "other"
    assert found.payloads[0].text


def test_no_key_of_a_part_gets_lost() -> None:
    part = {"type": "text", "text": ["a"], "new_fact": 7, "nested": {"b": True}}
    found = part_of(part)
    assert found.facts == ["new fact: 7"]
    assert '"a"' in found.payloads[0].text
    assert '"b": true' in found.payloads[0].text


@pytest.mark.parametrize(
    "message",
    ["hello", 7, {"role": "user"}, {"role": "user", "parts": [], "name": "x"}],
)
def test_what_is_no_message_is_shown_as_it_is(message: Any) -> None:
    (found,) = transcript({"messages": [message]}).latest
    assert found.parts[0].kind == "other"


@pytest.mark.parametrize(
    "payload", ["words", 7, ["a"], {"error": "chatdebug: TypeError"}, {"messages": {}}]
)
def test_a_request_or_response_of_no_known_shape_is_json(payload: Any) -> None:
    found = transcript(payload, payload)
    assert [other.heading for other in found.others] == ["Request", "Response"]
    assert (found.latest, found.answer) == ([], None)


def test_an_answer_says_how_it_ended() -> None:
    found = transcript(
        response={
            "content": [
                {"type": "reasoning", "text": "Hm.", "text_length": 3},
                text("Yes"),
            ],
            "finish_reason": "stop",
            "state": "interrupted",
            "model": "gpt",
            "response_id": "",
            "usage": {},
        }
    )
    parts = present(found.answer)
    assert [part.heading for part in parts] == ["Reasoning", "Text"]
    assert found.answer_facts == [
        "finish reason: stop",
        "model: gpt",
        "state: interrupted",
    ]
    assert found.others == []


def test_an_answer_without_a_part_is_not_the_same_as_none() -> None:
    assert transcript(response={"content": []}).answer == []
    assert transcript().answer is None
    assert transcript().is_empty


def test_what_was_odd_is_a_warning() -> None:
    found = transcript(
        response={"content": [], "finish_reason": "length"},
        metadata={
            "notes": ["A tool call had no id."],
            "repaired_error": {"message": "x"},
        },
    )
    assert found.warnings == [
        "The answer ended at its longest length, not by itself.",
        "A tool call had no id.",
    ]
    assert found.others == []


def test_tools_options_and_usage_are_counted() -> None:
    found = transcript(
        {
            "messages": said("user"),
            "tools": [{"name": "look_up", "has_input_schema": False}, "odd"],
            "options": {"temperature": 0.0, "parallel_tool_calls": False, "stop": []},
            "provider_option_count": 0,
            "tool_choice": {"name": "look_up"},
        },
        usage={"input_tokens": 1_024, "output_tokens": 0},
    )
    counts = {name: pill.count for name, pill in pills(found).items()}
    assert counts == {"Tools": 2, "Options": 3, "Usage": 1}
    assert pills(found)["Usage"].rows == [("input tokens", "1,024")]
    assert pills(found)["Options"].rows[:2] == [
        ("temperature", "0.0"),
        ("parallel tool calls", "false"),
    ]


def test_what_has_no_place_of_its_own_is_shown_below() -> None:
    found = transcript(
        response={
            "content": [],
            "failed_attempts": [{"model": "a"}],
            "state": {"a": 1},
        },
        metadata={"stream_summary": {"part_count": 2}, "notes": "a text"},
        usage=["odd"],
    )
    assert [other.heading for other in found.others] == [
        "Further fields of the response",
        "Usage",
        "Notes of the recorder",
    ]
    assert "failed_attempts" in found.others[0].text
    assert "state" in found.others[0].text
    assert "a text" in found.others[2].text
