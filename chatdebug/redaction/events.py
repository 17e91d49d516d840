"""Bodies that are a sequence of documents: event streams, lines of JSON, arrays of chunks."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from chatdebug.redaction.fragments import redact_across
from chatdebug.redaction.text import redact_text
from chatdebug.redaction.values import dump, redact_json

LINE_ENDS = re.compile(r"(\r\n|\n|\r|\x1e)")
FIELD = re.compile(r"\w{0,20}: ?")
STREAM = re.compile(
    r"[\s\ufeff]*(?:(?:data|event|id|retry)?: |(?:data|event):|\w{1,2}:[\"{\[])"
)
"""How event streams begin, and others that put a letter or a digit before their JSON."""
JSON_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+("?)|[{}\[\]]', re.DOTALL)
HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$")
HALF_ITEM = re.compile(r',?\s*(?:"(?:[^"\\]|\\.)*+"\s*:?\s*|[\w.+-]*)$')
LEADING = re.compile(r"[\s,\ufeff]*(?=[{\[])")
DECODER = json.JSONDecoder()
ITEM_CHARACTERS = 400
"""How far back half an item of a JSON document is looked for."""
CLOSING = {"{": "}", "[": "]"}


@dataclass(slots=True)
class Document:
    """One document of a stream: the lines it stands in, and its value in a list."""

    first: int
    last: int
    field: str
    """What stands before the value on its line."""
    raw: str
    box: list[Any]
    is_json: bool
    is_whole: bool = True


def redact_events(text: str, *, unsure: int = 0) -> str:
    """Return a stream of events or lines without secrets, also those cut over several.

    An event that changes is written anew, all others stay byte for byte. What is no JSON
    is redacted as text, together with what stands around it. ``unsure``: how many
    characters of each text are hidden, because what stood before them is not known.
    """
    pieces = LINE_ENDS.split(text)
    documents = _documents(pieces)
    redact_once = cache(redact_text)  # most texts come again with each event
    torn = {
        number
        for number, document in enumerate(documents)
        if not (document.is_json and document.is_whole)
    }
    changed = redact_across(
        [document.box for document in documents],
        _redact_joined,
        torn=torn if len(torn) < len(documents) else frozenset(),
        unsure=unsure,
    )
    for number, document in enumerate(documents):
        kept = _kept(document, redact_once, is_changed=number in changed)
        if kept != document.raw:
            pieces[document.first] = document.field + kept
            for index in range(document.first + 1, document.last + 1):
                pieces[index] = ""
    return "".join(pieces)


def redact_json_body(text: str) -> str:
    """Return a body that is JSON, or was to be, without secrets; others as text.

    An array, or several documents in a row, are a stream's chunks. Of a document that
    was cut, what can be read decides whether it stays as it came.
    """
    values = _values(text)
    if not values:
        return redact_text(text)
    is_chunks = len(values) > 1 or isinstance(values[0], list)
    chunks = values[0] if len(values) == 1 and is_chunks else values
    boxes = [[chunk] for chunk in chunks]
    redact = _redact_joined if is_chunks and len(chunks) > 1 else None
    changed = redact_across(boxes, redact)
    inner = [box[0] for box in boxes]
    redact_once = cache(redact_text)  # most texts come again with each chunk
    redacted = [redact_json(value, redact=redact_once) for value in inner]
    if not changed and redacted == inner:
        is_whole = len(values) == 1 and _parsed(text)[1]
        return text if is_whole else redact_text(text)
    if len(values) == 1 and is_chunks:
        return dump(redacted)
    return "\n".join(map(dump, redacted))


def _values(text: str) -> list[Any]:
    """Return the JSON values that a text consists of; nothing for any other text."""
    value, is_json = _parsed(text)
    if is_json:
        return [value]
    values: list[Any] = []
    start = LEADING.match(text)
    while start and start.end() < len(text):
        try:
            value, end = DECODER.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            value, is_json = _parsed(_closed(text[start.end() :]))
            return [*values, value] if is_json else values
        values.append(value)
        start = LEADING.match(text, end)
    return values if all(isinstance(value, dict | list) for value in values) else []


def is_stream(text: str) -> bool:
    """Return whether a text looks like a stream: events, or lines of which many are JSON."""
    if STREAM.match(text):
        return True
    lines = text.lstrip()[:20_000].split("\n", 2)
    return len(lines) > 1 and lines[0].startswith(("{", "[")) and _parsed(lines[0])[1]


def _documents(pieces: list[str]) -> list[Document]:
    documents: list[Document] = []
    event: list[Document] = []
    for index in range(0, len(pieces), 2):
        if pieces[index].strip():
            event.append(_document(index, pieces[index]))
        else:
            documents += _joined(event)
            event = []
    documents += _joined(event)
    for document in documents:
        if document.is_json:
            continue
        half = document.raw.strip()
        if half.startswith(("{", "[")):
            value, is_json = _parsed(_closed(half))  # read as far as it goes
            if is_json:
                document.box[:] = [value]
                document.is_json, document.is_whole = True, False
    return documents


def _document(index: int, line: str) -> Document:
    match = FIELD.match(line)
    field = match[0] if match else ""
    raw = line[len(field) :]
    value, is_json = _parsed(raw)
    if is_json:
        return Document(index, index, field, raw, [value], is_json=True)
    if not field.startswith("data"):  # a name before a value says what it is
        return Document(index, index, "", line, [{"line": line + "\n"}], is_json=False)
    return Document(index, index, field, raw, [{"data": raw}], is_json=False)


def _joined(event: list[Document]) -> list[Document]:
    """Return an event whose JSON goes over several lines as one document."""
    data = [document for document in event if document.field.startswith("data")]
    if len(data) < 2 or all(document.is_json for document in data):
        return event
    raw = "\n".join(document.raw for document in data)
    value, is_json = _parsed(raw)
    follow = all(two.first - one.last == 2 for one, two in pairwise(data))
    if not is_json or not follow:
        return event
    whole = Document(
        data[0].first, data[-1].last, data[0].field, raw, [value], is_json=True
    )
    return [*(document for document in event if document not in data), whole]


def _closed(text: str) -> str:
    """Return half a JSON document with what it lacks to be one."""
    stack: list[str] = []
    for match in JSON_TOKENS.finditer(text):
        token = match[0]
        if token in CLOSING:
            stack.append(CLOSING[token])
        elif token in ("}", "]"):
            if not stack or stack.pop() != token:
                return ""
        elif not match[1]:
            text = HALF_ESCAPE.sub("", text) + '"'
    closing = "".join(reversed(stack))
    head, tail = text[:-ITEM_CHARACTERS], text[-ITEM_CHARACTERS:]
    without = head + HALF_ITEM.sub("", tail)
    for start in (text, f"{text}:null", f"{text}null", without):
        if _parsed(start + closing)[1]:
            return start + closing
    return ""


def _parsed(raw: str) -> tuple[Any, bool]:
    """Return a JSON value that may hold text, else the text itself; and which it is."""
    if raw.lstrip()[:1] in ("{", "[", '"'):
        try:
            return DECODER.decode(raw), True
        except (ValueError, RecursionError):
            pass
    return raw, False


def _redact_joined(text: str) -> str:
    """Return text that is redacted as JSON if it is some, as the arguments of tools are."""
    value, is_json = _parsed(text)
    if is_json and isinstance(value, dict | list):
        redacted = redact_json(value)
        text = text if redacted == value else dump(redacted)
    return redact_text(text)


def _kept(document: Document, redact: Callable[[str], str], *, is_changed: bool) -> str:
    if document.is_json and (document.is_whole or is_changed):
        value = document.box[0]
        redacted = redact_json(value, redact=redact)
        return dump(redacted) if is_changed or redacted != value else document.raw
    if is_changed:
        (text,) = document.box[0].values()
        return redact_text(text.removesuffix("\n"))
    return redact_text(document.raw)
