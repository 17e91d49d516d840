"""The cassette of a failure: what was asked, what was answered, and what came of it.

A JSON document that stands beside the test that plays it. People read it and may edit it,
so that whatever is read from one is checked.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chatdebug.errors.payload import ErrorPayload, read_payload
from chatdebug.formats import pretty

FORMAT = "chatdebug.cassette"
VERSION = 1
"""Of the document. A later one is refused; a new key needs no new version."""
STATUSES = range(100, 1000)
"""What clients take: HTTP knows none above 599, but gateways do send them."""
MOST_BYTES = 32 * 1024 * 1024
"""Of one answer when it is played, however often its pieces are repeated."""


class UnreadableCassette(ValueError):
    """This is no cassette, or one that this release cannot play."""


class When(StrEnum):
    """When something came. How long a pause really was is of no interest to a test."""

    AT_ONCE = "at once"
    AFTER_A_PAUSE = "after a pause"
    NEVER = "never"


class End(StrEnum):
    """How an answer ended."""

    WHOLE = "whole"
    CUT = "cut"
    """The connection was closed before the end that the answer had announced."""
    RESET = "reset"
    """The connection was broken."""
    NEVER = "never"
    """Nothing more came, and the connection stayed open."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a body."""

    data: bytes
    when: When = When.AT_ONCE
    times: int = 1
    """How often it came: a body of megabytes has a small cassette."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider sent to one request."""

    status: int | None
    """None: the connection ended, or stayed silent, before there was any."""
    headers: Mapping[str, str] = field(default_factory=dict)
    when: When = When.AT_ONCE
    """When its head came."""
    body: tuple[Piece, ...] = ()
    end: End = End.WHOLE

    @property
    def is_endless(self) -> bool:
        """Whether a client waits for it until it gives up."""
        return self.end == End.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """One failing call: enough to make it fail again, and to know that it did."""

    run_id: str
    captured_at: str
    """RFC 3339 in UTC."""
    evidence: str
    """What was kept of the call: a value of ``chatdebug.enums.Evidence``."""
    sdk: str
    """The name of the library that made the call, see ``chatdebug.cassettes.sdks``."""
    provider: str
    model: str
    path: str
    """How the address ends that is asked: ``/chat/completions``."""
    request: Mapping[str, Any]
    """Arguments of the call, as its library takes them."""
    answers: tuple[Answer, ...]
    """One for each request, in their order; the last one answers all that follow."""
    fingerprint: str
    """Of the captured failure."""
    error: ErrorPayload
    """What was stored of it."""

    @property
    def is_endless(self) -> bool:
        """Whether a client has to give up waiting for one of the answers."""
        return any(answer.is_endless for answer in self.answers)

    def as_text(self) -> str:
        """Return the document."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "run": self.run_id,
            "captured_at": self.captured_at,
            "evidence": self.evidence,
            "call": {
                "sdk": self.sdk,
                "provider": self.provider,
                "model": self.model,
                "path": self.path,
                "request": self.request,
            },
            "answers": [_answer_as_json(answer) for answer in self.answers],
            "captured": {"fingerprint": self.fingerprint, "error": self.error},
        }
        return f"{pretty(document)}\n"

    @classmethod
    def read(cls, text: str) -> "Cassette":
        """Return the cassette in a document. Raises UnreadableCassette."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableCassette("The cassette is not JSON.") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise UnreadableCassette("This is no cassette.")
        version = document.get("version")
        if type(version) is not int or not 1 <= version <= VERSION:
            raise UnreadableCassette(
                f"This release plays version {VERSION} of cassettes and none after it."
            )
        call, captured = _object(document, "call"), _object(document, "captured")
        answers = tuple(map(_read_answer, _list(document, "answers")))
        if not answers:
            raise UnreadableCassette("The cassette has no answer.")
        return cls(
            run_id=_text(document, "run"),
            captured_at=_text(document, "captured_at"),
            evidence=_text(document, "evidence"),
            sdk=_text(call, "sdk"),
            provider=_text(call, "provider"),
            model=_text(call, "model"),
            path=_text(call, "path"),
            request=_object(call, "request"),
            answers=answers,
            fingerprint=_text(captured, "fingerprint"),
            error=read_payload(captured.get("error")),
        )


def _answer_as_json(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "when": answer.when.value,
        "body": [dict(_piece_as_json(piece)) for piece in answer.body],
        "end": answer.end.value,
    }


def _piece_as_json(piece: Piece) -> Iterator[tuple[str, Any]]:
    yield "when", piece.when.value
    try:
        yield "text", piece.data.decode()
    except UnicodeDecodeError:
        yield "base64", base64.b64encode(piece.data).decode()
    if piece.times != 1:
        yield "times", piece.times


def _read_answer(found: Any) -> Answer:
    if not isinstance(found, dict):
        raise UnreadableCassette("An answer of the cassette is no object.")
    status = found.get("status")
    if status is not None and (type(status) is not int or status not in STATUSES):
        raise UnreadableCassette("The status of an answer is none of HTTP.")
    body = tuple(map(_read_piece, _list(found, "body")))
    if sum(len(piece.data) * piece.times for piece in body) > MOST_BYTES:
        raise UnreadableCassette(f"An answer has more than {MOST_BYTES:,} bytes.")
    return Answer(
        status=status,
        headers={
            str(name): str(value) for name, value in _object(found, "headers").items()
        },
        when=_choice(When, found.get("when")),
        body=body,
        end=_choice(End, found.get("end")),
    )


def _read_piece(found: Any) -> Piece:
    if not isinstance(found, dict):
        raise UnreadableCassette("A piece of a body is no object.")
    times = found.get("times", 1)
    if type(times) is not int or not 0 <= times <= MOST_BYTES:
        raise UnreadableCassette("A piece of a body does not come so many times.")
    return Piece(_data(found), _choice(When, found.get("when")), times)


def _data(found: Mapping[str, Any]) -> bytes:
    if "base64" not in found:
        return _text(found, "text").encode(errors="replace")
    try:
        return base64.b64decode(_text(found, "base64"), validate=True)
    except binascii.Error as error:
        raise UnreadableCassette("A piece of a body is not base64.") from error


def _choice[Choice: StrEnum](kind: type[Choice], found: Any) -> Choice:
    try:
        return kind(found)
    except ValueError as error:
        known = ", ".join(f'"{one}"' for one in kind)
        raise UnreadableCassette(f"One of these was expected: {known}.") from error


def _text(found: Mapping[str, Any], key: str) -> str:
    if not isinstance(value := found.get(key), str):
        raise UnreadableCassette(f'"{key}" of the cassette is no text.')
    return value


def _object(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(value := found.get(key), dict):
        raise UnreadableCassette(f'"{key}" of the cassette is no object.')
    return value


def _list(found: Mapping[str, Any], key: str) -> list[Any]:
    if not isinstance(value := found.get(key), list):
        raise UnreadableCassette(f'"{key}" of the cassette is no list.')
    return value
