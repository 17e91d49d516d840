"""The shape of a request: what it says, and that it holds no word of the request."""

import json
from typing import Any

import pytest
from pydantic_ai.messages import (
    BinaryContent,
    DocumentUrl,
    FilePart,
    ImageUrl,
    InstructionPart,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import (
    ModelRequest as Request,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from chatdebug.evidence.requests import ModelRequest
from chatdebug.evidence.schemas import NODES, schema_paths, schema_structure
from chatdebug.evidence.shape import MESSAGES, PARTS
from chatdebug.instrument.wire_held import WireRequest
from tests.chatdebug.evidence.words import Planted, schema


def planted_messages(word: Planted) -> list[Any]:
    call_id = word()
    return [
        Request(
            parts=[
                SystemPromptPart(word()),
                UserPromptPart(
                    [
                        word(),
                        ImageUrl(f"https://files.example/{word()}.png"),
                        DocumentUrl(f"https://x.example/{word()}", media_type=word()),
                        BinaryContent(word().encode(), media_type=f"image/{word()}"),
                        BinaryContent(b"12345", media_type="image/png"),
                    ]
                ),
            ],
            instructions=word(),
        ),
        ModelResponse(
            parts=[
                TextPart(word()),
                ThinkingPart(word(), signature=word()),
                ToolCallPart("search", {word(): {word(): [word()]}}, call_id),
                ToolCallPart(word(), f'{{"{word()}": ', word()),
                FilePart(BinaryContent(b"1", media_type=word())),
            ],
            model_name=word(),
        ),
        Request(
            parts=[
                ToolReturnPart("search", {word(): word()}, call_id),
                ToolReturnPart(word(), word(), word(), outcome="retried"),
                UserPromptPart(word()),
            ]
        ),
    ]


def planted_settings(word: Planted) -> ModelSettings:
    return ModelSettings(
        max_tokens=100,
        temperature=0.5,
        parallel_tool_calls=True,
        stop_sequences=[word()],
        extra_headers={word(): word()},
        extra_body={word(): word()},
        tool_choice=[word()],
        logit_bias={word(): 3},
    )


def planted_parameters(word: Planted) -> ModelRequestParameters:
    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name="search",
                description=word(),
                parameters_json_schema=schema(word),
            )
        ],
        output_mode="native",
        output_object=OutputObjectDefinition(
            json_schema=schema(word), name=word(), description=word()
        ),
        instruction_parts=[InstructionPart(content=word())],
    )


def wire_messages(word: Planted, *, call_id: str) -> list[Any]:
    return [
        {"role": "user", "name": word(), "content": word()},
        {"role": word(), "content": [{"type": word(), word(): word()}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": word()},
                {
                    "type": "image_url",
                    "image_url": {"url": "DATA:image/png;base64,MTIzNDU="},
                },
                {
                    "type": "file",
                    "file": {"filename": word(), "file_data": f"data:{word()},x"},
                },
                {
                    "type": "document",
                    "title": word(),
                    "source": {
                        "type": "base64",
                        "media_type": "application/pdf",
                        "data": "MTIzNA==",
                    },
                },
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": word(),
            "tool_calls": [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {
                        "name": "search",
                        "arguments": json.dumps({word(): word()}),
                    },
                }
            ],
        },
        {"role": "tool", "tool_call_id": call_id, "content": word()},
    ]


def wire_body(word: Planted) -> dict[str, Any]:
    return {
        "model": word(),
        "user": word(),
        "metadata": {word(): word()},
        "temperature": 1,
        "max_tokens": 9,
        "stop": [word()],
        "tool_choice": {"type": "function", "function": {"name": word()}},
        "reasoning_effort": "high",
        "service_tier": word(),
        "thinking": {"type": "enabled", "budget_tokens": 5, word(): word()},
        "system": [{"type": "text", "text": word(), "cache_control": {"x": word()}}],
        "messages": wire_messages(word, call_id=word()),
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "search",
                    "description": word(),
                    "parameters": schema(word),
                },
            },
            {"type": word(), "name": "own", "input_schema": schema(word)},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": word(), "schema": schema(word)},
        },
    }


def shape_of(*messages: Any, **options: Any) -> dict[str, Any]:
    return ModelRequest(list(messages), None, None).shape(window=None, **options)


def parts_of(shape: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for message in shape["messages"] for part in message["parts"]]


def test_no_word_of_a_request_of_pydantic_ai_is_in_its_shape() -> None:
    word = Planted()
    request = ModelRequest(
        planted_messages(word), planted_settings(word), planted_parameters(word)
    )
    shape = request.shape(window=8_000)
    assert not word.found_in(json.dumps(shape))
    assert len(word.words) > 50
    assert word.found_in(json.dumps(request.normalised()))


def test_no_word_of_a_request_of_an_sdk_is_in_its_shape() -> None:
    word = Planted()
    body = wire_body(word)
    request = WireRequest(lambda: body)
    assert not word.found_in(json.dumps(request.shape(window=8_000)))
    assert len(word.words) > 50
    assert word.found_in(json.dumps(request.normalised()))


def test_the_shape_says_how_a_request_is_built() -> None:
    word = Planted()
    shape = ModelRequest(
        planted_messages(word), planted_settings(word), planted_parameters(word)
    ).shape(window=8_000)
    roles = [message["role"] for message in shape["messages"]]
    assert roles == ["system", "system", "user", "assistant", "tool", "user"]
    kinds = [part["type"] for part in parts_of(shape)]
    assert kinds == [
        *("instructions", "text", "text", "file", "file", "file", "file"),
        *("text", "reasoning", "tool-call", "tool-call", "file"),
        *("tool-result", "tool-result", "text"),
    ]
    _, _, words, image, unknown, _, png = parts_of(shape)[:7]
    assert words["length"] == len("diabetes1x")
    assert image["media_type"] == "image/png"
    assert unknown["media_type"]["omitted"] == "text"
    assert (png["media_type"], png["size"]) == ("image/png", 5)
    assert shape["settings"]["max_tokens"] == 100
    assert shape["settings"]["temperature"] == 0.5
    assert shape["settings"]["parallel_tool_calls"] is True
    assert shape["settings"]["extra_headers"] == {"omitted": "object", "keys": 1}
    [tool] = shape["tools"]
    assert (tool["name"], tool["type"]) == ("search", "function")
    assert tool["schema_length"] > 500
    assert tool["schema"]["properties"]["city"]["type"] == "string"
    assert tool["schema"]["properties"]["unit"]["enum"] == {
        "omitted": "list",
        "items": 2,
    }
    assert shape["output"]["mode"] == "native"
    assert shape["output"]["paths"]["$.city"] == "string"
    assert shape["context_window"] == 8_000
    assert shape["estimated_tokens"] > tool["schema_length"] // 4


def test_the_shape_of_an_sdks_request_has_the_sizes_of_its_files() -> None:
    word = Planted()
    shape = WireRequest(lambda: wire_body(word)).shape(window=None)
    sizes = {part["type"]: part.get("size") for part in parts_of(shape)}
    assert (sizes["image_url"], sizes["document"]) == (5, 4)
    assert shape["settings"]["reasoning_effort"] == "high"
    assert shape["settings"]["thinking"]["budget_tokens"] == 5
    assert shape["settings"]["service_tier"]["omitted"] == "text"
    assert shape["output"]["paths"]["$.places[]"] == "#/$defs/Place"
    assert [message["role"] for message in shape["messages"]][2] == "other"


def call(call_id: str) -> ModelResponse:
    return ModelResponse(parts=[ToolCallPart("t", {}, call_id)])


def result(call_id: str) -> Request:
    return Request(parts=[ToolReturnPart("t", "", call_id)])


@pytest.mark.parametrize(
    ("messages", "pairs"),
    [
        ([call("a"), result("a")], [True, True]),
        ([call("a")], [False]),
        ([result("a")], [False]),
        ([result("a"), call("a")], [False, False]),
        ([call("a"), result("b")], [False, False]),
        ([call("a"), call("a"), result("a")], [False, False, False]),
        ([call("a"), result("a"), result("a")], [False, False, False]),
        ([call(""), result("")], [False, False]),
    ],
)
def test_calls_and_results_of_tools_say_whether_they_pair(
    messages: list[Any], pairs: list[bool]
) -> None:
    parts = parts_of(shape_of(*messages))
    assert [part["pairs"] for part in parts] == pairs


def test_the_same_id_is_the_same_number() -> None:
    parts = parts_of(shape_of(call("a"), call("b"), result("b"), result("a")))
    assert [part["call"] for part in parts] == [1, 2, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"a": 1}, "object"),
        ("[1]", "other_json"),
        ('{"a": ', "no_json"),
        ("", "none"),
        ("x" * 200_000, "unknown"),
    ],
)
def test_arguments_say_what_json_they_are(arguments: Any, kind: str) -> None:
    response = ModelResponse(parts=[ToolCallPart("t", arguments, "a")])
    [part] = parts_of(shape_of(response))
    assert part["arguments_kind"] == kind


def test_a_long_request_is_described_by_its_ends_and_its_numbers() -> None:
    request = Request(parts=[UserPromptPart("x") for _ in range(PARTS + 3)])
    shape = shape_of(*[request] * (MESSAGES + 5))
    assert len(shape["messages"]) == MESSAGES
    assert shape["messages_left_out"] == 5
    assert shape["messages"][0]["parts_left_out"] == 3


def test_a_schema_of_any_size_and_any_kind_is_bounded() -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    wide = {"properties": {f"p{n}": {"type": "string"} for n in range(3 * NODES)}}
    assert "omitted" in json.dumps(schema_structure(deep))
    described = json.dumps(schema_structure(wide)).count('"type"')
    assert 0 < described <= NODES
    assert schema_structure(True) is True
    assert schema_structure("word") == {"omitted": "text", "characters": 4}
    assert schema_structure({"required": 7, "properties": []})["required"]


def test_several_schemas_of_one_path_are_named_together() -> None:
    structure = schema_structure({"anyOf": [{"type": "string"}, {"type": "null"}]})
    assert schema_paths(structure) == {"$": "string|null"}
