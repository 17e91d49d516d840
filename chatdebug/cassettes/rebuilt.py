"""Answers of which no byte was kept, made again of what is known of the error.

They have what the classification looks at: status, content type, codes, the provider's
words, how far a stream had come and how it ended. The rest of them is made up.
"""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from chatdebug.cassettes.cassette import Answer, End, Piece
from chatdebug.cassettes.events import (
    Protocol,
    beginning,
    encoded,
    filler,
    finish,
    garbled,
    reported,
    words,
)
from chatdebug.errors.payload import ErrorPayload

SUCCESS = 200
REDIRECTION = 300
MOST_CHARACTERS = 1024 * 1024
"""Of a body that is padded to its length."""
PAD = 64
STREAM = "text/event-stream"
BODY = re.compile(r"(?:\bbody: |^|- )(?P<body>[{\[].*)\Z", re.DOTALL)
"""Where an SDK prints the body that it got, in the text of its exception."""
QUOTED = re.compile(r"'([^']{1,80})'")
LENGTH = re.compile(r"but ([\d,]{1,12}) characters of text")
KEYS = re.compile(r"but an object with the keys (.+)\Z")
LEFT_OUT = re.compile(r"\[[\d,]{1,20} (?:characters|bytes) left out of [\d,]{1,20}\]")
LEFT_OUT_VALUE = re.compile(
    r"\[(?P<kind>text|object|list) of (?P<length>[\d,]{1,12}) characters\]"
)
"""What stands in an error for what it quoted of a prompt or an answer."""
BRACKETS = {"object": ("{", "}"), "list": ("[", "]")}
UNREADABLE = frozenset({"DecodingError", "ContentDecodingError", "DecodeError"})
TIMED_OUT = re.compile(r"\w*(?:Silence|Time(?:d)?[oO]ut)\w*")
BROKEN = frozenset(
    {"ReadError", "WriteError", "ConnectionResetError", "RemoteProtocolError"}
)
WITHOUT_WRAPPER = frozenset({"detail", "object", "error", "errors"})
"""Keys of a body that was not inside of an ``error`` when the SDK printed it."""


def rebuilt_answer(
    error: ErrorPayload, *, protocol: Protocol, model: str, is_stream: bool
) -> Answer:
    """Return an answer after which a client fails with that error."""
    types = {link["type"] for link in error["chain"]} | {error["type"]}
    status = error["response"].get("status") or error["status_code"]
    content_type = error["response"].get("content_type", "")
    if status is None and types & BROKEN:
        return Answer(status=None, end=End.RESET)
    if status is None and any(map(TIMED_OUT.fullmatch, types)):
        return Answer(status=None, end=End.NEVER)
    is_event = content_type.startswith(STREAM) or status is None
    if status is not None and status >= REDIRECTION and not is_event:
        return Answer(
            status=status,
            headers=_headers(error, content_type or "application/json"),
            body=_error_body(error, content_type),
        )
    if types & UNREADABLE:
        return _undecodable(error)
    if not is_event and error["response"].get("length") != 0:
        return Answer(
            status=status or SUCCESS,
            headers=_headers(error, content_type),
            body=(Piece(_page(error, content_type).encode()),),
        )
    headers = _headers(error, content_type or STREAM)
    if not is_stream:
        return Answer(status=SUCCESS, headers=headers)
    text = "".join(_events(error, protocol, model))
    return Answer(
        status=SUCCESS,
        headers=headers,
        body=(Piece(text.encode()),) if text else (),
        end=End.NEVER if any(map(TIMED_OUT.fullmatch, types)) else End.WHOLE,
    )


def _headers(error: ErrorPayload, content_type: str) -> dict[str, str]:
    headers = {"content-type": content_type} if content_type else {}
    if server := error["response"].get("server"):
        headers["server"] = server
    if error["request_id"]:
        headers["x-request-id"] = error["request_id"]
    if wait := error["retry_after_ms"]:
        headers["retry-after"] = str(max(wait // 1000, 1))
    return headers


def _error_body(error: ErrorPayload, content_type: str) -> tuple[Piece, ...]:
    """Return the body of an HTTP error, as long as it was where that is known."""
    length = error["response"].get("length")
    if length == 0:
        return ()
    if (printed := _printed(error)) is not None:
        return (Piece(json.dumps(_wrapped(printed), ensure_ascii=False).encode()),)
    detail = LEFT_OUT.split(error["detail"])[0]
    if not detail or detail == error["message"]:
        return (Piece(_markup(length or PAD).encode()),)
    if "json" not in content_type:
        return (Piece(encoded(_filled(detail), content_type)),)
    if error["error_type"] or error["error_code"] or detail != error["detail"]:
        was_cut = detail != error["detail"]
        return tuple(_reason(error, detail, length=length or 0 if was_cut else 0))
    # What is no object has been sent as it is, or as a string of JSON.
    is_bare = length is not None and len(detail.encode()) == length
    return (Piece((detail if is_bare else json.dumps(detail)).encode()),)


def _reason(error: ErrorPayload, detail: str, *, length: int) -> Iterator[Piece]:
    """Yield an error of the usual form, whose message goes on until it is so long."""
    said = {"type": error["error_type"], "code": error["error_code"]}
    named = {key: value for key, value in said.items() if value}
    text = json.dumps({"error": {**named, "message": detail}}, ensure_ascii=False)
    yield Piece(text[:-3].encode())
    missing = min(length, MOST_CHARACTERS) - len(text.encode())
    if missing > 0:
        yield Piece(filler(PAD).encode(), times=missing // PAD + 1)
    yield Piece(text[-3:].encode())


def _printed(error: ErrorPayload) -> Any:
    """Return the body that an SDK has printed into the text of its exception, or None."""
    for text in (error["message"], *(link["message"] for link in error["chain"])):
        if found := BODY.search(text):
            try:
                return _filled(ast.literal_eval(found["body"]))
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
    return None


def _filled(body: Any) -> Any:
    """Return a body with something as long in each place whose content was left out."""
    if isinstance(body, dict):
        return {key: _filled(value) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_filled(value) for value in body]
    return LEFT_OUT_VALUE.sub(_filling, body) if isinstance(body, str) else body


def _filling(found: re.Match[str]) -> str:
    length = min(int(found["length"].replace(",", "")), MOST_CHARACTERS)
    opening, closing = BRACKETS.get(found["kind"], ("", ""))
    return f"{opening}{filler(max(length - len(opening + closing), 0))}{closing}"


def _wrapped(body: Any) -> Any:
    """Return a body as it was sent: SDKs print what is in its ``error``."""
    if not isinstance(body, dict) or WITHOUT_WRAPPER & body.keys():
        return body
    return {"error": body}


def _undecodable(error: ErrorPayload) -> Answer:
    """Return an answer that is not encoded as it says."""
    quoted = QUOTED.search(error["detail"])
    encoding = quoted[1] if quoted and quoted[1].isalnum() else "gzip"
    return Answer(
        status=error["response"].get("status") or SUCCESS,
        headers={**_headers(error, STREAM), "content-encoding": encoding},
        body=(Piece(b"data: [DONE]\n\n"),),
    )


def _page(error: ErrorPayload, content_type: str) -> str:
    """Return what came in the place of an answer, of the length that it had."""
    if found := KEYS.search(error["message"]):
        return json.dumps(dict.fromkeys(found[1].split(", "), ""))
    if found := LENGTH.search(error["message"]):
        return filler(min(int(found[1].replace(",", "")), MOST_CHARACTERS))
    length = min(error["response"].get("length", PAD), MOST_CHARACTERS)
    if "json" in content_type:
        return json.dumps({"played": filler(PAD)})
    return _markup(length) if "html" in content_type else filler(length)


def _markup(length: int) -> str:
    return f"<html>{filler(max(length - len('<html></html>'), 0))}</html>"


def _events(error: ErrorPayload, protocol: Protocol, model: str) -> Iterator[str]:
    """Yield the events of a stream that failed."""
    types = {link["type"] for link in error["chain"]} | {error["type"]}
    if error["response"].get("length") == 0 or "is empty" in error["message"]:
        return
    yield beginning(protocol, model)
    yield words(
        protocol, model, min(error["characters_received"] or 0, MOST_CHARACTERS)
    )
    if "FinishReasonError" in types and (found := QUOTED.search(error["message"])):
        yield finish(protocol, model, found[1])
    elif "UnreadableStreamError" in types:
        yield garbled(protocol, model)
    elif "IncompleteStreamError" not in types and not any(
        map(TIMED_OUT.fullmatch, types)
    ):
        yield reported(protocol, _reported(error, protocol))


def _reported(error: ErrorPayload, protocol: Protocol) -> Any:
    """Return the error that a stream had in it."""
    if (printed := _printed(error)) is not None:
        return _wrapped(printed)
    codes = {"type": error["error_type"], "code": error["error_code"]}
    named = {key: value for key, value in codes.items() if value}
    said = [link["message"] for link in error["chain"]]
    if not named and error["detail"] not in said and protocol is not Protocol.ANTHROPIC:
        return {"error": error["detail"]}
    inner = {**named, "message": error["detail"]}
    return (
        {"type": "error", "error": inner}
        if protocol is Protocol.ANTHROPIC
        else {"error": inner}
    )
