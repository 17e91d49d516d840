"""Cassettes of made failures, and calls that play them."""

from typing import Any

from openai import OpenAI

from chatdebug import instrument_openai
from chatdebug.cassettes.cassette import Answer, Cassette, End, Piece
from chatdebug.cassettes.playing import PlayedCall
from chatdebug.errors.payload import read_payload

ERROR_BODY = b'{"error": {"message": "The keel is of another ship.", "type": "odd"}}'
JSON = {"content-type": "application/json"}
REFUSED = Answer(status=400, headers=JSON, body=(Piece(ERROR_BODY),))
SILENT = Answer(status=None, end=End.NEVER)
REQUEST: dict[str, Any] = {
    "model": "gpt-5",
    "messages": [{"role": "user", "content": "What is a keel?"}],
}


def cassette(*answers: Answer, **facts: Any) -> Cassette:
    """Return a cassette of chat completions, with these answers or one that refuses."""
    known: dict[str, Any] = {
        "run_id": "01a21e64-f3dd-7734-ba51-929fb472b7c6",
        "captured_at": "2026-11-27T19:04:22.188223Z",
        "evidence": "error",
        "sdk": "openai",
        "provider": "openai",
        "model": "gpt-5",
        "path": "/chat/completions",
        "request": REQUEST,
        "fingerprint": "0" * 16,
        "error": read_payload({"kind": "generic", "rule": "fallback.generic"}),
    }
    return Cassette(answers=answers or (REFUSED,), **{**known, **facts})


def ask(call: PlayedCall) -> None:
    """Make the call by OpenAI's SDK."""
    with OpenAI(
        base_url=f"{call.base_url}/v1",
        api_key="offline",
        max_retries=0,
        timeout=call.timeout,
    ) as client:
        instrument_openai(client)
        client.chat.completions.create(**call.request)
