"""The parts of pydantic-ai's messages as they are stored: dicts with a ``type``.

Parts are told apart by ``part_kind`` and contents by ``kind``, so that pydantic-ai, whose
import takes half a second, need not be imported. ``PARTS`` at the end says which function
reads which kind; a test lists what is left out of each.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass, replace
from itertools import islice
from typing import Any

from chatdebug.payloads.json import as_name, as_text
from chatdebug.payloads.limits import (
    CONTENTS,
    PARSED_CHARACTERS,
    SOURCES,
)
from chatdebug.payloads.text import TextBudget, clip_url
from chatdebug.redaction import redact_fragments, redact_json

type Part = dict[str, Any]

MEDIA_KINDS = frozenset(
    {"image-url", "audio-url", "video-url", "document-url", "binary", "uploaded-file"}
)
SYSTEM_PARTS = frozenset(
    {
        "system-prompt",
        "instruction",
        "instruction-delta",
        "instruction-baseline",
        "tool-availability-delta",
        "capability-load-delta",
        "model-settings-delta",
    }
)


def role_of(part: Any) -> str:
    """Return whose words a part of a request is: system, tool or user."""
    kind = getattr(part, "part_kind", "")
    if kind in SYSTEM_PARTS:
        return "system"
    if kind == "tool-return" or (kind == "retry-prompt" and part.tool_name):
        return "tool"
    return "user"


def normalise_part(part: Any, budget: TextBudget) -> list[Part]:
    """Return what is kept of one part: usually one dict, none for a mere marker.

    Never raises: a part that cannot be read is recorded as that.
    """
    kind = getattr(part, "part_kind", "")
    try:
        return PARTS.get(kind, _unknown)(part, budget)
    except Exception as error:  # noqa: BLE001 - one bad part does not cost the others
        note = f"chatdebug: could not normalise this part: {type(error).__name__}"
        return [{"type": as_name(kind) or type(part).__name__, "error": note}]


def without_split_secrets(parts: Sequence[Any]) -> Sequence[Any]:
    """Return a message's parts without secrets that are divided over several of them."""
    if len(parts) < 2:
        return parts
    # The texts of one kind are read as one: an answer is not its reasoning gone on.
    kinds: dict[str, list[int]] = {}
    try:
        for index, part in enumerate(parts):
            if _plain_text(part):
                kinds.setdefault(part.part_kind, []).append(index)
        result = list(parts)
        for places in kinds.values():
            texts = [_plain_text(parts[index]) for index in places]
            kept = redact_fragments(texts)
            if kept is not texts:
                for index, text in zip(places, kept, strict=True):
                    result[index] = replace(parts[index], content=text)
    except Exception:  # noqa: BLE001 - one bad part does not cost the others
        return parts
    return result


def _plain_text(part: Any) -> str:
    try:
        content = part.content
    except Exception:  # noqa: BLE001 - the part's own code
        return ""
    return content if isinstance(content, str) and is_dataclass(part) else ""


def text_part(kind: str, content: Any, budget: TextBudget) -> Part:
    """Return a part that holds text; ``text_length`` counts the original characters."""
    text = content
    if not isinstance(text, str):
        text = "" if content is None else as_text(content)
    return {"type": kind, "text": budget.take(text), "text_length": len(text)}


def _plain(kind: str) -> Callable[[Any, TextBudget], list[Part]]:
    return lambda part, budget: [text_part(kind, part.content, budget)]


def _text(part: Any, budget: TextBudget) -> list[Part]:
    text = text_part("text", part.content, budget)
    if not part.citations:
        return [text]
    cited = (source for citation in part.citations for source in citation.sources)
    sources: dict[tuple[str, str], Part] = {}
    for source in islice(cited, SOURCES):
        url = clip_url(getattr(source, "url", None) or "")
        title = as_name(source.title or getattr(source, "document_id", None))
        sources[url, title] = {"type": "source", "title": title, "url": url}
    return [text, *sources.values()]


def _user_prompt(part: Any, budget: TextBudget) -> list[Part]:
    if isinstance(part.content, str):
        return [text_part("text", part.content, budget)]
    items = list(islice(part.content, CONTENTS))
    places = [index for index, item in enumerate(items) if isinstance(item, str)]
    texts = redact_fragments([items[index] for index in places])
    for index, text in zip(places, texts, strict=True):
        items[index] = text
    parts: list[Part] = []
    for item in items:
        kind = getattr(item, "kind", "")
        if kind in MEDIA_KINDS:
            parts.append(_media(item))
        elif kind != "cache-point":
            parts.append(text_part("text", getattr(item, "content", item), budget))
    if len(part.content) > CONTENTS:
        parts.append({"type": "left-out", "count": len(part.content) - CONTENTS})
    return parts


def arguments_text(arguments: Any) -> str:
    """Return a tool call's arguments as text, redacted by their JSON keys if they parse.

    A stream that was cut leaves half a document; that is evidence, and kept as text.
    """
    if arguments is None:
        return ""
    if not isinstance(arguments, str) or len(arguments) > PARSED_CHARACTERS:
        return as_text(arguments)
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    redacted = redact_json(parsed)
    return arguments if redacted == parsed else as_text(redacted)


def _thinking(part: Any, budget: TextBudget) -> list[Part]:
    # That there is a signature is structure; what it says only its provider knows.
    return [text_part("reasoning", part.content, budget) | {"signed": is_signed(part)}]


def is_signed(part: Any) -> bool:
    """Return whether a provider can tell that reasoning is its own."""
    return bool(getattr(part, "signature", None))


def _tool_call(part: Any, budget: TextBudget) -> list[Part]:
    arguments = arguments_text(part.args)
    return [
        {
            "type": "tool-call",
            "tool_call_id": as_name(part.tool_call_id),
            "tool_name": as_name(part.tool_name),
            "arguments": budget.tools.take(arguments),
            "input_length": len(arguments),
        }
    ]


def _tool_result(part: Any, budget: TextBudget) -> list[Part]:
    kind = getattr(part.content, "kind", "")
    if kind in MEDIA_KINDS:
        result = f"[media output: {_media(part.content)['media_type'] or kind}]"
    else:
        result = "" if part.content is None else as_text(part.content)
    return [
        {
            "type": "tool-result",
            "tool_call_id": as_name(part.tool_call_id),
            "tool_name": as_name(part.tool_name),
            "outcome": as_name(part.outcome),
            "result": budget.tools.take(result),
            "result_length": len(result),
        }
    ]


def _retry_prompt(part: Any, budget: TextBudget) -> list[Part]:
    retry = text_part("retry", part.content, budget)
    if part.tool_name:
        retry["tool_name"] = as_name(part.tool_name)
        retry["tool_call_id"] = as_name(part.tool_call_id)
    return [retry]


def _retry_feedback(part: Any, budget: TextBudget) -> list[Part]:
    retry = text_part("retry", part.content, budget)
    return [retry | {"cause": as_name(part.retry.cause), "attempt": part.retry.attempt}]


def _file(part: Any, budget: TextBudget) -> list[Part]:
    return [_media(part.content)]


def _media(item: Any) -> Part:
    """Return what a file was, never its bytes."""
    try:
        media_type = item.media_type
    except ValueError:  # pydantic-ai could not guess it from the URL
        media_type = ""
    media: Part = {"type": "file", "media_type": as_name(media_type)}
    if item.kind == "binary":
        media["size"] = len(item.data)
    elif item.kind == "uploaded-file":
        media["file_id"] = as_name(item.file_id)
    else:
        media["url"] = clip_url(item.url)
    return media


def _speech(part: Any, budget: TextBudget) -> list[Part]:
    speech = text_part("speech", part.transcript, budget)
    if part.audio is not None:
        speech["media_type"] = as_name(part.audio.media_type)
    return [speech]


def _names(kind: str, field: str) -> Callable[[Any, TextBudget], list[Part]]:
    return lambda part, budget: [
        {
            "type": kind,
            "names": [as_name(item) for item in getattr(part, field)[:CONTENTS]],
        }
    ]


def _settings_delta(part: Any, budget: TextBudget) -> list[Part]:
    return [text_part("model-settings-delta", dict(part.settings), budget)]


def _marker(part: Any, budget: TextBudget) -> list[Part]:
    return []


def _unknown(part: Any, budget: TextBudget) -> list[Part]:
    kind = getattr(part, "part_kind", None) or type(part).__name__
    return [{"type": as_name(kind)}]


PARTS: dict[str, Callable[[Any, TextBudget], list[Part]]] = {
    "text": _text,
    "thinking": _thinking,
    "system-prompt": _plain("text"),
    "user-prompt": _user_prompt,
    "instruction": _plain("instructions"),
    "instruction-delta": _plain("instructions"),
    "instruction-baseline": _marker,
    "tool-call": _tool_call,
    "builtin-tool-call": _tool_call,
    "tool-return": _tool_result,
    "builtin-tool-return": _tool_result,
    "retry-prompt": _retry_prompt,
    "retry-feedback": _retry_feedback,
    "compaction": _plain("compaction"),
    "file": _file,
    "speech": _speech,
    "tool-availability-delta": _names("tool-availability-delta", "tools_added"),
    "capability-load-delta": _names("capability-load-delta", "loaded"),
    "model-settings-delta": _settings_delta,
}
