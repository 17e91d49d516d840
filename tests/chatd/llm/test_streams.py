"""The body of a response, as the stream of events that an SDK is given of it."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx2
import pytest

from chatd.llm.wire.anthropic import AnthropicWire
from chatd.llm.wire.compression import Decompressor
from chatd.llm.wire.openai import OpenAIWire
from chatd.llm.wire.protocol import WireProtocol
from chatd.llm.wire.stream import AnswerStream
from chatd.llm.wire.watch import Watch
from chatdebug.errors import IncompleteStreamError
from tests.wire import finish, last, whole_answer, words

MEGABYTE = 1024 * 1024


class Source(httpx2.AsyncByteStream):
    """A response's body, whose parts are there at once."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = parts
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.sent += len(part)
            yield part


def read(source: Source, protocol: WireProtocol | None = None) -> str:
    """Return the stream that an SDK is given. Raises what it is raised."""
    watch = Watch(max_bytes=MEGABYTE)
    protocol = protocol or OpenAIWire()
    stream = AnswerStream(httpx2.Response(200), source, protocol=protocol, watch=watch)

    async def body() -> bytes:
        return b"".join([part async for part in stream])

    return asyncio.run(body()).decode()


def line(words: str, reason: str | None = None, *, name: str = "delta") -> bytes:
    said: Any = words if name == "text" else {"content": words}
    choice = {"index": 0, name: said, "finish_reason": reason}
    chunk = {"object": "chat.completion.chunk", "choices": [choice]}
    return json.dumps(chunk).encode() + b"\n"


def said_in(stream: str) -> tuple[str, list[str]]:
    """Return the text of a stream, and its finish reasons."""
    events = [part.removeprefix("data: ") for part in stream.split("\n\n")[:-2]]
    choices = [json.loads(event)["choices"][0] for event in events]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return text, [c["finish_reason"] for c in choices if c["finish_reason"]]


@pytest.mark.parametrize("name", ["delta", "message", "text"])
@pytest.mark.parametrize("is_at_once", [False, True])
def test_lines_of_json_are_read_as_the_stream_that_they_are(
    name: str, *, is_at_once: bool
) -> None:
    lines = [line(word, name=name) for word in ("One ", "two ", "three")]
    lines.append(line("", "length"))
    stream = read(Source([b"".join(lines)] if is_at_once else lines))
    assert said_in(stream) == ("One two three", ["length"])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_at_once", [False, True])
def test_lines_of_json_without_a_finish_reason_are_no_success(
    count: int, *, is_at_once: bool
) -> None:
    lines = [line("One ")] * count
    with pytest.raises(IncompleteStreamError):
        read(Source([b"".join(lines)] if is_at_once else lines))


def test_lines_of_json_are_read_in_anthropics_protocol_too() -> None:
    events = whole_answer("anthropic", "One ", "two")[1:]
    lines = [event.split("data: ")[1].strip().encode() + b"\n" for event in events]
    assert read(Source(lines), AnthropicWire()) == "".join(events)


def test_a_whole_answer_needs_no_finish_reason() -> None:
    answer = {"choices": [{"message": {"content": "Hello"}}]}
    assert said_in(read(Source([json.dumps(answer).encode()]))) == ("Hello", ["stop"])


def test_what_follows_the_end_is_read_up_to_the_bound_only() -> None:
    answer = "".join([*words("openai", "Hello"), *finish("openai"), last("openai")])
    source = Source([answer.encode(), *[b"x" * 65_536] * 160])
    assert "Hello" in read(source)
    assert source.sent < 2 * MEGABYTE


def test_blanks_before_an_answer_are_read_up_to_the_bound_only() -> None:
    source = Source([b" " * 65_536] * 160)
    with pytest.raises(IncompleteStreamError):
        read(source)
    assert source.sent < 2 * MEGABYTE


@pytest.mark.parametrize("length", [65_536, 131_072, 131_297])
@pytest.mark.parametrize(
    ("encoding", "window"),
    [
        pytest.param("deflate", -15, id="deflate-without-header"),
        pytest.param("deflate", 15, id="deflate"),
        pytest.param("gzip", 31, id="gzip"),
    ],
)
def test_what_is_compressed_is_unpacked_to_its_end(
    encoding: str, window: int, length: int
) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    packed = packer.compress(b"a" * length) + packer.flush()
    assert b"".join(Decompressor(encoding).feed(packed)) == b"a" * length
