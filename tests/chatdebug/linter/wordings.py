"""What providers say, in the words of public reports: which rule names it, if any.

Each is told in a request that does not show what it means.
"""

GITHUB = "https://github.com/"

WORDINGS: list[tuple[str, str, str, str]] = [
    (rule, provider, words, GITHUB + source)
    for rule, provider, words, source in (
        (
            "settings.refused",
            "openai",
            "Unrecognized request argument supplied: thinking",
            "nashsu/llm_wiki/issues/336",
        ),
        (
            "settings.refused",
            "azure",
            "Unrecognized request argument supplied: dataSources.",
            "openai/openai-python/issues/1354",
        ),
        (
            "settings.refused",
            "openai",
            "Unsupported parameter: 'temperature' is not supported with this model.",
            "appatalks/eva-agent/issues/83",
        ),
        (
            "settings.refused",
            "groq",
            "`reasoning_effort` must be one of `none` or `default`",
            "iamsrikanthnani/pluely/pull/219",
        ),
        (
            "settings.refused",
            "groq",
            "'reasoning_effort' : value is not one of the allowed values ['none', 'default', 'low', 'medium', 'high']",
            "earendil-works/pi/issues/3764",
        ),
        (
            "settings.refused",
            "groq",
            "`reasoning_format` is not supported with this model",
            "0xPlaygrounds/rig/issues/1134",
        ),
        (
            "settings.refused",
            "xai",
            "Argument not supported on this model: reasoningEffort",
            "charmbracelet/crush/issues/386",
        ),
        (
            "settings.refused",
            "xai",
            "Model grok-4-latest does not support parameter reasoningEffort.",
            "BerriAI/litellm/pull/16265",
        ),
        (
            "settings.refused",
            "google",
            "The thinking budget (52428) is invalid.",
            "RooCodeInc/Roo-Code/issues/4399",
        ),
        (
            "settings.refused",
            "google",
            "Thinking budget is not supported for this model.",
            "aduermael/herm/issues/23",
        ),
        (
            "settings.refused",
            "google",
            "Unable to submit request because Thinking can't be disabled for this model. Remove 'thinking_config.thinking_budget' from your request and try again.",
            "langchain-ai/langchain-google/issues/972",
        ),
        (
            "settings.refused",
            "bedrock",
            "Malformed input request: #: extraneous key [chat_id] is not permitted, please reformat your input and try again.",
            "BerriAI/litellm/issues/7416",
        ),
        (
            "settings.refused",
            "bedrock",
            "The additional field system conflicts with an existing field.",
            "danny-avila/LibreChat/pull/14246",
        ),
        (
            "settings.refused",
            "ollama",
            '"hf.co/google/gemma-4-26B-A4B-it-qat-q4_0-gguf:latest" does not support thinking',
            "itayinbarr/little-coder/issues/86",
        ),
        (
            "settings.refused",
            "openrouter",
            "No endpoints found that support the provided 'tool_choice' value. To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing",
            "zed-industries/zed/issues/36094",
        ),
        (
            "settings.refused",
            "",
            "The parameter `tool_choice` specified in the request are not valid: expected a string or an object, but got a string instead, supported values are: `auto`, `none`, `required`.",
            "agno-agi/agno-docs-v1/issues/402",
        ),
        (
            "settings.json_word",
            "",
            "<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "agno-agi/agno/pull/5317",
        ),
        (
            "schemas.invalid",
            "google",
            "Unable to submit request because `create-field` functionDeclaration `parameters.data.meta.width` schema didn't specify the schema type field.",
            "google-gemini/gemini-cli/issues/2282",
        ),
        (
            "schemas.invalid",
            "openai",
            "Invalid schema for function 'odoo_model_inspector': In context=('properties', 'method_name_filter'), schema must have a 'type' key.",
            "apexive/odoo-llm/issues/212",
        ),
        (
            "schemas.keyword",
            "openai",
            "Invalid schema for function 'provider-api-docs': In context=('properties','url','type','0'), 'uri' is not a valid format",
            "BuilderIO/agent-native/pull/3085",
        ),
        (
            "schemas.keyword",
            "bedrock",
            "Malformed input request: #/toolConfig/tools/1/toolSpec/inputSchema/json: extraneous key [definitions] is not permitted, please reformat your input and try again.",
            "zed-industries/zed/issues/31815",
        ),
        (
            "schemas.empty_object",
            "openai",
            "Invalid schema for function 'xxx': In context=(), object schema missing properties.",
            "spring-projects/spring-ai/issues/4776",
        ),
        (
            "schemas.no_object",
            "openai",
            "Invalid schema for function 'search': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
            "BerriAI/litellm/pull/19103",
        ),
        (
            "tools.name",
            "google",
            "The GenerateContentRequest proto is invalid:\n  * tools[0].function_declarations[53].name: [FIELD_INVALID] Invalid function name. Must start with a letter or an underscore.",
            "kaitranntt/ccs/issues/25",
        ),
        (
            "tools.unsupported",
            "openrouter",
            'No endpoints found that support tool use. Try disabling "question".',
            "Kilo-Org/kilocode/issues/9006",
        ),
        (
            "tools.choice_alone",
            "vllm",
            "Value error, When using `tool_choice`, `tools` must be set.",
            "langgenius/dify/issues/12485",
        ),
        (
            "messages.empty",
            "xai",
            "Invalid request content: Each message must have at least one content element.",
            "charmbracelet/crush/issues/964",
        ),
        (
            "messages.empty",
            "xai",
            "An empty message was provided. Every message needs at least one non-empty content element.",
            "langbot-app/LangBot/issues/1205",
        ),
        (
            "messages.empty",
            "google",
            "* GenerateContentRequest.contents[33].parts[0].data: required oneof field 'data' must have one initialized field",
            "boldsoftware/sketch/issues/68",
        ),
        (
            "messages.empty",
            "mistral",
            "Assistant message must have either content or tool_calls, but not none.",
            "solbrowse/extension/issues/16",
        ),
        (
            "messages.empty",
            "deepseek",
            "Failed to deserialize the JSON body into the target type: messages[1]: missing field `content` at line 8 column 5",
            "pig-mesh/deepseek4j/issues/41",
        ),
        (
            "messages.empty",
            "cohere",
            "invalid request: message must be at least 1 token long or tool results must be specified.",
            "kwaroran/Risuai/issues/504",
        ),
        (
            "messages.none",
            "deepseek",
            "Failed to deserialize the JSON body into the target type: missing field `messages` at line 4 column 1",
            "carlrobertoh/ProxyAI/issues/907",
        ),
        (
            "messages.text_only",
            "deepseek",
            "Failed to deserialize the JSON body into the target type: messages[5]: invalid type: sequence, expected a string at line 1 column 33928",
            "QwenLM/qwen-code/issues/2158",
        ),
        (
            "messages.text_only",
            "ollama",
            "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string",
            "cloud-apim/otoroshi-llm-extension/issues/72",
        ),
        (
            "messages.part_type",
            "deepseek",
            "Failed to deserialize the JSON body into the target type: messages[4].content: unknown variant tool_reference, expected text at line 1 column 42187",
            "zhukunpenglinyutong/jetbrains-cc-gui/issues/591",
        ),
        (
            "messages.last",
            "anthropic",
            "Your API request included an `assistant` message in the final position, which would pre-fill the `assistant` response. When using tools, pre-filling the `assistant` response is not supported.",
            "Doriandarko/claude-engineer/issues/40",
        ),
        (
            "messages.last",
            "anthropic",
            "This model does not support assistant message prefill. The conversation must end with a user message.",
            "smallmain/vscode-unify-chat-provider/issues/249",
        ),
        (
            "messages.last",
            "google",
            "Please ensure that multiturn requests ends with a user role or a function response.",
            "songquanpeng/one-api/issues/836",
        ),
        (
            "messages.not_kept",
            "openai",
            "Item with id 'rs_0496' not found. Items are not persisted when `store` is set to false.",
            "can1357/oh-my-pi/issues/41",
        ),
        (
            "messages.field",
            "openai",
            "Unknown parameter: 'input[1].status'",
            "openai/openai-python/issues/3008",
        ),
        (
            "messages.field",
            "groq",
            "'messages.2' : for 'role: assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
            "SimonSchubert/Kai/issues/265",
        ),
        (
            "thinking.missing",
            "openai",
            "Item 'msg_1' of type 'message' was provided without its required preceding item of type 'reasoning'",
            "openai/openai-dotnet/issues/1050",
        ),
        (
            "files.image_unreadable",
            "anthropic",
            "messages.18.content.1.image.source.base64.data: Image does not match the provided media type image/png",
            "anthropics/claude-code/issues/13131",
        ),
        (
            "files.image_unreadable",
            "anthropic",
            "messages.92.content.0.tool_result.content.1.image.source.base64: The image was specified using the image/png media type, but the image appears to be a image/jpeg image",
            "BerriAI/litellm/issues/24900",
        ),
        (
            "files.image_unreadable",
            "ollama",
            "illegal base64 data at input byte 5",
            "langgenius/dify/issues/8170",
        ),
        (
            "files.unreachable",
            "azure",
            "Invalid image URL. The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 encoding.",
            "labring/FastGPT/issues/1697",
        ),
        (
            "files.image_unsupported",
            "openrouter",
            "No endpoints found that support image input",
            "github/app/issues/2163",
        ),
    )
]
"""Rule, provider, words, and where they were reported."""

ELSEWHERE: list[tuple[str, str]] = [
    (words, GITHUB + source)
    for words, source in (
        (
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            "continuedev/continue/issues/11185",
        ),
        (
            "Access denied, please make sure your account is in good standing.",
            "infiniflow/ragflow/issues/1552",
        ),
        (
            "Your account is not authorized to invoke this API operation.",
            "aws-samples/amazon-bedrock-audio-summarizer/issues/3",
        ),
        (
            "Invocation of model ID amazon.nova-2-lite-v1:0 with on-demand throughput isn't supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
            "mlcommons/modelbench/issues/1654",
        ),
        (
            "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
            "mlcommons/modelbench/issues/1654",
        ),
        (
            "The provided model identifier is invalid.",
            "strands-agents/harness-sdk/issues/38",
        ),
        (
            "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions",
            "ministryofjustice/modernisation-platform-environments/pull/18323",
        ),
        (
            "Request too large for model openai/gpt-oss-120b in organization org_1 service tier on_demand on tokens per minute (TPM): Limit 8000, Requested 8590, please reduce your message size and try again.",
            "iamsrikanthnani/pluely/issues/242",
        ),
        (
            "The model `gpt-5.4-image-2` does not exist or you do not have access to it.",
            "Routstr/routstr-core/issues/554",
        ),
    )
]
"""Words for what is not in the request, and where they were reported."""
