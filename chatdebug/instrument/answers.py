"""Answers of the providers: how a streamed one adds up, and whether it is whole.

Events are objects of the SDKs, and any of their attributes may be missing: providers that
are only compatible leave out what they like.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from chatdebug.instrument.wire import as_mapping

CHARACTERS_KEPT = 1_000_000
"""Of one streamed answer; what is stored of it is much less."""
LAST_RESPONSE_EVENTS = ("response.completed", "response.incomplete", "response.failed")
"""Not a set: the type of an event may be anything, also what cannot be in one."""


class FailedResponseError(Exception):
    """The provider sent an answer that says of itself that it failed."""

    def __init__(self, error: Any) -> None:
        found = as_mapping(error)
        self.body = {"error": dict(found)}
        super().__init__(str(found.get("message") or "The response failed."))


class Answer(Protocol):
    """What has come of a streamed answer."""

    def add(self, event: Any) -> None:
        """Take the next event."""

    def body(self) -> dict[str, Any]:
        """Return what has come, as if it had not been streamed."""


@dataclass(frozen=True, slots=True)
class Format:
    """One of the formats in which a provider answers."""

    answer: Callable[[], Answer]
    text: Callable[[Any], str]
    """The text in an event; empty if there is none."""
    is_last: Callable[[Any], bool]
    """Whether an event says that the answer is over."""
    failure: Callable[[Any], BaseException | None]
    """What an event or a whole answer says of a failure, if anything."""


class _Texts:
    """Pieces of text, up to ``CHARACTERS_KEPT``."""

    __slots__ = ("_pieces", "_room")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = CHARACTERS_KEPT

    def add(self, piece: str) -> None:
        if piece and self._room > 0:
            self._pieces.append(piece[: self._room])
            self._room -= len(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


class ChatAnswer:
    """OpenAI's chat completions, and the older completions."""

    def __init__(self) -> None:
        self._text = _Texts()
        self._calls: dict[int, dict[str, Any]] = {}
        self._facts: dict[str, Any] = {}
        self._finish: str | None = None

    def add(self, event: Any) -> None:
        """Take the next chunk."""
        for key in ("id", "model", "usage"):
            if (value := getattr(event, key, None)) is not None:
                self._facts[key] = value
        self._text.add(chat_text(event))
        for choice in getattr(event, "choices", None) or ():
            self._finish = getattr(choice, "finish_reason", None) or self._finish
            delta = getattr(choice, "delta", None)
            for part in getattr(delta, "tool_calls", None) or ():
                call = self._calls.setdefault(part.index, {"id": None, "name": ""})
                call["id"] = call["id"] or part.id
                if part.function is not None:
                    call["name"] += part.function.name or ""
                    call.setdefault("arguments", _Texts()).add(
                        part.function.arguments or ""
                    )

    def body(self) -> dict[str, Any]:
        """Return what has come, as if it had not been streamed."""
        calls = [
            {
                "id": call["id"],
                "function": {
                    "name": call["name"],
                    "arguments": str(call.get("arguments", "")),
                },
            }
            for call in self._calls.values()
        ]
        message = {"content": str(self._text), "tool_calls": calls}
        choice = {"message": message, "finish_reason": self._finish}
        return {**self._facts, "choices": [choice]}


class ResponseAnswer:
    """OpenAI's Responses. Their last event holds the whole answer."""

    def __init__(self) -> None:
        self._text = _Texts()
        self._response: Any = None

    def add(self, event: Any) -> None:
        """Take the next event."""
        self._text.add(response_text(event))
        self._response = getattr(event, "response", None) or self._response

    def body(self) -> dict[str, Any]:
        """Return what has come, as if it had not been streamed."""
        body = dict(as_mapping(self._response))
        return body if body.get("output") else {**body, "output": [str(self._text)]}


class MessageAnswer:
    """Anthropic's messages."""

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, tuple[dict[str, Any], _Texts]] = {}

    def add(self, event: Any) -> None:
        """Take the next event."""
        kind = getattr(event, "type", "")
        if kind == "message_start":
            self._facts = {"id": event.message.id, "model": event.message.model}
            self._add_usage(event.message.usage)
        elif kind == "content_block_start":
            block = dict(as_mapping(event.content_block))
            self._blocks[event.index] = (block, _Texts())
        elif kind == "content_block_delta" and event.index in self._blocks:
            self._blocks[event.index][1].add(message_text(event))
        elif kind == "message_delta":
            self._facts["stop_reason"] = event.delta.stop_reason
            self._add_usage(event.usage)

    def _add_usage(self, usage: Any) -> None:
        # The last counts are those of the whole answer, as far as they are given.
        given = as_mapping(usage).items()
        self._usage |= {key: count for key, count in given if count is not None}

    def body(self) -> dict[str, Any]:
        """Return what has come, as if it had not been streamed."""
        content = [
            {**block, BLOCK_TEXTS.get(block.get("type", ""), "text"): str(text)}
            for block, text in self._blocks.values()
        ]
        return {**self._facts, "usage": self._usage, "content": content}


BLOCK_TEXTS = {"thinking": "thinking", "tool_use": "input", "server_tool_use": "input"}
"""Under which key the deltas of a block add up."""


def chat_text(event: Any) -> str:
    """Return the text in a chunk of a chat completion."""
    for choice in getattr(event, "choices", None) or ():
        delta = getattr(choice, "delta", None)
        source, key = (choice, "text") if delta is None else (delta, "content")
        if found := getattr(source, key, None):
            return str(found)
    return ""


def response_text(event: Any) -> str:
    """Return the text in an event of the Responses."""
    is_text = getattr(event, "type", "") == "response.output_text.delta"
    return str(event.delta) if is_text else ""


def message_text(event: Any) -> str:
    """Return the text in an event of a message, also of its reasoning and tools."""
    delta = getattr(event, "delta", None)
    for key in ("text", "thinking", "partial_json"):
        if found := getattr(delta, key, None):
            return str(found)
    return ""


def _chat_is_over(event: Any) -> bool:
    choices: Iterable[Any] = getattr(event, "choices", None) or ()
    return any(getattr(choice, "finish_reason", None) for choice in choices)


def _response_is_over(event: Any) -> bool:
    return getattr(event, "type", "") in LAST_RESPONSE_EVENTS


def _message_is_over(event: Any) -> bool:
    stopped = getattr(getattr(event, "delta", None), "stop_reason", None)
    return bool(stopped) or getattr(event, "type", "") == "message_stop"


def _no_failure(_answer: Any) -> None:
    """Return None: what fails in this format is raised by the SDK."""


def _response_failure(answer: Any) -> BaseException | None:
    response = getattr(answer, "response", None) or answer
    if getattr(response, "status", None) != "failed":
        return None
    return FailedResponseError(getattr(response, "error", None))


CHAT = Format(ChatAnswer, chat_text, _chat_is_over, _no_failure)
RESPONSES = Format(ResponseAnswer, response_text, _response_is_over, _response_failure)
MESSAGES = Format(MessageAnswer, message_text, _message_is_over, _no_failure)
