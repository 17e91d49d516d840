"""The SDKs of providers, over real sockets."""

import asyncio
import contextlib
import inspect
import json
import re
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from chatdebug.transport import (
    AttemptSink,
    RecordingTransport,
    SyncRecordingTransport,
    collect_attempts,
)
from chatdebug.transport import transport as transport_module
from tests.chatdebug.transport.answers import SECRET


@asynccontextmanager
async def loopback_provider(*replies: bytes) -> AsyncIterator[str]:
    """Serve the replies, one connection each, from a socket of this machine."""
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(left.pop(0))
        await writer.drain()
        await reader.read()  # until the client closes
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def http_reply(body: bytes, content_type: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body


COMPLETION = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "demo",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Good day"},
            }
        ],
    }
).encode()
CHUNK = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "demo",
        "choices": [{"index": 0, "delta": {"content": "Good"}}],
    }
)
STREAMED = f"data: {CHUNK}\n\ndata: [DONE]\n\n"
CHUNKED_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    "transfer-encoding: chunked\r\n\r\n"
)
CHUNKED = f"{CHUNKED_HEAD}{len(STREAMED):x}\r\n{STREAMED}\r\n".encode()


def documented_example() -> Callable[[str], Any]:
    """The function defined by the example in the module's documentation."""
    block = inspect.cleandoc(transport_module.__doc__ or "").split("::\n", 1)[1]
    lines = [line for line in block.splitlines() if not line or line[:1] == " "]
    namespace: dict[str, Any] = {}
    exec(textwrap.dedent("\n".join(lines)), namespace)
    ask: Callable[[str], Any] = namespace["ask"]
    return ask


def test_the_documented_example_works():
    async def body() -> tuple[str, list[dict[str, Any]]]:
        async with loopback_provider(http_reply(COMPLETION)) as base_url:
            result: tuple[str, list[dict[str, Any]]] = await documented_example()(
                base_url
            )
            return result

    answer, (attempt,) = asyncio.run(body())

    assert answer == "Good day"
    assert attempt["status"] == "completed"
    assert attempt["path"] == "/v1/chat/completions"
    assert "Good day" in attempt["response_body"]


def test_each_retry_inside_the_anthropic_sdk_is_an_attempt():
    from anthropic import AsyncAnthropic

    message = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "demo",
        "content": [{"type": "text", "text": "Good day"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    refused = (
        b"HTTP/1.1 529 Overloaded\r\nretry-after-ms: 1\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )
    accepted = http_reply(json.dumps(message).encode())

    async def body() -> AttemptSink:
        async with loopback_provider(refused, accepted) as base_url:
            http_client = httpx2.AsyncClient(transport=RecordingTransport())
            client = AsyncAnthropic(
                base_url=base_url.removesuffix("/v1"),
                api_key=SECRET,
                http_client=http_client,
                max_retries=1,
            )
            async with client:
                with collect_attempts() as sink:
                    await client.messages.create(
                        model="demo",
                        max_tokens=10,
                        messages=[{"role": "user", "content": "Hello"}],
                    )
            return sink

    attempts = asyncio.run(body()).as_json()

    assert [
        (attempt["number"], attempt["response_status"], attempt["status"])
        for attempt in attempts
    ] == [(1, 529, "http_error"), (2, 200, "completed")]
    assert SECRET not in json.dumps(attempts)


def test_a_stream_of_the_openai_sdk_is_a_completed_attempt():
    from openai import AsyncOpenAI

    async def body() -> AttemptSink:
        async with loopback_provider(CHUNKED + b"0\r\n\r\n") as base_url:
            http_client = httpx2.AsyncClient(transport=RecordingTransport())
            client = AsyncOpenAI(
                base_url=base_url, api_key="unused", http_client=http_client
            )
            async with client:
                with collect_attempts() as sink:
                    stream = await client.chat.completions.create(
                        model="demo",
                        stream=True,
                        messages=[{"role": "user", "content": "Hello"}],
                    )
                    async for _ in stream:
                        pass
            return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert (attempt["status"], attempt["error"]) == ("completed", "")
    assert attempt["response_body"].endswith("data: [DONE]\n\n")


def test_the_synchronous_openai_sdk_may_stop_reading_after_the_last_event():
    from openai import OpenAI

    def ask(base_url: str) -> None:
        http_client = httpx2.Client(transport=SyncRecordingTransport())
        with OpenAI(
            base_url=base_url, api_key="unused", http_client=http_client
        ) as client:
            stream = client.chat.completions.create(
                model="demo",
                stream=True,
                messages=[{"role": "user", "content": "Hello"}],
            )
            assert [chunk.model for chunk in stream] == ["demo"]

    async def body() -> AttemptSink:
        async with loopback_provider(CHUNKED) as base_url:  # its end never comes
            with collect_attempts() as sink:
                await asyncio.to_thread(ask, base_url)
            return sink

    (attempt,) = asyncio.run(body()).as_json()

    assert (attempt["status"], attempt["error"]) == ("completed", "")
