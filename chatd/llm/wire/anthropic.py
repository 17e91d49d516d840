"""Reads streams of Anthropic's messages, also those that only resemble them."""

from collections.abc import Mapping
from typing import Any

from chatd.llm.wire.errors import is_error, reported
from chatd.llm.wire.finish_reasons import ANTHROPIC_WORDS, NOTHING, meaning_of, plain
from chatd.llm.wire.protocol import (
    Reading,
    decoded,
    encoded,
    is_count,
    number,
    unreadable_event,
)
from chatd.llm.wire.server_events import ServerEvent
from chatdebug.errors import FinishReasonError, UnreadableStreamError

COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
TEXT_EVENTS = ("content_block_start", "content_block_delta", "content_block_stop")
OWN_WORDS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "refusal",
    "compaction",
    "model_context_window_exceeded",
)
"""The stop reasons that the SDK knows by themselves."""
OVER = ServerEvent("message_stop", b'{"type": "message_stop"}')


class AnthropicWire:
    """The protocol of ``/v1/messages``."""

    def read(self, event: ServerEvent, headers: Mapping[str, str]) -> Reading:
        """Return what an event comes to. Never raises."""
        if event.name == "ping" or event.data.lstrip().startswith(b"[DONE]"):
            return Reading()
        try:
            value = decoded(event.data)
        except UnreadableStreamError as error:
            return Reading(failure=error)
        if not isinstance(value, dict):
            failure = (
                reported(value, headers=headers)
                if is_error(value)
                else unreadable_event("is no object")
            )
            return Reading(failure=failure)
        name = value.get("type")
        name = name if isinstance(name, str) else event.name
        if name == "error" or event.name == "error" or value.get("error"):
            return Reading([encoded("error", value)])  # the SDK raises it
        return self._read_named(name, value, event)

    def is_part(self, value: Any) -> bool:
        """Return whether a JSON value is the event that a stream begins with."""
        return isinstance(value, dict) and value.get("type") == "message_start"

    def whole(self, value: Any) -> list[ServerEvent]:
        """Return a whole message as the events of a stream; none if it is none."""
        if not isinstance(value, dict) or value.get("type") != "message":
            return []
        blocks = value.get("content")
        if not isinstance(blocks, list):
            return []
        start = {**value, "content": [], "stop_reason": None, "stop_sequence": None}
        events = [encoded("message_start", {"type": "message_start", "message": start})]
        for index, block in enumerate(b for b in blocks if isinstance(b, dict)):
            for name in ("content_block_start", "content_block_stop"):
                fields = {"type": name, "index": index, "content_block": block}
                events.append(encoded(name, fields))
        reason = value.get("stop_reason") or "end_turn"  # it is whole
        delta = {"stop_reason": reason, "stop_sequence": None}
        fields = {
            "type": "message_delta",
            "delta": delta,
            "usage": value.get("usage") or {},
        }
        return [*events, encoded("message_delta", fields), OVER]

    def ending(self, *, is_cut: bool) -> list[ServerEvent]:
        """Return what ends a stream whose own end did not come."""
        if not is_cut:
            return [OVER]
        delta = {"stop_reason": "max_tokens", "stop_sequence": None}
        fields = {
            "type": "message_delta",
            "delta": delta,
            "usage": {"output_tokens": 0},
        }
        return [encoded("message_delta", fields), OVER]

    def _read_named(
        self, name: str, value: dict[str, Any], event: ServerEvent
    ) -> Reading:
        match name:
            case "message_start":
                message = value.get("message")
                if not isinstance(message, dict):
                    value["message"] = message = {
                        "type": "message",
                        "role": "assistant",
                    }
                changed = _mend_usage(message, ("input_tokens", "output_tokens"))
                for fact, default in (("id", ""), ("model", ""), ("content", [])):
                    if not isinstance(message.get(fact), type(default)):
                        message[fact], changed = default, True
                return Reading([_event(name, value, event, changed=changed)])
            case "message_delta":
                return _read_delta(value, event)
            case "message_stop":
                return Reading([OVER], is_over=True)
            case _ if name in TEXT_EVENTS:
                passed = _event(name, value, event, changed=False)
                return Reading([passed], has_text=name == "content_block_delta")
            case _:
                return Reading()  # of a newer protocol, or a gateway's own


def _read_delta(value: dict[str, Any], event: ServerEvent) -> Reading:
    changed = False
    if not isinstance(value.get("delta"), dict):
        value["delta"], changed = {}, True
    changed |= _mend_usage(value, ("output_tokens",))
    delta = value["delta"]
    word = delta.get("stop_reason")
    if word is None or plain(str(word)) in NOTHING:
        delta["stop_reason"] = None
        return Reading([encoded("message_delta", value)])
    meaning = meaning_of(str(word))
    if word not in OWN_WORDS:
        delta["stop_reason"] = ANTHROPIC_WORDS[meaning] if meaning else None
        changed = True
    return Reading(
        [_event("message_delta", value, event, changed=changed)],
        is_finished=meaning is not None,
        failure=None if meaning is not None else FinishReasonError(str(word)),
    )


def _event(
    name: str, value: dict[str, Any], event: ServerEvent, *, changed: bool
) -> ServerEvent:
    if changed or event.name != name or value.get("type") != name:
        return encoded(name, {**value, "type": name})
    return encoded(name, value) if b"\n" in event.data else event


def _mend_usage(owner: dict[str, Any], needed: tuple[str, ...]) -> bool:
    """Leave counts in a usage; return whether it changed."""
    usage = owner.get("usage")
    if isinstance(usage, dict) and all(is_count(usage.get(name)) for name in COUNTS):
        missing = [name for name in needed if usage.get(name) is None]
        usage.update(dict.fromkeys(missing, 0))
        return bool(missing)
    given = usage if isinstance(usage, dict) else {}
    owner["usage"] = {name: number(given.get(name)) for name in COUNTS} | {
        name: number(given.get(name)) or 0 for name in needed
    }
    return True
