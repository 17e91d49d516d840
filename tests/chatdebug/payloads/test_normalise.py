import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic_ai import messages as ai
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from chatdebug.payloads import normalise_request, normalise_response, normalise_usage
from chatdebug.payloads.limits import (
    MESSAGES,
    REQUEST_TEXT_BYTES,
    RESPONSE_PARTS,
    STEP_TEXT_BYTES,
)

SECRET = "sk-ant-api03-" + "aB3dE5fG7hJ9" * 4
IMAGE = b"\x89PNG\r\n" + b"\x00" * 100


def request(*parts: Any, **kwargs: Any) -> dict[str, Any]:
    return normalise_request([ai.ModelRequest(parts=list(parts), **kwargs)], None, None)


def response(*parts: Any, **kwargs: Any) -> dict[str, Any]:
    return normalise_response(ai.ModelResponse(parts=list(parts), **kwargs))


THOUGHT = {"type": "reasoning", "text": "hm", "text_length": 2, "signed": False}


def only_part(normalised: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any]
    ((part,),) = [message["parts"] for message in normalised["messages"]]
    return part


def test_a_conversation_becomes_messages_with_roles():
    history: list[ai.ModelMessage] = [
        ai.ModelRequest(
            parts=[ai.SystemPromptPart("be kind"), ai.UserPromptPart("hello")],
        ),
        ai.ModelResponse(
            parts=[
                ai.ThinkingPart("hm"),
                ai.TextPart("looking"),
                ai.ToolCallPart("look", {"where": "here"}, tool_call_id="c1"),
            ]
        ),
        ai.ModelRequest(
            parts=[
                ai.ToolReturnPart("look", {"found": 0}, tool_call_id="c1"),
                ai.UserPromptPart("and?"),
            ]
        ),
    ]

    normalised = normalise_request(history, None, ModelRequestParameters())

    assert normalised["messages"] == [
        {
            "role": "system",
            "parts": [{"type": "text", "text": "be kind", "text_length": 7}],
        },
        {
            "role": "user",
            "parts": [{"type": "text", "text": "hello", "text_length": 5}],
        },
        {
            "role": "assistant",
            "parts": [
                THOUGHT,
                {"type": "text", "text": "looking", "text_length": 7},
                {
                    "type": "tool-call",
                    "tool_call_id": "c1",
                    "tool_name": "look",
                    "arguments": '{"where": "here"}',
                    "input_length": 17,
                },
            ],
        },
        {
            "role": "tool",
            "parts": [
                {
                    "type": "tool-result",
                    "tool_call_id": "c1",
                    "tool_name": "look",
                    "outcome": "success",
                    "result": '{"found": 0}',
                    "result_length": 12,
                }
            ],
        },
        {"role": "user", "parts": [{"type": "text", "text": "and?", "text_length": 4}]},
    ]


def test_only_the_instructions_in_force_are_kept():
    history: list[ai.ModelMessage] = [
        ai.ModelRequest(parts=[ai.UserPromptPart("1")], instructions="old"),
        ai.ModelResponse(parts=[ai.TextPart("one")]),
        ai.ModelRequest(parts=[ai.UserPromptPart("2")], instructions="new"),
    ]

    first, *others = normalise_request(history, None, None)["messages"]

    assert first == {
        "role": "system",
        "parts": [{"type": "instructions", "text": "new", "text_length": 3}],
    }
    assert "old" not in json.dumps(others)


def test_instructions_of_the_parameters_come_first():
    parameters = ModelRequestParameters(
        instruction_parts=[ai.InstructionPart("a"), ai.InstructionPart("b")]
    )
    history = [ai.ModelRequest(parts=[], instructions="other")]

    (message,) = normalise_request(history, None, parameters)["messages"]

    assert [part["text"] for part in message["parts"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            ai.BinaryContent(IMAGE, media_type="image/png"),
            {"type": "file", "media_type": "image/png", "size": 106},
            id="binary",
        ),
        pytest.param(
            ai.ImageUrl("https://user:pw@host/cat.png"),
            {"type": "file", "media_type": "image/png", "url": "https://host/cat.png"},
            id="image-url",
        ),
        pytest.param(
            ai.DocumentUrl("https://host/unknown"),
            {"type": "file", "media_type": "", "url": "https://host/unknown"},
            id="unknown-media-type",
        ),
        pytest.param(
            ai.ImageUrl("data:image/png;base64,iVBORw0KGgo=", media_type="image/png"),
            {
                "type": "file",
                "media_type": "image/png",
                "url": "[image/png of 34 characters]",
            },
            id="data-url",
        ),
        pytest.param(
            ai.UploadedFile("f-1", provider_name="openai", media_type="text/plain"),
            {"type": "file", "media_type": "text/plain", "file_id": "f-1"},
            id="uploaded",
        ),
        pytest.param(
            ai.TextContent("words"),
            {"type": "text", "text": "words", "text_length": 5},
            id="text-content",
        ),
    ],
)
def test_user_content_keeps_what_it_was_but_no_bytes(content, expected):
    normalised = request(ai.UserPromptPart([content, ai.CachePoint()]))

    assert only_part(normalised) == expected


@pytest.mark.parametrize(
    ("content", "result"),
    [
        pytest.param("plain", "plain", id="text"),
        pytest.param(0, "0", id="zero"),
        pytest.param(False, "false", id="false"),
        pytest.param(None, "", id="none"),
        pytest.param([], "[]", id="empty"),
        pytest.param({"a": float("nan")}, '{"a": "NaN"}', id="nan"),
        pytest.param(
            ai.BinaryContent(IMAGE, media_type="image/png"),
            "[media output: image/png]",
            id="media",
        ),
        pytest.param(
            {"password": "hunter2"}, '{"password": "[REDACTED]"}', id="secret"
        ),
    ],
)
def test_tool_result_is_kept_as_text(content, result):
    normalised = request(ai.ToolReturnPart("look", content, tool_call_id="c1"))

    assert only_part(normalised)["result"] == result


def test_media_inside_a_tool_result_leaves_no_bytes():
    png = ai.BinaryContent(IMAGE, media_type="image/png")
    url = ai.ImageUrl("data:image/png;base64," + "iVBORw0KGgo" * 50)

    part = only_part(request(ai.ToolReturnPart("t", ["seen", png, {"u": url}], "c")))

    assert "<106 bytes>" in part["result"]
    assert "iVBOR" not in part["result"]


@pytest.mark.parametrize(
    ("part", "role", "expected"),
    [
        pytest.param(
            ai.RetryFeedbackPart("again", retry=ai.RetryInfo("no_output", attempt=2)),
            "user",
            {
                "type": "retry",
                "text": "again",
                "text_length": 5,
                "cause": "no_output",
                "attempt": 2,
            },
            id="retry-feedback",
        ),
        pytest.param(
            ai.SpeechPart(speaker="user", transcript="hi"),
            "user",
            {"type": "speech", "text": "hi", "text_length": 2},
            id="speech",
        ),
        pytest.param(
            ai.CompactionPart("so far"),
            "user",
            {"type": "compaction", "text": "so far", "text_length": 6},
            id="compaction",
        ),
        pytest.param(
            ai.ToolAvailabilityDeltaPart(tools_added=["a"]),
            "system",
            {"type": "tool-availability-delta", "names": ["a"]},
            id="tools",
        ),
        pytest.param(
            ai.CapabilityLoadDeltaPart(loaded=["b"]),
            "system",
            {"type": "capability-load-delta", "names": ["b"]},
            id="capabilities",
        ),
        pytest.param(
            ai.ModelSettingsDeltaPart(settings={"thinking": "high"}),
            "system",
            {
                "type": "model-settings-delta",
                "text": '{"thinking": "high"}',
                "text_length": 20,
            },
            id="settings",
        ),
    ],
)
def test_rarer_parts_are_kept(part, role, expected):
    (message,) = request(part)["messages"]

    assert message == {"role": role, "parts": [expected]}


def test_tools_and_options_are_kept_and_provider_options_only_counted():
    parameters = ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name="look",
                parameters_json_schema={
                    "type": "object",
                    "properties": {"where": {"type": "string"}},
                },
                description="looks",
            )
        ],
        native_tools=[WebSearchTool()],
        output_object=OutputObjectDefinition(
            {"type": "object", "title": "never stored"}, "Answer", "the answer"
        ),
        output_mode="native",
    )
    settings = ModelSettings(
        max_tokens=10,
        temperature=0.0,
        tool_choice="auto",
        extra_headers={"Authorization": f"Bearer {SECRET}"},
        extra_body={"user": "me"},
    )

    normalised = normalise_request([], settings, parameters)

    assert normalised == {
        "messages": [],
        "tools": [
            {
                "type": "function",
                "name": "look",
                "description": "looks",
                "has_input_schema": True,
                "input_schema": {
                    "type": "object",
                    "properties": {"where": {"type": "string"}},
                },
            },
            {"type": "native", "name": "web_search", "has_input_schema": False},
        ],
        "options": {"max_output_tokens": 10, "temperature": 0.0},
        "provider_option_count": 2,
        "tool_choice": "auto",
        "output_mode": "native",
        "structured_output": True,
        "schema_name": "Answer",
        "schema_description": "the answer",
    }


@pytest.mark.parametrize(
    "name",
    [
        "openai_previous_response_id",
        "openai_conversation_id",
        "xai_previous_response_id",
        "google_cached_content",
    ],
)
def test_a_request_says_that_it_goes_on_from_what_is_stored(name: str) -> None:
    settings = cast("ModelSettings", {name: "id"})
    assert normalise_request([], settings, None)["refers_to_stored"] is True
    assert "refers_to_stored" not in normalise_request([], {"temperature": 0}, None)


def test_a_huge_schema_is_cut_as_text():
    schema = {"properties": {f"field_{n}": {"type": "string"} for n in range(2_000)}}
    definition = ToolDefinition(name="t", parameters_json_schema=schema)
    parameters = ModelRequestParameters(function_tools=[definition])

    (tool,) = normalise_request([], None, parameters)["tools"]

    assert len(tool["input_schema"]) <= 20_000
    assert "characters left out of" in tool["input_schema"]


def test_long_text_keeps_head_tail_and_its_true_length():
    part = only_part(request(ai.UserPromptPart("a" * 15_000 + "b" * 15_000)))

    assert part["text_length"] == 30_000
    assert len(part["text"]) <= 10_000
    assert part["text"].startswith("aaa")
    assert part["text"].endswith("bbb")


def test_no_part_shows_a_secret():
    normalised = request(
        ai.SystemPromptPart(f"key {SECRET}"),
        ai.UserPromptPart([f"key {SECRET}", ai.TextContent(f"key {SECRET}")]),
        ai.ToolReturnPart("t", {"deep": [f"key {SECRET}"]}, tool_call_id="c"),
        ai.RetryFeedbackPart(f"key {SECRET}", retry=ai.RetryInfo("no_output")),
        instructions=f"key {SECRET}",
    )
    answered = response(
        ai.TextPart(f"key {SECRET}"),
        ai.ThinkingPart(f"key {SECRET}"),
        ai.ToolCallPart("t", f'{{"a": "{SECRET}"}}', tool_call_id="c"),
        ai.ToolCallPart("t", '{"password": "hunter2", "n": 1}', tool_call_id="c"),
        ai.ToolCallPart("t", f'{{"unfinished": "{SECRET}', tool_call_id="c"),
    )

    stored = json.dumps([normalised, answered])
    assert SECRET not in stored
    assert "hunter2" not in stored
    assert stored.count("key ") == 8


def test_unparsable_arguments_of_a_cut_stream_are_kept():
    (part,) = response(ai.ToolCallPart("t", '{"path": "/tmp', "c"))["content"]

    assert part["arguments"] == '{"path": "/tmp'
    assert part["input_length"] == 14


def test_request_text_is_bounded_and_the_oldest_loses_first():
    text = "word " * 1_800
    count = 2 * REQUEST_TEXT_BYTES // len(text)
    history = [ai.ModelRequest.user_text_prompt(text) for _ in range(count)]

    normalised = normalise_request(history, None, None)["messages"]

    parts = [message["parts"][0] for message in normalised]
    assert sum(len(part["text"]) for part in parts) <= REQUEST_TEXT_BYTES
    assert parts[0]["text"] == text
    assert parts[1] == {"type": "text", "text": "", "text_length": len(text)}
    assert parts[-1]["text"] == text


def test_messages_beyond_the_limit_are_counted():
    history = [ai.ModelRequest.user_text_prompt(str(n)) for n in range(MESSAGES + 7)]

    normalised = normalise_request(history, None, None)

    texts = [message["parts"][0]["text"] for message in normalised["messages"]]
    assert normalised["messages_left_out"] == 7
    assert texts[:2] == ["0", "8"]
    assert texts[-1] == str(MESSAGES + 6)


def test_an_answer_keeps_content_finish_reason_and_usage():
    normalised = response(
        ai.TextPart("yes"),
        usage=RequestUsage(input_tokens=3, output_tokens=2),
        model_name="demo",
        provider_response_id="r-1",
        finish_reason="stop",
    )

    assert normalised == {
        "content": [{"type": "text", "text": "yes", "text_length": 3}],
        "finish_reason": "stop",
        "state": "complete",
        "model": "demo",
        "response_id": "r-1",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 2,
            "total_tokens": 5,
            "reasoning_tokens": 0,
            "cache_creation_tokens": 0,
            "cache_read_tokens": 0,
        },
    }


def test_sources_follow_their_text_once():
    source = ai.WebCitationSource("https://host/a?token=t0ken", title="A")
    cited = [ai.Citation([source]), ai.Citation([source])]

    _, *sources = response(ai.TextPart("see", citations=cited))["content"]

    assert [(entry["type"], entry["title"]) for entry in sources] == [("source", "A")]
    assert "t0ken" not in sources[0]["url"]


def test_text_of_an_answer_is_bounded_and_tool_calls_are_still_kept():
    texts = [ai.TextPart("é" * 9_000) for _ in range(10)]
    call = ai.ToolCallPart("t", {"a": 1}, tool_call_id="c")

    *parts, last = response(*texts, call)["content"]

    assert sum(len(part["text"].encode()) for part in parts) <= STEP_TEXT_BYTES
    assert [part["text_length"] for part in parts] == [9_000] * 10
    assert parts[2]["text"].count("é") < 9_000
    assert parts[-1]["text"] == ""
    assert last["arguments"] == '{"a": 1}'


def test_file_answers_keep_no_bytes():
    (part,) = response(ai.FilePart(ai.BinaryContent(IMAGE, media_type="image/png")))[
        "content"
    ]

    assert part == {"type": "file", "media_type": "image/png", "size": 106}


def test_failed_attempts_of_a_fallback_are_kept():
    attempt = ai.ModelRequestAttempt(
        model_name="first",
        outcome="error",
        error=f"bad key {SECRET}",
        timestamp=datetime.now(UTC),
        duration=timedelta(seconds=1.5),
    )

    (kept,) = response(failed_attempts=[attempt])["failed_attempts"]

    assert kept["model"] == "first"
    assert kept["duration_ms"] == 1_500
    assert SECRET not in kept["error"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param(
            RequestUsage(details={"reasoning_tokens": 7}),
            {"reasoning_tokens": 7},
            id="reasoning-in-details",
        ),
        pytest.param(
            RequestUsage(
                output_reasoning_tokens=1,
                cache_write_tokens=2,
                cache_read_tokens=3,
                cost=Decimal("0.1"),
            ),
            {
                "reasoning_tokens": 1,
                "cache_creation_tokens": 2,
                "cache_read_tokens": 3,
            },
            id="caches",
        ),
    ],
)
def test_usage_tells_tokens_by_what_they_are(usage, expected):
    normalised = normalise_usage(usage)

    assert {name: count for name, count in normalised.items() if count} == expected


@dataclass
class NewPart:
    content: str
    part_kind: str = "hologram"


class Hostile:
    part_kind = "system-prompt"

    @property
    def content(self) -> str:
        raise RuntimeError("quotes the prompt")


def test_an_unknown_part_is_named():
    assert only_part(request(NewPart("x"))) == {"type": "hologram"}


def test_a_hostile_part_does_not_cost_the_others():
    normalised = request(Hostile(), ai.SystemPromptPart("kept"))

    broken, kept = normalised["messages"][0]["parts"]
    assert broken == {
        "type": "system-prompt",
        "error": "chatdebug: could not normalise this part: RuntimeError",
    }
    assert kept["text"] == "kept"


def test_normalising_leaves_the_callers_objects_alone():
    arguments = {"password": "hunter2"}
    part = ai.ToolCallPart("t", arguments, tool_call_id="c")

    response(part)

    assert part.args is arguments
    assert arguments == {"password": "hunter2"}


def test_payloads_do_not_import_pydantic_ai():
    script = (
        "import sys, chatdebug.payloads; sys.exit(any(m.startswith('pydantic_ai')"
        " for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_secret_in_many_small_parts_of_one_message_is_removed() -> None:
    secret = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9v"
    pieces = [secret[start : start + 3] for start in range(0, len(secret), 3)]
    answer = ai.ModelResponse(parts=[ai.TextPart(piece) for piece in pieces])
    prompt = ai.ModelRequest(parts=[ai.UserPromptPart(pieces)])
    history = ai.ModelRequest(parts=[ai.UserPromptPart(piece) for piece in pieces])

    parts = normalise_response(answer)["content"]
    asked = [
        part
        for request in (prompt, history)
        for part in normalise_request([request], None, None)["messages"][0]["parts"]
    ]

    assert "".join(part["text"] for part in parts) == "[REDACTED:api key]"
    assert "".join(part["text"] for part in asked) == "[REDACTED:api key]" * 2


def test_texts_of_one_message_that_are_none_of_one_text_stay() -> None:
    texts = ["Tell me the password:", "Thanks, but no, thanks.", "Another text here."]
    answer = ai.ModelResponse(parts=[ai.TextPart(text) for text in texts])

    assert [part["text"] for part in normalise_response(answer)["content"]] == texts


def test_what_is_left_out_of_an_answer_of_many_parts_is_said() -> None:
    content = response(*[ai.TextPart("a")] * (RESPONSE_PARTS + 5))["content"]
    assert len(content) == RESPONSE_PARTS + 1
    assert content[-1] == {"type": "left-out", "count": 5}
