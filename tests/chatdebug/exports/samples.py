"""Runs to export: one as it is recorded in full, with everything that may be in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chatdebug.enums import ErrorKind, Level, Operation, Status
from chatdebug.models import ChatRun, ChatStep
from tests.factories import ChatRunFactory, ChatStepFactory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ERROR: dict[str, Any] = {
    "message": "status_code: 400, body: the ballast does not match",
    "type": "ModelHTTPError",
    "chain": [
        {"type": "ModelHTTPError", "message": "the ballast does not match"},
        {"type": "BadRequestError", "message": "Error code: 400"},
    ],
    "frames": [{"file": "shop/chat.py", "line": 12, "function": "answer"}],
    "kind": "generic",
    "rule": "fallback.generic",
    "provider": "openai",
    "status_code": 400,
    "error_type": "invalid_request_error",
    "error_code": "ballast_mismatch",
    "request_id": "req_123",
    "retryable": False,
    "detail": "The ballast of segment 3 does not match its envelope.",
    "response": {"status": 400, "content_type": "application/json", "length": 120},
    "elapsed_ms": 1200,
    "first_part_ms": None,
    "parts_received": 0,
    "characters_received": 0,
    "retry_count": 1,
}
REQUEST: dict[str, Any] = {
    "messages": [
        {
            "role": "system",
            "parts": [{"type": "instructions", "text": "Be brief.", "text_length": 9}],
        },
        {
            "role": "user",
            "parts": [
                {"type": "text", "text": "What is a ballast?", "text_length": 18}
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {
                    "type": "tool-call",
                    "tool_call_id": "call_1",
                    "tool_name": "look_up",
                    "arguments": '{"word": "ballast"}',
                    "input_length": 19,
                }
            ],
        },
        {
            "role": "tool",
            "parts": [
                {
                    "type": "tool-result",
                    "tool_call_id": "call_1",
                    "tool_name": "look_up",
                    "outcome": "success",
                    "result": "a weight",
                    "result_length": 8,
                }
            ],
        },
    ],
    "tools": [
        {
            "type": "function",
            "name": "look_up",
            "description": "Looks a word up.",
            "has_input_schema": True,
            "input_schema": {"type": "object", "properties": {"word": {}}},
        }
    ],
    "options": {"max_output_tokens": 100, "temperature": 0.5, "stop_sequences": ["x"]},
    "provider_option_count": 0,
}
RESPONSE: dict[str, Any] = {
    "content": [{"type": "text", "text": "A weight", "text_length": 8}],
    "finish_reason": "stop",
    "state": "complete",
    "model": "gpt-5.1-2026",
    "response_id": "resp_1",
    "usage": {"input_tokens": 12, "output_tokens": 3},
}


def attempt(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return an attempt as the transport stores it."""
    return {
        "number": number,
        "status": "http_error",
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions",
        "path": "/v1/chat/completions",
        "request_headers": {
            "content-type": "application/json",
            "authorization": "[REDACTED]",
        },
        "request_body": '{"model":"gpt-5.1","messages":[]}',
        "request_body_length": 33,
        "response_status": 400,
        "response_headers": {"content-type": "application/json"},
        "response_body": '{"error":{"code":"ballast_mismatch"}}',
        "response_body_length": 37,
        "started_at": "2026-11-24T12:00:00.100000Z",
        "finished_at": "2026-11-24T12:00:00.600000Z",
        "error": "",
        "duration_ms": 500,
        "ended_by": "provider",
        "connection": "opened",
        "connect_ms": 30,
        "time_to_first_byte_ms": 400,
        "time_to_first_part_ms": 410,
        "time_to_last_part_ms": 490,
        **fields,
    }


def full_run(**fields: Any) -> ChatRun:
    """Return a stored run of the full level that failed on its second attempt."""
    return ChatRunFactory(
        **{
            "chat_id": "chat-7",
            "level": Level.FULL,
            "status": Status.ERROR,
            "error_kind": ErrorKind.GENERIC,
            "provider": "openai",
            "model": "gpt-5.1",
            "summary": {
                "first_message": "What is a ballast?",
                "step_count": 1,
                "attempt_count": 2,
                "queue_ms": 1_200,
                "claim_ms": 8,
                "total_input_tokens": 12,
                "total_output_tokens": 3,
                "has_error": True,
                "error_message": ERROR["detail"],
                "error_status": 400,
            },
            "started_at": NOON,
            "updated_at": NOON + timedelta(seconds=2),
            "finished_at": NOON + timedelta(seconds=2),
            **fields,
        }
    )


def full_step(run: ChatRun, **fields: Any) -> ChatStep:
    """Return the one step of such a run, stored."""
    return ChatStepFactory(
        **{
            "run": run,
            "operation": Operation.STREAM,
            "status": Status.ERROR,
            "normalized_request": REQUEST,
            "normalized_response": RESPONSE,
            "usage": RESPONSE["usage"],
            "attempts": [attempt(), attempt(2)],
            "error": ERROR,
            "metadata": {"notes": ["the stream was odd"]},
            "started_at": NOON + timedelta(seconds=0.1),
            "updated_at": NOON + timedelta(seconds=2),
            "finished_at": NOON + timedelta(seconds=2),
            **fields,
        }
    )
