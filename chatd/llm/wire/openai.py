"""Reads streams of OpenAI's chat completions, also those that only resemble them."""

from collections.abc import Mapping
from typing import Any

from chatd.llm.wire.errors import is_error, reported
from chatd.llm.wire.finish_reasons import NOTHING, OPENAI_WORDS, meaning_of, plain
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

DONE = ServerEvent("", b"[DONE]")
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
DETAILS = ("prompt_tokens_details", "completion_tokens_details")
TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


class OpenAIWire:
    """The protocol of ``/chat/completions``."""

    def read(self, event: ServerEvent, headers: Mapping[str, str]) -> Reading:
        """Return what an event comes to. Never raises."""
        if event.data.lstrip().startswith(b"[DONE]"):
            return Reading([DONE], is_over=True)
        try:
            chunk = decoded(event.data)
        except UnreadableStreamError as error:
            return Reading(failure=error)
        if isinstance(chunk, dict) and chunk.get("error"):
            return Reading([encoded("", chunk)])  # the SDK raises it
        if event.name == "error" or is_error(chunk):
            return Reading(failure=reported(chunk, headers=headers))
        if not isinstance(chunk, dict):
            return Reading(failure=unreadable_event("is no object"))
        return self._read_chunk(chunk, event, headers)

    def is_part(self, value: Any) -> bool:
        """Return whether a JSON value is a chunk that others follow."""
        if not isinstance(value, dict):
            return False
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            return False
        if plain(str(choice.get("finish_reason"))) not in NOTHING:
            return False
        is_chunk = value.get("object") == "chat.completion.chunk"
        return is_chunk or isinstance(choice.get("delta"), dict)

    def whole(self, value: Any) -> list[ServerEvent]:
        """Return a whole completion as the events of a stream; none if it is none."""
        choices = value.get("choices") if isinstance(value, dict) else None
        if not isinstance(choices, list) or not choices:
            return []
        choice = choices[0]
        if not isinstance(choice, dict) or not _words_of(choice):
            return []
        if plain(str(choice.get("finish_reason"))) in NOTHING:
            choice = {**choice, "finish_reason": "stop"}  # it is whole
        chunk = {**value, "object": "chat.completion.chunk", "choices": [choice]}
        return [encoded("", chunk), DONE]

    def ending(self, *, is_cut: bool) -> list[ServerEvent]:
        """Return what ends a stream whose own end did not come."""
        if not is_cut:
            return [DONE]
        choice = {"index": 0, "delta": {}, "finish_reason": "length"}
        return [encoded("", {"choices": [choice], **NAMELESS}), DONE]

    def _read_chunk(
        self, chunk: dict[str, Any], event: ServerEvent, headers: Mapping[str, str]
    ) -> Reading:
        changed = _mend_facts(chunk)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            if choices is not None and choices != []:
                chunk["choices"], changed = [], True
            return Reading([_event(chunk, event, changed=changed)])
        choice = choices[0]
        if not isinstance(choice, dict):
            return Reading(failure=unreadable_event("has a choice that is no object"))
        if choice.get("error"):
            return Reading(
                failure=reported({"error": choice["error"]}, headers=headers)
            )
        changed |= _mend_delta(choice)
        word = choice.get("finish_reason")
        if word is None or plain(str(word)) in NOTHING:
            changed |= word is not None
            choice["finish_reason"] = None
            passed = _event(chunk, event, changed=changed)
            return Reading([passed], has_text=_has_text(choice["delta"]))
        meaning = meaning_of(str(word))
        spoken = OPENAI_WORDS[meaning] if meaning is not None else None
        if spoken != word and word != "function_call":
            choice["finish_reason"], changed = spoken, True
        return Reading(
            [_event(chunk, event, changed=changed)],
            has_text=_has_text(choice["delta"]),
            is_finished=meaning is not None,
            failure=None if meaning is not None else FinishReasonError(str(word)),
        )


NAMELESS = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}


def _event(chunk: dict[str, Any], event: ServerEvent, *, changed: bool) -> ServerEvent:
    if changed or event.name or b"\n" in event.data:
        return encoded("", chunk)
    return event


def _words_of(choice: dict[str, Any]) -> Any:
    """Return what a choice says, under any of the names that servers use."""
    for name in ("delta", "message"):
        if isinstance(choice.get(name), dict):
            return choice[name]
    text = choice.get("text")
    return {"content": text} if isinstance(text, str) else None


def _has_text(delta: dict[str, Any]) -> bool:
    return bool(delta.get("tool_calls")) or any(delta.get(name) for name in TEXTS)


def _mend_delta(choice: dict[str, Any]) -> bool:
    """Leave in a choice's delta only what the SDK can read; return whether it changed."""
    delta = choice.get("delta")
    changed = False
    if not isinstance(delta, dict):
        delta = choice["delta"] = _words_of(choice) or {}
        changed = True
    for name in TEXTS:
        value = delta.get(name)
        is_list = name == "content" and isinstance(value, list)
        if value is not None and not isinstance(value, str) and not is_list:
            delta[name], changed = None, True
    calls = delta.get("tool_calls")
    are_calls = isinstance(calls, list) and all(
        isinstance(call, dict) and isinstance(call.get("function"), dict | None)
        for call in calls
    )
    if calls is not None and not are_calls:
        delta["tool_calls"], changed = None, True
    return changed


def _mend_facts(chunk: dict[str, Any]) -> bool:
    """Mend what a chunk says about itself; return whether it changed."""
    changed = False
    created = chunk.get("created")
    if created is not None and not (
        type(created) in (int, float) and 0 <= created < 2**36
    ):
        chunk["created"], changed = 0, True
    for name in ("id", "model"):
        value = chunk.get(name)
        if value is not None and not isinstance(value, str):
            chunk[name], changed = "", True
    usage = chunk.get("usage")
    if usage is not None and not _is_usage(usage):
        chunk["usage"], changed = _mended_usage(usage), True
    return changed


def _is_usage(usage: Any) -> bool:
    if not isinstance(usage, dict) or not all(is_count(usage.get(n)) for n in COUNTS):
        return False
    for name in DETAILS:
        details = usage.get(name)
        if details is None:
            continue
        if not isinstance(details, dict) or not all(map(is_count, details.values())):
            return False
    return any(usage.get(name) is not None for name in COUNTS)


def _mended_usage(usage: Any) -> dict[str, Any] | None:
    """Return the counts of a usage that can be read, or None if there are none."""
    if not isinstance(usage, dict):
        return None
    counts = {name: number(usage.get(name)) for name in COUNTS}
    if all(value is None for value in counts.values()):
        return None
    mended: dict[str, Any] = {name: value or 0 for name, value in counts.items()}
    for name in DETAILS:
        details = usage.get(name)
        if isinstance(details, dict):
            mended[name] = {
                key: count
                for key, value in details.items()
                if (count := number(value)) is not None
            }
    return mended
