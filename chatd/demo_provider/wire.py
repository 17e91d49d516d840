"""What the two protocols have in common: a call, how it ends, and how it can fail."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any, NamedTuple, Protocol


class FinishReason(Enum):
    """Why an answer ended; an answer without one was cut short."""

    STOP = auto()
    FILTERED = auto()


class Fault(Enum):
    """Why a provider refuses a call; each protocol has its own status and words."""

    INVALID = auto()
    UNPROCESSABLE = auto()
    CONTEXT_TOO_LONG = auto()
    KEY_REJECTED = auto()
    KEY_ECHOED = auto()
    FORBIDDEN = auto()
    UNKNOWN_MODEL = auto()
    RATE_LIMITED = auto()
    QUOTA_EXHAUSTED = auto()
    SERVER_ERROR = auto()
    OVERLOADED = auto()


class ErrorShape(NamedTuple):
    """A fault in one protocol; the message may name ``{model}`` and ``{key}``."""

    status: int
    type: str
    message: str
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One model call as a client sent it, and the identity of its answer."""

    body: Mapping[str, Any]
    api_key: str
    is_retry: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @cached_property
    def prompt(self) -> str:
        """The text of the last message that is the user's."""
        texts = [
            text_of(message.get("content"))
            for message in self.body["messages"]
            if message.get("role") == "user"
        ]
        return texts[-1] if texts else ""

    @cached_property
    def input_tokens(self) -> int:
        """The number of words of all messages: no tokenizer, but it grows with them."""
        contents = [message.get("content") for message in self.body["messages"]]
        return sum(len(text_of(content).split()) for content in contents) or 1

    @cached_property
    def conversation(self) -> int:
        """The same for every attempt at the same messages, whatever else differs."""
        said = [
            (str(message.get("role")), text_of(message.get("content")))
            for message in self.body["messages"]
        ]
        return hash((self.model, *said))


class Wire(Protocol):
    """One protocol. The modules ``openai`` and ``anthropic`` are its implementations."""

    REQUEST_ID_HEADER: str
    ERRORS: Mapping[Fault, ErrorShape]

    def error(self, shape: ErrorShape, request_id: str, /) -> dict[str, Any]:
        """Return the body of an error response."""

    def refusal(self, status: int, message: str, /) -> ErrorShape:
        """Return the shape of an error of HTTP itself."""

    def whole(
        self, call: Call, text: str, reason: FinishReason | None, /
    ) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""

    def opening(self, call: Call, /) -> bytes:
        """Return the events that come before everything else of a stream."""

    def text(self, call: Call, piece: str, /, *, first: bool) -> bytes:
        """Return the events that carry one piece of the answer's text."""

    def closing(self, call: Call, reason: FinishReason, words: int, /) -> bytes:
        """Return the events that end a stream properly, with its usage."""

    def stream_error(self, error: Mapping[str, Any], /) -> bytes:
        """Return the event that reports an error inside a stream."""


def api_key(headers: Mapping[str, str]) -> str:
    """Return the key that a client sent, "" without one; SDKs change how they send it."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    return headers.get("x-api-key", "") or bearer


def parse_call(body: bytes, *, api_key: str) -> Call:
    """Return the call that a request's body describes.

    Raises ValueError, in words for the client, on anything that is not one.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("The body is not valid JSON.") from error
    if not isinstance(data, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(data.get("model"), str) or not data["model"]:
        raise ValueError("You must provide a model parameter.")
    messages = data.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError("'messages' must be a list with at least one message.")
    if not all(isinstance(message, dict) for message in messages):
        raise ValueError("Each of 'messages' must be an object.")
    return Call(body=data, api_key=api_key)


def text_of(content: object) -> str:
    """Return the text of a message's content: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return " ".join(text for text in texts if isinstance(text, str))


def dump(data: Mapping[str, Any]) -> bytes:
    """Return compact JSON; escaped, so that lone surrogates survive."""
    return json.dumps(data, separators=(",", ":")).encode()


def sse(data: Mapping[str, Any], *, event: str = "") -> bytes:
    """Return one server-sent event."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + dump(data) + b"\n\n"
