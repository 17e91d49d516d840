"""For each rule a request that it finds, one that it must not, and what a provider says.

The words are those of public reports, without the ids in them; where they come from is
said by the rule.
"""

from typing import Any, NamedTuple

from tests.chatdebug.linter.requests import (
    TEXT,
    answer,
    calling,
    chat,
    document,
    image,
    linked,
    result,
    schema,
    system,
    thought,
    tool,
    use,
    used,
    user,
)


class Example(NamedTuple):
    """A rule's example."""

    provider: str
    words: str
    found: dict[str, Any]
    spared: dict[str, Any]


FINE = chat(system(), user(), answer(), user())
WITH_TOOL = chat(user(), calling("a"), result("a"), user(), tools=[tool()])
PICTURE = chat(user([TEXT, image()]))
DEEP: dict[str, Any] = {"type": "string"}
for _ in range(14):
    DEEP = schema(inner=DEEP)
LONG = "Lorem ipsum " * 2_000

EXAMPLES: dict[str, Example] = {
    "calls.no_result": Example(
        "anthropic",
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately "
        "after: toolu_1. Each `tool_use` block must have a corresponding `tool_result` "
        "block in the next message.",
        chat(user(), calling("a", "b"), result("a"), user()),
        WITH_TOOL,
    ),
    "calls.no_call": Example(
        "openai",
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
        "message with 'tool_calls'.",
        chat(system(), result("a"), user()),
        WITH_TOOL,
    ),
    "calls.late_result": Example(
        "openai",
        "An assistant message with 'tool_calls' must be followed by tool messages "
        "responding to each 'tool_call_id'.",
        chat(user(), calling("a"), user("and?"), result("a")),
        WITH_TOOL,
    ),
    "calls.two_results": Example(
        "bedrock",
        "The number of toolResult blocks at messages.2.content exceeds the number of "
        "toolUse blocks of previous turn.",
        chat(user(), calling("a"), result("a"), result("a")),
        WITH_TOOL,
    ),
    "calls.same_id": Example(
        "anthropic",
        "messages.43.content.2: tool_use ids must be unique",
        chat(user(), calling("a"), result("a"), calling("a"), result("a")),
        WITH_TOOL,
    ),
    "calls.id_form": Example(
        "openai",
        "Invalid 'input[95].call_id': string too long. Expected a string with maximum "
        "length 64, but got a string with length 116 instead.",
        chat(user(), calling("a" * 116), result("a" * 116)),
        WITH_TOOL,
    ),
    "calls.arguments": Example(
        "anthropic",
        "messages.3.content.1.tool_use.input: Input should be a valid dictionary",
        chat(user(), calling("a", arguments='{"query": '), result("a")),
        WITH_TOOL,
    ),
    "calls.empty_result": Example(
        "bedrock",
        "The content field at messages.2.content.0.toolResult cannot be empty when "
        "status value is error.",
        chat(user(), answer([use()]), user([{**used(), "content": ""}])),
        WITH_TOOL,
    ),
    "calls.no_tools_offered": Example(
        "bedrock",
        "The toolConfig field must be defined when using toolUse and toolResult content "
        "blocks.",
        chat(user(), calling("a"), result("a")),
        WITH_TOOL,
    ),
    "calls.mixed": Example(
        "bedrock",
        "messages.7.content: Conversation blocks and tool use blocks cannot be provided "
        "in the same turn.",
        chat(user(), answer([use()]), user([used(), TEXT])),
        chat(user(), answer([use()]), user([used()]), tools=[tool()]),
    ),
    "calls.with_text": Example(
        "mistral",
        "Assistant message must have either content or tool_calls, but not both.",
        chat(user(), answer([TEXT, use()]), user([used()]), tools=[tool()]),
        WITH_TOOL,
    ),
    "messages.none": Example(
        "google",
        "* GenerateContentRequest.contents: contents is not specified",
        chat(system()),
        FINE,
    ),
    "messages.empty": Example(
        "openai",
        "Invalid value for 'content': expected a string, got null.",
        chat(user(), answer(None), user()),
        WITH_TOOL,
    ),
    "messages.blank": Example(
        "anthropic",
        "messages: text content blocks must contain non-whitespace text",
        chat(user(), answer("\n\n"), user()),
        FINE,
    ),
    "messages.first": Example(
        "anthropic",
        'messages: first message must use the "user" role',
        chat(answer(), user()),
        FINE,
    ),
    "messages.in_a_row": Example(
        "vllm",
        "After the optional system message, conversation roles must alternate "
        "user/assistant/user/assistant/...",
        chat(user(), user("and?")),
        FINE,
    ),
    "messages.after_result": Example(
        "mistral", "Unexpected role 'user' after role 'tool'", WITH_TOOL, FINE
    ),
    "messages.last": Example(
        "mistral",
        "Expected last role User or Tool (or Assistant with prefix True) for serving but "
        "got assistant",
        chat(user(), answer()),
        FINE,
    ),
    "messages.trailing_blanks": Example(
        "anthropic",
        "messages: final assistant content cannot end with trailing whitespace",
        chat(user(), answer("It is ")),
        FINE,
    ),
    "messages.reserved_word": Example(
        "anthropic",
        "x-anthropic-billing-header is a reserved keyword and may not be used in the "
        "system prompt.",
        FINE,
        FINE,
    ),
    "messages.not_kept": Example(
        "openai",
        "Item with id 'rs_1' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input.",
        FINE,
        FINE,
    ),
    "messages.late_system": Example(
        "vllm",
        "System message must be at the beginning.",
        chat(user(), system(), user()),
        FINE,
    ),
    "messages.two_systems": Example(
        "vllm",
        "System message must be at the beginning.",
        chat(system(), system("Be kind."), user()),
        FINE,
    ),
    "messages.system_form": Example(
        "groq",
        "'messages.0' : for 'role:system' the following must be satisfied"
        "[('messages.0.content' : value must be a string)]",
        chat(system([TEXT]), user()),
        chat(user()),
    ),
    "messages.role": Example(
        "google",
        "Please use a valid role: user, model.",
        chat({"role": "narrator", "content": "Once."}, user()),
        FINE,
    ),
    "messages.text_only": Example(
        "xai",
        "The model expects a single `text` element per message.",
        chat(user([TEXT, TEXT])),
        FINE,
    ),
    "messages.field": Example(
        "mistral",
        '{"detail":[{"type":"extra_forbidden","loc":["body","messages",0,"user","name"],'
        '"msg":"Extra inputs are not permitted"}]}',
        chat({**user(), "name": "ann"}),
        FINE,
    ),
    "messages.part_type": Example(
        "openai",
        "Invalid type for 'messages[1].content[1].image_url': expected an object, but "
        "got a string instead.",
        chat(user([TEXT, {"type": "image_url", "image_url": "a"}])),
        FINE,
    ),
    "messages.unicode": Example(
        "anthropic",
        "The request body is not valid JSON: no low surrogate in string: line 1 column "
        "217026 (char 217025)",
        FINE,
        FINE,
    ),
    "tools.name": Example(
        "openai",
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a "
        "string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        chat(user(), tools=[tool("get /whoami")]),
        WITH_TOOL,
    ),
    "tools.same_name": Example(
        "anthropic",
        "tools: Tool names must be unique.",
        chat(user(), tools=[tool(), tool()]),
        WITH_TOOL,
    ),
    "tools.description": Example(
        "openai",
        "Invalid 'tools[13].function.description': string too long. Expected a string "
        "with maximum length 1024, but got a string with length 1103 instead.",
        chat(user(), tools=[tool(description="x" * 1_103)]),
        chat(user(), tools=[tool(description="Searches.")]),
    ),
    "tools.too_many": Example(
        "openai",
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but "
        "got an array with length 325 instead.",
        chat(user(), tools=[tool(f"tool_{number}") for number in range(129)]),
        FINE,
    ),
    "tools.field": Example(
        "anthropic",
        "tools.3.custom.input_examples: Extra inputs are not permitted",
        WITH_TOOL,
        FINE,
    ),
    "tools.form": Example(
        "deepseek",
        "Failed to deserialize the JSON body into the target type: tools[0]: missing "
        "field `function` at line 1 column 2949",
        WITH_TOOL,
        FINE,
    ),
    "tools.empty": Example(
        "mistral",
        '{"detail":[{"type":"extra_forbidden","loc":["body","tools"],"msg":"Extra inputs '
        'are not permitted","input":[]}]}',
        chat(user(), tools=[]),
        WITH_TOOL,
    ),
    "tools.native_and_own": Example(
        "google",
        "Tool use with function calling is unsupported",
        chat(user(), tools=[tool(), {"type": "native", "name": "google_search"}]),
        WITH_TOOL,
    ),
    "tools.with_json": Example(
        "google",
        "Function calling with a response mime type: 'application/json' is unsupported",
        chat(user(), tools=[tool()], response_format={"type": "json_object"}),
        WITH_TOOL,
    ),
    "tools.unsupported": Example(
        "ollama", "qwen:14b does not support tools (status code: 400)", WITH_TOOL, FINE
    ),
    "tools.choice_alone": Example(
        "openai",
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
        "specified.",
        chat(user(), tool_choice="auto"),
        chat(user(), tool_choice="auto", tools=[tool()]),
    ),
    "tools.native_unsupported": Example(
        "openai", "Web search options not supported with this model.", FINE, FINE
    ),
    "schemas.combined": Example(
        "anthropic",
        "tools.106.custom.input_schema: input_schema does not support oneOf, allOf, or "
        "anyOf at the top level",
        chat(user(), tools=[tool(parameters={**schema(), "anyOf": [schema()]})]),
        WITH_TOOL,
    ),
    "schemas.no_object": Example(
        "google",
        "functionDeclaration parameters schema should be of type 'OBJECT'",
        chat(user(), tools=[tool(parameters={"$schema": "x"})]),
        WITH_TOOL,
    ),
    "schemas.array_without_items": Example(
        "openai",
        "Invalid schema for function 'create_canvas': In context=('properties', "
        "'blocks'), array schema missing items.",
        chat(user(), tools=[tool(parameters=schema(blocks={"type": "array"}))]),
        WITH_TOOL,
    ),
    "schemas.unknown_required": Example(
        "google",
        "* GenerateContentRequest.tools[0].function_declarations[1].parameters."
        "required[0]: property is not defined",
        chat(user(), tools=[tool(parameters={**schema(), "required": ["ref"]})]),
        WITH_TOOL,
    ),
    "schemas.empty_object": Example(
        "google",
        "* GenerateContentRequest.generation_config.response_schema.properties"
        '["go_back"].properties: should be non-empty for OBJECT type',
        chat(user(), tools=[tool(parameters=schema(go_back={"type": "object"}))]),
        WITH_TOOL,
    ),
    "schemas.dangling": Example(
        "anthropic",
        "tools.0.custom.input_schema: JSON schema is invalid: PointerToNowhere: '/$defs/"
        "Place' does not exist",
        chat(user(), tools=[tool(parameters=schema(at={"$ref": "#/$defs/Place"}))]),
        WITH_TOOL,
    ),
    "schemas.open": Example(
        "openai",
        "Invalid schema for function 'search': In context=(), 'additionalProperties' is "
        "required to be supplied and to be false.",
        chat(user(), tools=[tool(strict=True)]),
        chat(
            user(),
            tools=[tool("a", {**schema(), "additionalProperties": False}, strict=True)],
        ),
    ),
    "schemas.too_deep": Example(
        "openai",
        "Invalid schema for response_format 'plan': 14 levels of nesting exceeds limit of "
        "10.",
        chat(user(), tools=[tool(parameters=DEEP, strict=True)]),
        FINE,
    ),
    "schemas.several_types": Example(
        "google",
        'Invalid JSON payload received. Unknown name "type" at \'tools[0].'
        "function_declarations[2].parameters.properties[0].value': Proto field is not "
        "repeating, cannot start list.",
        chat(
            user(), tools=[tool(parameters=schema(skip={"type": ["number", "null"]}))]
        ),
        WITH_TOOL,
    ),
    "schemas.keyword": Example(
        "google",
        'Invalid JSON payload received. Unknown name "$schema" at \'tools[0].'
        "function_declarations[0].parameters': Cannot find field.",
        chat(user(), tools=[tool(parameters={**schema(), "$schema": "x"})]),
        WITH_TOOL,
    ),
    "schemas.property_name": Example(
        "anthropic",
        "tools.0.custom.input_schema.properties: Property keys should match pattern "
        "'^[a-zA-Z0-9_.-]{1,64}$'",
        chat(user(), tools=[tool(parameters=schema(**{"cwd?": {"type": "string"}}))]),
        WITH_TOOL,
    ),
    "schemas.invalid": Example(
        "anthropic",
        "tools.18.custom.input_schema: JSON schema is invalid. It must match JSON Schema "
        "draft 2020-12",
        chat(user(), tools=[tool(parameters=schema(at={"type": "date"}))]),
        WITH_TOOL,
    ),
    "files.image_type": Example(
        "openai",
        "You uploaded an unsupported image. Please make sure your image has of one the "
        "following formats: ['png', 'jpeg', 'gif', 'webp'].",
        chat(user([TEXT, image("image/svg+xml")])),
        PICTURE,
    ),
    "files.image_size": Example(
        "anthropic",
        "messages.58.content.2.image.source.base64: image exceeds 5 MB maximum: 6500712 "
        "bytes > 5242880 bytes",
        chat(user([TEXT, image(size=6_500_712)])),
        PICTURE,
    ),
    "files.image_dimensions": Example(
        "anthropic",
        "messages.7.content.2.image.source.base64.data: At least one of the image "
        "dimensions exceed max allowed size: 8000 pixels",
        PICTURE,
        FINE,
    ),
    "files.image_count": Example(
        "vllm", "At most 1 image(s) may be provided in one request.", PICTURE, FINE
    ),
    "files.unreachable": Example(
        "openai",
        "Timeout while downloading https://files.example/a.png.",
        chat(user([TEXT, linked()])),
        PICTURE,
    ),
    "files.image_unreadable": Example(
        "anthropic", "Could not process image", PICTURE, FINE
    ),
    "files.document_unreadable": Example(
        "anthropic", "Could not process PDF", chat(user([TEXT, document()])), PICTURE
    ),
    "files.image_unsupported": Example(
        "openrouter",
        "Invalid content type. image_url is only supported by certain models.",
        PICTURE,
        FINE,
    ),
    "files.name": Example(
        "bedrock",
        "The document file name can only contain alphanumeric characters, whitespace "
        "characters, hyphens, parentheses, and square brackets.",
        chat(user([TEXT, document()])),
        PICTURE,
    ),
    "files.type": Example(
        "google",
        "Unable to submit request because the mime_type: video/text/timestamp is not "
        "supported in `function_response.parts`.",
        chat(user([TEXT, document("video/text")])),
        FINE,
    ),
    "limits.thinking_budget": Example(
        "anthropic",
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
        chat(
            user(),
            max_tokens=4096,
            thinking={"type": "enabled", "budget_tokens": 8000},
        ),
        chat(
            user(),
            max_tokens=9000,
            thinking={"type": "enabled", "budget_tokens": 8000},
        ),
    ),
    "limits.thinking_low": Example(
        "anthropic",
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        chat(user(), thinking={"type": "enabled", "budget_tokens": 512}),
        chat(user(), thinking={"type": "enabled", "budget_tokens": 1024}),
    ),
    "limits.max_tokens_low": Example(
        "vllm",
        "max_tokens must be at least 1, got -186.",
        chat(user(), max_tokens=-186),
        chat(user(), max_tokens=16),
    ),
    "limits.max_tokens": Example(
        "anthropic",
        "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens "
        "for claude-3-haiku-20240307",
        chat(user(), max_tokens=8192),
        FINE,
    ),
    "limits.no_max_tokens": Example(
        "bedrock",
        "Malformed input request: #: required key [max_tokens] not found",
        FINE,
        chat(user(), max_tokens=8192),
    ),
    "limits.cache_marks": Example(
        "bedrock",
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        FINE,
        FINE,
    ),
    "limits.request_size": Example(
        "anthropic", "Request exceeds the maximum size", FINE, FINE
    ),
    "limits.window": Example(
        "anthropic",
        "prompt is too long: 209062 tokens > 199999 maximum",
        chat(user(LONG)),
        chat(user("Hi")),
    ),
    "settings.with_thinking": Example(
        "anthropic",
        "Thinking may not be enabled when tool_choice forces tool use.",
        chat(
            user(),
            tools=[tool()],
            tool_choice={"type": "any"},
            max_tokens=9000,
            thinking={"type": "enabled", "budget_tokens": 8000},
        ),
        WITH_TOOL,
    ),
    "settings.both": Example(
        "bedrock",
        "`temperature` and `top_p` cannot both be specified for this model. Please use "
        "only one.",
        chat(user(), temperature=0.7, top_p=0.9),
        chat(user(), temperature=0.7),
    ),
    "settings.out_of_range": Example(
        "anthropic",
        "temperature: range: -1 or 0..1",
        chat(user(), temperature=1.5),
        chat(user(), temperature=1),
    ),
    "settings.json_word": Example(
        "openai",
        "'messages' must contain the word 'json' in some form, to use 'response_format' "
        "of type 'json_object'.",
        chat(user(), response_format={"type": "json_object"}),
        FINE,
    ),
    "settings.model": Example(
        "openai", "you must provide a model parameter", FINE, FINE
    ),
    "settings.answer_form": Example(
        "openai",
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with "
        "this model.",
        chat(
            user(),
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "plan", "schema": schema()},
            },
        ),
        FINE,
    ),
    "settings.refused": Example(
        "openai",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        chat(user(), max_tokens=100),
        chat(user(), temperature=1),
    ),
    "thinking.no_signature_of_call": Example(
        "google",
        "Function call is missing a thought_signature in functionCall parts.",
        WITH_TOOL,
        FINE,
    ),
    "thinking.unsigned": Example(
        "anthropic",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        chat(user(), answer([thought(""), TEXT]), user()),
        FINE,
    ),
    "thinking.changed": Example(
        "anthropic",
        "messages.3.content.8: `thinking` or `redacted_thinking` blocks in the latest "
        "assistant message cannot be modified.",
        chat(user(), answer([thought(), TEXT]), user()),
        FINE,
    ),
    "thinking.missing": Example(
        "deepseek",
        "Missing `reasoning_content` field in the assistant message at message index 1.",
        WITH_TOOL,
        chat(user(), answer([thought(), TEXT]), user()),
    ),
    "thinking.alone": Example(
        "openai",
        "Item 'rs_1' of type 'reasoning' was provided without its required following "
        "item.",
        {"model": "m", "input": [user(), {"type": "reasoning", "id": "rs_1"}]},
        FINE,
    ),
    "thinking.foreign": Example(
        "openai",
        "The encrypted content gAAA...DQ== could not be verified.",
        {"model": "m", "input": [user(), {"type": "reasoning", "id": "rs_1"}]},
        FINE,
    ),
}
