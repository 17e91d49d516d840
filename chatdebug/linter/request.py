"""A rejected request as rules read it, and what its provider said of it.

A request that was kept in full is read as its shape, so that a rule is written once. What
is stored may be of an older release, or of anybody: a value of another type counts as not
known, and no more is read than a shape of our own can hold.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from chatdebug.errors.payload import ErrorPayload
from chatdebug.evidence.shape import MESSAGES, PARTS, ROLES, Offer, Tool, request_shape
from chatdebug.payloads.limits import TOOLS

type Json = Mapping[str, Any]

WORDS = 4_000
"""Characters of what was said; a provider's whole reason is shorter."""
NODES = 2_000
"""Schemas inside of one schema that are looked at."""
DEPTH = 40
POINTER = re.compile(
    r"\b(?:messages|contents|input)[.\[ ]{1,2}(\d{1,6})\b|\bmessage (?:at )?index (\d{1,6})\b"
)
"""How a provider names the message that it means, counted from 0."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message; None and nothing stand for what is not known."""

    type: str
    length: int | None
    size: int | None
    media_type: str
    call: int | None
    """The same number for a call of a tool and its result."""
    id_length: int | None
    id_plain: bool | None
    arguments: str
    """What the arguments of a call are: ``object``, ``no_json`` and so on."""
    is_blank: bool
    signed: bool | None

    @classmethod
    def of(cls, stored: Json) -> "Part":
        """Read one of a shape."""
        return cls(
            type=_text(stored.get("type")),
            length=_number(stored.get("length")),
            size=_number(stored.get("size")),
            media_type=_text(stored.get("media_type")),
            call=_number(stored.get("call")),
            id_length=_number(stored.get("id_length")),
            id_plain=_flag(stored.get("id_plain")),
            arguments=_text(stored.get("arguments_kind")),
            is_blank=stored.get("blank") is True,
            signed=_flag(stored.get("signed")),
        )

    @property
    def is_call(self) -> bool:
        """Whether a tool is called by it."""
        return self.type == "tool-call"

    @property
    def is_result(self) -> bool:
        """Whether it answers a call of a tool."""
        return self.call is not None and not self.is_call

    @property
    def is_file(self) -> bool:
        """Whether it is an image, a document, or anything else that is no text."""
        return bool(self.media_type) or self.type in FILES

    @property
    def is_image(self) -> bool:
        """Whether it is a picture, as far as that is known."""
        return self.media_type.startswith("image/") or self.type in IMAGES


IMAGES = frozenset({"image", "image_url", "input_image"})
FILES = IMAGES | {"file", "document", "input_file", "input_audio", "audio", "video"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, at its place in the request, which counts from 0."""

    index: int
    turn: int
    """Its place for a provider that has no system messages, and joins those of one side."""
    role: str
    parts: tuple[Part, ...]
    is_whole: bool
    """Whether all of its parts are described."""

    @property
    def is_system(self) -> bool:
        """Whether it instructs the model."""
        return self.role in ("system", "developer")

    @property
    def side(self) -> str:
        """Who speaks: ``assistant``, ``user`` (tools speak for it) or ``system``."""
        if self.is_system:
            return "system"
        return "assistant" if self.role in ("assistant", "model") else "user"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.is_whole and not any(
            part.type != "text" or part.length or part.length is None
            for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that the model may call."""

    name: str
    type: str
    schema: Json | None
    """Its structure without values, see ``chatdebug.evidence.schemas``."""
    description_length: int | None
    strict: bool
    length: int
    """Characters of description and schema."""


class Largest(NamedTuple):
    """The largest part of a request, where all of it is described."""

    number: int
    """Of the message, from 1; 0 for all tools together."""
    role: str
    """Of the message, by the word of providers; empty for the tools."""
    characters: int
    message_count: int = 0
    """Of the request; 0 where that is not known."""
    newest: int = 0
    """Characters of the newest message; 0 where that is not known."""


@dataclass(frozen=True)
class Request:
    """A request that was rejected. Without slots, for it keeps what rules ask often."""

    messages: tuple[Message, ...]
    tools: tuple[OfferedTool, ...]
    settings: Json
    output_mode: str
    output_schema: Json | None
    tokens: int
    """An estimate, without files."""
    window: int | None
    is_whole: bool
    """Whether all of its messages are described."""
    refers_to_stored: bool
    """Whether its provider has stored a part of it, so that it is never whole."""
    provider: str
    words: str
    """What the provider said, and what the exceptions say."""
    status_code: int | None

    @classmethod
    def of(cls, shape: Json, error: ErrorPayload) -> "Request":
        """Read a shape, beside the error that it was answered with."""
        left_out = _number(shape.get("messages_left_out")) or 0
        refers_to_stored = shape.get("refers_to_stored") is True
        output = _mapping(shape.get("output"))
        texts = [error["detail"], error["message"]]
        texts += [link["message"] for link in error["chain"][:10]]
        return cls(
            messages=tuple(_messages(shape, left_out)),
            tools=tuple(_tools(shape)),
            settings=_mapping(shape.get("settings")),
            output_mode=_text(output.get("mode")),
            output_schema=_schema(output.get("schema")),
            tokens=_number(shape.get("estimated_tokens")) or 0,
            window=_number(shape.get("context_window")),
            is_whole=left_out == 0 and not refers_to_stored,
            refers_to_stored=refers_to_stored,
            provider=error["provider"],
            words="\n".join(dict.fromkeys(filter(None, texts)))[:WORDS],
            status_code=error["status_code"],
        )

    @property
    def parts(self) -> Iterator[tuple[Message, Part]]:
        """All parts, each with its message."""
        return ((message, part) for message in self.messages for part in message.parts)

    @cached_property
    def said(self) -> str:
        """The words in small letters."""
        return self.words.lower()

    @cached_property
    def schemas(self) -> list[tuple[str, Json, bool]]:
        """The schemas: of which tool (nothing: of the answer), which, and whether strict."""
        offered = [
            (tool.name, tool.schema, tool.strict)
            for tool in self.tools
            if tool.schema is not None
        ]
        if self.output_schema is not None:
            offered.append(("", self.output_schema, self.output_mode == "json_schema"))
        return offered

    @cached_property
    def calls(self) -> dict[int, list[Message]]:
        """The messages with calls of a tool, by the number of the call."""
        return _by_call(self, results=False)

    @cached_property
    def results(self) -> dict[int, list[Message]]:
        """The messages with results of a tool, by the number of its call."""
        return _by_call(self, results=True)

    @cached_property
    def pointers(self) -> frozenset[int]:
        """The messages that the provider names, by its own count."""
        return frozenset(
            int(found[1] or found[2]) for found in POINTER.finditer(self.words)
        )

    @property
    def largest(self) -> Largest | None:
        """Its largest part; None where some of it is not described, or has no length."""
        if not self.is_whole or not all(one.is_whole for one in self.messages):
            return None
        sizes = [
            sum(part.length or 0 for part in message.parts) for message in self.messages
        ]
        parts = [
            Largest(
                message.index + 1,
                message.role if message.role in ROLES else "",
                size,
                message_count=len(sizes),
                newest=sizes[-1],
            )
            for message, size in zip(self.messages, sizes, strict=True)
        ]
        parts.append(Largest(0, "", sum(tool.length for tool in self.tools)))
        largest = max(parts, key=lambda part: part.characters)
        return largest if largest.characters else None

    def number(self, *names: str) -> float | None:
        """Return the first of these settings that is a number."""
        for name in names:
            value = self.settings.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
        return None

    @property
    def max_tokens(self) -> float | None:
        """How long the answer may be."""
        return self.number("max_tokens", "max_completion_tokens", "max_output_tokens")

    @property
    def thinking_budget(self) -> float | None:
        """How many tokens the model may think; None where that is off, or not said."""
        thinking = _mapping(self.settings.get("thinking")) or _mapping(
            self.settings.get("anthropic_thinking")
        )
        budget = thinking.get("budget_tokens")
        is_on = thinking.get("type") == "enabled"
        return budget if is_on and _number(budget) is not None else None


def shape_of_full(stored: Any, *, window: int | None) -> dict[str, Any]:
    """Return the shape of a request that was kept in full, as far as that tells it.

    It knows of the settings those that the full level keeps.
    """
    request = _mapping(stored)
    count = _number(request.get("provider_option_count"))
    offer = Offer(
        tools=[
            Tool(
                name=tool.get("name"),
                kind=tool.get("type"),
                description=tool.get("description"),
                schema=schema if isinstance(schema, dict) else None,
            )
            for tool in map(_mapping, _list(request.get("tools"))[:TOOLS])
            for schema in (tool.get("input_schema"),)
        ],
        settings={
            **_mapping(request.get("options")),
            **{key: request[key] for key in ("tool_choice",) if request.get(key)},
            **({"others": count} if count else {}),
        },
        output_mode=request.get("output_mode") or "",
    )
    return request_shape(request, offer, window=window)


def walk(schema: Json) -> Iterator[tuple[Json, int]]:
    """Yield a schema and all inside of it, each with its depth; the whole has 0."""
    waiting: list[tuple[Json, int]] = [(schema, 0)]
    seen = 0
    while waiting and seen < NODES:
        node, depth = waiting.pop()
        seen += 1
        yield node, depth
        if depth < DEPTH:
            waiting += [(below, depth + 1) for below in _below(node)]


def _below(node: Json) -> Iterator[Json]:
    for key, value in node.items():
        if key in ("properties", "$defs", "definitions", "dependentSchemas"):
            yield from filter(_is_schema, _mapping(value).values())
        elif isinstance(value, list):
            yield from filter(_is_schema, value)
        elif _is_schema(value):
            yield value


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping) and "omitted" not in value


def _messages(shape: Json, left_out: int) -> Iterator[Message]:
    turn, side = -1, ""
    for number, stored in enumerate(_list(shape.get("messages"))[:MESSAGES]):
        found = _mapping(stored)
        parts = [_mapping(part) for part in _list(found.get("parts"))[:PARTS]]
        message = Message(
            index=number + left_out if number else 0,
            turn=turn,
            role=_text(found.get("role")),
            parts=tuple(map(Part.of, parts)),
            is_whole=not _number(found.get("parts_left_out")),
        )
        if message.is_system:
            yield message
            continue
        # What was left out after the first message is an unknown number of turns.
        turn += (message.side != side) + (left_out if number == 1 else 0)
        side = message.side
        yield Message(
            message.index, turn, message.role, message.parts, message.is_whole
        )


def _tools(shape: Json) -> Iterator[OfferedTool]:
    for tool in map(_mapping, _list(shape.get("tools"))[:TOOLS]):
        name = _text(tool.get("name"))
        yield OfferedTool(
            name="" if name.startswith("[") else name,
            type=_text(tool.get("type")),
            schema=_schema(tool.get("schema")),
            description_length=_number(tool.get("description_length")),
            strict=tool.get("strict") is True,
            length=(_number(tool.get("description_length")) or 0)
            + (_number(tool.get("schema_length")) or 0),
        )


def _by_call(request: Request, *, results: bool) -> dict[int, list[Message]]:
    found: dict[int, list[Message]] = {}
    for message, part in request.parts:
        if part.call is not None and part.is_result is results:
            found.setdefault(part.call, []).append(message)
    return found


def _schema(value: Any) -> Json | None:
    return value if _is_schema(value) else None


def _mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
