"""Which fields of pydantic-ai's types are recorded, and why the others are not.

A test compares these tables with the installed pydantic-ai and fails on a new field or a
stale entry, so that an upgrade decides about a field instead of forgetting it.
"""

NORMALISED: dict[str, set[str]] = {
    "ModelRequest": {"kind", "parts", "instructions"},
    "ModelResponse": {
        "kind",
        "parts",
        "usage",
        "model_name",
        "provider_response_id",
        "finish_reason",
        "failed_attempts",
        "state",
    },
    "ModelRequestAttempt": {"model_name", "outcome", "error", "duration"},
    "SystemPromptPart": {"content", "part_kind"},
    "UserPromptPart": {"content", "part_kind"},
    "TextContent": {"content", "kind"},
    "FileUrl": {"url", "_media_type"},
    "ImageUrl": {"kind"},
    "AudioUrl": {"kind"},
    "VideoUrl": {"kind"},
    "DocumentUrl": {"kind"},
    "BinaryContent": {"media_type", "kind"},
    "UploadedFile": {"file_id", "_media_type", "kind"},
    "CachePoint": {"kind"},
    "BaseToolReturnPart": {"tool_name", "content", "tool_call_id", "outcome"},
    "ToolReturnPart": {"part_kind"},
    "NativeToolReturnPart": {"part_kind"},
    "RetryPromptPart": {"content", "tool_name", "tool_call_id", "part_kind"},
    "RetryFeedbackPart": {"content", "retry", "part_kind"},
    "RetryInfo": {"cause", "attempt"},
    "InstructionPart": {"content", "part_kind"},
    "InstructionDeltaPart": {"content", "part_kind"},
    "InstructionBaselinePart": {"part_kind"},
    "ToolAvailabilityDeltaPart": {"tools_added", "part_kind"},
    "CapabilityLoadDeltaPart": {"loaded", "part_kind"},
    "ModelSettingsDeltaPart": {"settings", "part_kind"},
    "TextPart": {"content", "citations", "part_kind"},
    "Citation": {"sources"},
    "WebCitationSource": {"url", "title", "kind"},
    "DocumentCitationSource": {"document_id", "title", "kind"},
    "ThinkingPart": {"content", "part_kind"},
    "CompactionPart": {"content", "part_kind"},
    "FilePart": {"content", "part_kind"},
    "SpeechPart": {"transcript", "audio", "part_kind"},
    "BaseToolCallPart": {"tool_name", "args", "tool_call_id"},
    "ToolCallPart": {"part_kind"},
    "NativeToolCallPart": {"part_kind"},
    "ModelRequestParameters": {
        "function_tools",
        "native_tools",
        "output_mode",
        "output_object",
        "output_tools",
        "instruction_parts",
    },
    "ToolDefinition": {"name", "parameters_json_schema", "description", "kind"},
    "OutputObjectDefinition": {"name", "description"},
    "RequestUsage": {
        "input_tokens",
        "output_tokens",
        "output_reasoning_tokens",
        "cache_write_tokens",
        "cache_read_tokens",
        "details",
    },
}

PROVIDER = "provider options and metadata may hold credentials, so only counts are kept"
BOOKKEEPING = "pydantic-ai's own bookkeeping; the provider never sees it"
ELSEWHERE = "the run or the step has it"
WIRE = (
    "how a definition reaches the provider, not what it says; the request body shows it"
)
BYTES = "bytes of files are never stored"
PRICE = "prices follow from tokens and model"

SKIPPED_EVERYWHERE: dict[str, str] = {
    "provider_details": PROVIDER,
    "vendor_metadata": PROVIDER,
    "metadata": "the application's own data, made for it and never sent",
    "provider_name": ELSEWHERE,
    "timestamp": ELSEWHERE,
    "id": "the provider's id of a part; the response body shows it",
    "run_id": BOOKKEEPING,
    "conversation_id": BOOKKEEPING,
    "_identifier": BOOKKEEPING,
    "tool_kind": BOOKKEEPING,
}
"""Field name to reason, wherever a table above does not name it."""

SKIPPED: dict[str, dict[str, str]] = {
    "ModelRequest": {"state": BOOKKEEPING},
    "ModelResponse": {
        "model_id": ELSEWHERE,
        "provider_url": "the attempts have it, redacted",
        "canonical_system": BOOKKEEPING,
        "workspace_ref": BOOKKEEPING,
        "history_digest": BOOKKEEPING,
    },
    "ModelRequestAttempt": {"usage": "tokens of a failed attempt bought no answer"},
    "SystemPromptPart": {
        "dynamic_ref": BOOKKEEPING,
        "context_id": BOOKKEEPING,
        "scope": BOOKKEEPING,
    },
    "StructuredContent": {
        "value": "its content is the same as text",
        "tag": "its content shows it",
        "description": "its content shows it",
    },
    "FileUrl": {"force_download": WIRE},
    "BinaryContent": {"data": BYTES},
    "CachePoint": {"ttl": "a marker for the provider's cache, not content"},
    "ToolReturnPart": {"retry": "the outcome says that it was retried"},
    "RetryInfo": {"max_retries": BOOKKEEPING},
    "InstructionPart": {
        "dynamic": BOOKKEEPING,
        "on_change": BOOKKEEPING,
        "name": BOOKKEEPING,
    },
    "InstructionDeltaPart": {"base_hash": BOOKKEEPING},
    "InstructionBaselinePart": {
        "instructions": "the instructions in force are a system message already"
    },
    "ToolAvailabilityDeltaPart": {"tool_call_id": BOOKKEEPING},
    "CapabilityLoadDeltaPart": {"tool_call_id": BOOKKEEPING},
    "ModelSettingsDeltaPart": {"top_level": WIRE},
    "Citation": {"anchor": "positions in a text that may be cut"},
    "WebCitationSource": {"excerpts": "other people's text"},
    "DocumentCitationSource": {"excerpts": "other people's text"},
    "ThinkingPart": {"signature": "opaque to everyone but the provider"},
    "SpeechPart": {
        "speaker": "the message's role says it",
        "interrupted_at_ms": "realtime sessions are no turns",
        "timestamps": "realtime sessions are no turns",
    },
    "UploadedFile": {},
    "ModelRequestParameters": {
        "_telemetry_mcp_url_ids": BOOKKEEPING,
        "_telemetry_mcp_url_toolset_ids": BOOKKEEPING,
        "_telemetry_mcp_url_tool_names": BOOKKEEPING,
        "_framing_announcement": BOOKKEEPING,
        "tool_visibility": WIRE,
        "revealed_tool_names": WIRE,
        "introduced_tool_names": WIRE,
        "deferred_capability_ids": WIRE,
        "prompted_output_template": "what it makes is a system message",
        "allow_text_output": "the output mode says it",
        "allow_image_output": "the output mode says it",
        "instruction_visibility": WIRE,
        "thinking": "the option of that name is recorded",
        "cache": "a wish to the provider's cache, not content",
    },
    "ToolDefinition": {
        "outer_typed_dict_key": WIRE,
        "strict": WIRE,
        "sequential": BOOKKEEPING,
        "timeout": BOOKKEEPING,
        "defer_loading": WIRE,
        "unless_native": WIRE,
        "with_native": WIRE,
        "unless_tool_kind": WIRE,
        "return_schema": WIRE,
        "include_return_schema": WIRE,
        "toolset_id": BOOKKEEPING,
        "capability_id": BOOKKEEPING,
    },
    "OutputObjectDefinition": {
        "json_schema": "a schema's name and description tell it apart",
        "strict": WIRE,
    },
    "RequestUsage": {
        "cache_write_1h_tokens": "part of cache_write_tokens",
        "unmeasured_requests": BOOKKEEPING,
        "input_audio_tokens": "part of input_tokens",
        "cache_audio_read_tokens": "part of cache_read_tokens",
        "output_audio_tokens": "part of output_tokens",
        "audio_seconds": PRICE,
        "cost": PRICE,
    },
}
"""Class name to the fields that are left out, each with its reason."""

EVENT = "an event of a stream or an agent; the response it adds up to is recorded"
SKIPPED_TYPES: dict[str, str] = {
    "_ContentFileRecord": BOOKKEEPING,
    "_SanitizeMessagesContext": BOOKKEEPING,
    "ToolReturn": "what a tool's function returns; the model gets a ToolReturnPart",
    "AgentInstructionSource": BOOKKEEPING,
    "ToolsetInstructionSource": BOOKKEEPING,
    "CapabilityInstructionSource": BOOKKEEPING,
    "RunInstructionSource": BOOKKEEPING,
    "InstructionId": BOOKKEEPING,
    "InstructionDigest": BOOKKEEPING,
    "ContentCitationAnchor": "positions in a text that may be cut",
    "MarkerCitationAnchor": "positions in a text that may be cut",
    "SpeechTimestamp": "realtime sessions are no turns",
    "WorkspaceRef": BOOKKEEPING,
}
"""Class name to the reason for which nothing of it is recorded."""
SKIPPED_SUFFIXES: dict[str, str] = {
    "Event": EVENT,
    "PartDelta": EVENT,
}
"""The same for classes whose name ends so."""

OPTIONS_COUNTED: dict[str, str] = {
    "extra_headers": "headers may hold credentials; counted",
    "extra_body": "provider options may hold credentials; counted",
    "logit_bias": "a table of token numbers; counted",
    "citations": "counted",
    "cache": "counted",
    "framing_announcement": "counted",
}
"""Keys of ModelSettings that ``request.OPTIONS`` leaves out. Those of one provider
(``openai_…``) are counted as well."""
