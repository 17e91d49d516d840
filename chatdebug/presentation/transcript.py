"""What a model was asked and what it answered, as people read it.

The shapes are those of ``chatdebug.payloads``. What is of another shape, because it is of
another release or came from elsewhere, is shown as JSON; each key of a part that has no
place of its own here is shown beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.formats import pretty
from chatdebug.models import ChatStep
from chatdebug.presentation.bodies import decoded_json
from chatdebug.presentation.payloads import Payload
from chatdebug.presentation.values import as_dict, as_list, as_number, as_text

OPEN_MESSAGES = 2
"""The last ones of a request are open: there is what the model had to answer."""
KINDS = {
    "text": _("Text"),
    "reasoning": _("Reasoning"),
    "instructions": _("Instructions"),
    "retry": _("Asked to try again"),
    "speech": _("Speech"),
    "compaction": _("Compaction"),
    "tool-call": _("Tool call"),
    "tool-result": _("Tool result"),
    "file": _("File"),
    "source": _("Source"),
    "left-out": _("Left out"),
}
ROLES = {
    "system": _("System"),
    "user": _("User"),
    "assistant": _("Assistant"),
    "tool": _("Tool"),
    "developer": _("Developer"),
}
BODIES = {"text": "text_length", "arguments": "input_length", "result": "result_length"}
"""The key of a part's text, and the key of how many characters it had when it was whole."""
WORDS = frozenset({"text", "reasoning", "instructions", "retry", "speech"})
"""Kinds of parts that are somebody's words, and not for machines."""
SELF_EVIDENT = frozenset({"tool_call_id", "media_type", "outcome", "title", "url"})
"""Keys of a part whose values need no name."""
TOO_LONG = frozenset({"length", "max_tokens", "incomplete", "max_output_tokens"})
BLOCKED = frozenset({"content_filter", "refusal"})
"""Finish reasons of an answer that did not end by itself."""
ANSWER_KEYS: dict[str, type] = {
    "content": list,
    "usage": dict,
    **dict.fromkeys(("finish_reason", "state", "model", "response_id"), str),
}
"""Keys of an answer that have a place of their own here, if they are of these types."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: words, a tool's call or its result, a file."""

    kind: str
    heading: str
    facts: list[str]
    """What stands beside the heading, such as the id of a call."""
    payloads: list[Payload]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a request."""

    number: int
    """In the request as it was sent, from 1."""
    role: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Pill:
    """Small things under one word with their number: tools, options, usage."""

    name: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.rows) + len(self.payloads)


@dataclass(frozen=True, slots=True)
class Request:
    """What a model was asked: what was said, and by which settings."""

    messages: list[Message]
    left_out: int
    """How many messages after the first one the recorder did not keep."""
    options: list[tuple[str, str]]
    tools: list[Payload]

    @classmethod
    def of(cls, step: ChatStep) -> "Request":
        """Read what was sent of a step; one of no known shape is a message as it is."""
        request = _request(step)
        messages = list(_messages(request))
        if step.normalized_request and not request:
            messages = [Message(1, "", [_as_is(step.normalized_request)])]
        return cls(
            messages=messages,
            left_out=_left_out(request),
            options=_rows(_options(request)),
            tools=_tools(request),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        return not (self.messages or self.options or self.tools)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A step, opened: what went in and what came out."""

    earlier: list[Message]
    latest: list[Message]
    left_out: int
    """How many messages after the first one the recorder did not keep."""
    answer: list[Part] | None
    """Empty if nothing came; None if no answer was recorded."""
    answer_facts: list[str]
    warnings: list[str]
    pills: list[Pill]
    others: list[Payload]
    """What has no place above."""

    @classmethod
    def of(cls, step: ChatStep) -> "Transcript":
        """Read a step with its payloads, whatever they hold."""
        request, answer = _request(step), _answer(step)
        messages = list(_messages(request))
        return cls(
            earlier=messages[:-OPEN_MESSAGES],
            latest=messages[-OPEN_MESSAGES:],
            left_out=_left_out(request),
            answer=None
            if answer is None
            else [_part(one) for one in answer["content"]],
            answer_facts=list(_answer_facts(answer or {})),
            warnings=list(_warnings(step, answer or {})),
            pills=[pill for pill in _pills(step, request, answer) if pill.count],
            others=list(_others(step, request, answer)),
        )

    @property
    def message_count(self) -> int:
        """How many messages there are to be shown."""
        return len(self.earlier) + len(self.latest)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        shown = (self.latest, self.warnings, self.pills, self.others)
        return self.answer is None and not any(shown)


def _request(step: ChatStep) -> dict[str, Any]:
    """Return a request of the shape that is known here; an empty one for any other."""
    request = as_dict(step.normalized_request)
    return request if isinstance(request.get("messages"), list) else {}


def _answer(step: ChatStep) -> dict[str, Any] | None:
    """Return an answer of the shape that is known here; None for any other."""
    answer = as_dict(step.normalized_response)
    return answer if isinstance(answer.get("content"), list) else None


def _left_out(request: dict[str, Any]) -> int:
    return as_number(request.get("messages_left_out")) or 0


def _messages(request: dict[str, Any]) -> Iterator[Message]:
    left_out = _left_out(request)
    for index, stored in enumerate(as_list(request.get("messages"))):
        message = as_dict(stored)
        role, parts = message.get("role"), message.get("parts")
        is_known = message.keys() == {"role", "parts"} and isinstance(parts, list)
        yield Message(
            # The first one is kept, and those after it are left out.
            number=index + 1 + (left_out if index else 0),
            role=str(ROLES.get(as_text(role), as_text(role))),
            parts=[_part(one) for one in as_list(parts)]
            if is_known
            else [_as_is(stored)],
        )


def _as_is(stored: Any) -> Part:
    """Return what is no part as the text that it is, or as JSON."""
    is_text = isinstance(stored, str)
    shown = Payload("", stored, is_code=False) if is_text else Payload.of("", stored)
    return Part("other", "", [], [shown])


def _part(stored: Any) -> Part:
    """Return a part of a message."""
    part = dict(as_dict(stored))
    kind = part.pop("type", None)
    if not isinstance(kind, str):
        return _as_is(stored)
    payloads = list[Payload]()
    for key, length in BODIES.items():
        if isinstance(part.get(key), str):
            payloads += _words(kind, part.pop(key), part.pop(length, None))
    name = part.pop("tool_name", "")
    label = str(KINDS.get(kind, kind))
    nested = {key: part[key] for key in part if isinstance(part[key], dict | list)}
    if nested:
        payloads.append(Payload.of("", nested))
    return Part(
        kind=kind,
        heading=f"{label}: {name}" if name else label,
        facts=[
            _fact(key, value)
            for key, value in part.items()
            if key not in nested and value not in (None, "")
        ],
        payloads=payloads,
    )


def _words(kind: str, text: str, length: Any) -> list[Payload]:
    """Return the words of a part, and what is missing of them; nothing for none."""
    characters = as_number(length) or 0
    is_cut = characters > len(text)
    cut = gettext("cut: %s characters in all") % f"{characters:,}" if is_cut else ""
    if not text and not cut:
        return []
    if kind in WORDS:
        return [Payload("", text, cut, is_code=False)]
    found = decoded_json(text)
    laid_out, decoded = found or (text, "")
    note = "; ".join(filter(None, (cut, decoded)))
    return [Payload("", laid_out, note, is_json=found is not None)]


def _fact(key: str, value: Any) -> str:
    if key in SELF_EVIDENT:
        return str(value)
    if key == "size":
        return gettext("%s bytes") % _shown(value)
    return f"{_name(key)}: {_shown(value)}"


def _name(key: str) -> str:
    return key.replace("_", " ")


def _shown(value: Any) -> str:
    """Return a small value in words, and a nested one as JSON."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if type(value) is int else pretty(value)


def _answer_facts(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what is known of an answer besides its parts."""
    names = {
        "finish_reason": gettext("finish reason"),
        "model": gettext("model"),
        "response_id": gettext("id"),
    }
    for key, name in names.items():
        if value := as_text(answer.get(key)):
            yield f"{name}: {value}"
    state = as_text(answer.get("state"))
    if state not in ("", "complete"):
        yield gettext("state: %s") % state


def _warnings(step: ChatStep, answer: dict[str, Any]) -> Iterator[str]:
    """Yield what was odd about a call, though it may have gone well."""
    reason = as_text(answer.get("finish_reason"))
    if reason in TOO_LONG:
        yield gettext("The answer ended at its longest length, not by itself.")
    if reason in BLOCKED:
        yield gettext("The provider ended the answer because of what is in it.")
    for note in as_list(as_dict(step.metadata).get("notes")):
        yield _shown(note)


def _pills(
    step: ChatStep, request: dict[str, Any], answer: dict[str, Any] | None
) -> Iterator[Pill]:
    yield Pill(gettext("Tools"), payloads=_tools(request))
    yield Pill(gettext("Options"), _rows(_options(request)))
    # An answer's own count is the same, unless a step was retried.
    usage = {**as_dict((answer or {}).get("usage")), **as_dict(step.usage)}
    yield Pill(gettext("Usage"), _rows(usage))


def _tools(request: dict[str, Any]) -> list[Payload]:
    return [_tool(tool) for tool in as_list(request.get("tools"))]


def _tool(stored: Any) -> Payload:
    tool = dict(as_dict(stored))
    name = tool.pop("name", None)
    if not isinstance(name, str):
        return Payload.of("", stored)
    if tool.get("input_schema"):  # then that there is one is not worth a line
        tool.pop("has_input_schema", None)
    return Payload.of(name, {key: tool[key] for key in tool if tool[key]})


def _options(request: dict[str, Any]) -> dict[str, Any]:
    """Return all of a request but its messages and its tools."""
    options, tools = request.get("options"), request.get("tools")
    read = {"messages"}
    read |= {"messages_left_out"} if _left_out(request) else set()
    read |= {"options"} if isinstance(options, dict) else set()
    read |= {"tools"} if isinstance(tools, list) else set()
    others = {key: value for key, value in request.items() if key not in read}
    return {**as_dict(options), **others}


def _rows(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and values in words, without those that say nothing."""
    return [
        (_name(key), _shown(value))
        for key, value in values.items()
        if value or value is False or isinstance(value, float)
    ]


def _others(
    step: ChatStep, request: dict[str, Any], answer: dict[str, Any] | None
) -> Iterator[Payload]:
    """Yield what was recorded and is nowhere else."""
    if step.normalized_request and not request:
        yield Payload.of(gettext("Request"), step.normalized_request)
    if step.normalized_response and answer is None:
        yield Payload.of(gettext("Response"), step.normalized_response)
    further = {
        key: value
        for key, value in (answer or {}).items()
        if value is not None and not isinstance(value, ANSWER_KEYS.get(key, ()))
    }
    if further:
        yield Payload.of(gettext("Further fields of the response"), further)
    if step.usage and not isinstance(step.usage, dict):
        yield Payload.of(gettext("Usage"), step.usage)
    if isinstance(step.metadata, dict):
        if isinstance(shape := step.metadata.get("shape"), dict):
            yield Payload.of(gettext("Shape of the request"), shape)
        if isinstance(changed := step.metadata.get("changed"), dict):
            yield Payload.of(
                gettext("What changed since the last call that went well"), changed
            )
        shown = {
            "notes": list,
            "repaired_error": dict,
            "interrupted_by": str,
            "shape": dict,
            "changed": dict,
            "evidence": str,
        }
        notes = {
            key: value
            for key, value in step.metadata.items()
            if value and not isinstance(value, shown.get(key, ()))
        }
    else:
        notes = step.metadata
    if notes:
        yield Payload.of(gettext("Notes of the recorder"), notes)
