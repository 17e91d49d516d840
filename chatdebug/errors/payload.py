"""The error payload of a step: what is stored of an error, evidence without content.

``ErrorPayload`` is the one description of its keys: the recorder writes it, and the
pages, the rules' preview, the fingerprint and the run's summary read it.
"""

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from types import FrameType, TracebackType
from typing import Any, TypedDict, cast

from chatdebug.enums import ErrorKind
from chatdebug.errors.chain import attribute, text_of, walk
from chatdebug.errors.classify import Classification
from chatdebug.errors.content import storable_text
from chatdebug.errors.responses import ResponseFacts, response_facts
from chatdebug.errors.sent_request import secrets_of
from chatdebug.errors.sentences import Cause
from chatdebug.errors.verdict import Verdict, cause_of, verdict
from chatdebug.payloads import json_safe, redact_and_clip
from chatdebug.payloads.limits import ERROR_CHARACTERS
from chatdebug.redaction import without_sent

NO_EXCEPTION = "stream error part with nil error"
"""Message of an error that came without an exception object."""
MAX_FRAMES = 40
MAX_COUNT = 10**12
"""No number of an error is as large; as milliseconds it is thirty years."""
LIBRARY_FOLDERS = ("site-packages", "dist-packages")
PROGRAMS = PurePath(sys.prefix, "bin")
"""What libraries install to be started: celery, gunicorn."""


class ChainLink(TypedDict):
    """One exception of the chain."""

    type: str
    message: str


class Frame(TypedDict):
    """A place in code: no source, no local variables."""

    file: str
    """Only what follows the folder that code is found in."""
    line: int
    function: str


class ErrorPayload(TypedDict):
    """What is stored of an error: redacted, clipped, and without content.

    Texts are empty and numbers None where nothing is known.
    """

    message: str
    """Of the outermost exception."""
    type: str
    """Class of the outermost exception; empty for an error without an object."""
    chain: list[ChainLink]
    """Outermost first."""
    frames: list[Frame]
    """Outermost first."""
    kind: str
    """A value of ``ErrorKind``."""
    rule: str
    provider: str
    status_code: int | None
    error_type: str
    error_code: str
    request_id: str
    """The three look like codes, or are empty."""
    retryable: bool | None
    retry_after_ms: int | None
    """How long the provider asks to wait."""
    detail: str
    """The provider's own reason, at most 500 characters."""
    response: ResponseFacts
    elapsed_ms: int | None
    first_part_ms: int | None
    parts_received: int | None
    characters_received: int | None
    retry_count: int | None


NOTHING_KNOWN = ErrorPayload(
    message="",
    type="",
    chain=[],
    frames=[],
    kind="",
    rule="",
    provider="",
    status_code=None,
    error_type="",
    error_code="",
    request_id="",
    retryable=None,
    retry_after_ms=None,
    detail="",
    response={},
    elapsed_ms=None,
    first_part_ms=None,
    parts_received=None,
    characters_received=None,
    retry_count=None,
)
COUNTS = (
    "status_code",
    "retry_after_ms",
    "elapsed_ms",
    "first_part_ms",
    "parts_received",
    "characters_received",
    "retry_count",
)


@dataclass(slots=True)
class Progress:
    """How far a call had come when it ended."""

    elapsed_ms: int = 0
    first_part_ms: int | None = None
    parts_received: int = 0
    characters_received: int = 0
    retry_count: int = 0
    """Attempts at the same logical call before this one."""


def error_payload(
    error: BaseException | None,
    classification: Classification,
    progress: Progress,
    *,
    keep_content: bool = False,
) -> ErrorPayload:
    """Return what is kept of an error: JSON-safe, redacted, clipped.

    Without ``keep_content``, which is for the full level, no text of it shows what it
    quotes of a prompt or an answer. What the failing call sent as its credential is
    removed wherever it is said again.
    """
    with without_sent(secrets_of(error)):
        chain = (
            exception_chain(error, keep_content=keep_content)
            if error is not None
            else []
        )
        response = response_facts(error)
    payload = ErrorPayload(
        message=chain[0]["message"] if chain else NO_EXCEPTION,
        type=type(error).__name__ if error is not None else "",
        chain=chain,
        frames=code_frames(error) if error is not None else [],
        kind=classification.kind.value,
        rule=classification.rule,
        provider=classification.provider,
        status_code=classification.status_code,
        error_type=classification.error_type,
        error_code=classification.error_code,
        request_id=classification.request_id,
        retryable=classification.retryable,
        retry_after_ms=_milliseconds(classification.retry_after),
        detail=classification.detail,
        response=response,
        elapsed_ms=progress.elapsed_ms,
        first_part_ms=progress.first_part_ms,
        parts_received=progress.parts_received,
        characters_received=progress.characters_received,
        retry_count=progress.retry_count,
    )
    return cast("ErrorPayload", json_safe(payload))


def read_payload(stored: object) -> ErrorPayload:
    """Return a stored payload with all of its keys, each of its type.

    Whatever release or hand wrote it: what is of another type counts as not known.
    """
    payload = read_values(stored, FITS)
    payload["chain"] = [
        {"type": _text(link.get("type")), "message": _text(link.get("message"))}
        for link in payload["chain"]
        if isinstance(link, dict)
    ]
    payload["frames"] = [
        {
            "file": _text(frame.get("file")),
            "line": line if is_count(line := frame.get("line")) else 0,
            "function": _text(frame.get("function")),
        }
        for frame in payload["frames"]
        if isinstance(frame, dict)
    ]
    response = payload["response"].items()
    facts = {key: value for key, value in response if _is_response_fact(key, value)}
    payload["response"] = cast("ResponseFacts", facts)
    return payload


def read_values(stored: object, keys: Iterable[str]) -> ErrorPayload:
    """Return a stored payload in which these keys are read, and no others.

    For whoever asks a few things of many. What a list or a dict holds is not looked at.
    """
    found = stored if isinstance(stored, dict) else {}
    known = {
        key: value
        for key in keys
        if (value := found.get(key)) is not None and FITS[key](value)
    }
    return cast("ErrorPayload", {**NOTHING_KNOWN, **known})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _milliseconds(seconds: float | None) -> int | None:
    # A date can be any; what is longer than a count is not known.
    is_known = seconds is not None and seconds * 1000 < MAX_COUNT
    return math.ceil(seconds * 1000) if seconds is not None and is_known else None


def is_count(value: object) -> bool:
    """Return whether a value may be a number of an error's facts."""
    return type(value) is int and 0 <= value < MAX_COUNT


def _is_response_fact(key: str, value: object) -> bool:
    if key in ("status", "length"):
        return is_count(value)
    return key in ResponseFacts.__annotations__ and isinstance(value, str)


def _is_of(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)


FITS: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(NOTHING_KNOWN, _is_of(str)),
    **dict.fromkeys(("chain", "frames"), _is_of(list)),
    **dict.fromkeys(COUNTS, is_count),
    "retryable": _is_of(bool),
    "response": _is_of(dict),
}
"""By key, whether a stored value may be what the key stands for."""


def kind_of(payload: ErrorPayload) -> ErrorKind:
    """Return the kind of a stored error; what an older release called otherwise is generic."""
    value = payload["kind"]
    return ErrorKind(value) if value in ErrorKind.values else ErrorKind.GENERIC


def verdict_of(payload: ErrorPayload) -> Verdict:
    """Return what is told of a stored error, in the language of whoever reads it."""
    wait, characters = payload["retry_after_ms"], payload["characters_received"]
    return verdict(
        kind_of(payload),
        **_facts_of_cause(payload),
        provider=payload["provider"],
        retryable=bool(payload["retryable"]),
        retry_after=None if wait is None else wait / 1000,
        attempts=attempt_of(payload),
        server=payload["response"].get("server", ""),
        has_begun=None if characters is None else bool(characters),
    )


def cause_of_payload(payload: ErrorPayload) -> Cause:
    """Return the cause of a stored error alone, as its verdict has it."""
    return cause_of(kind_of(payload), **_facts_of_cause(payload))


def _facts_of_cause(payload: ErrorPayload) -> dict[str, Any]:
    return {
        "rule": payload["rule"],
        "status_code": payload["status_code"],
        "types": [link["type"] for link in payload["chain"]],
        "code": f"{payload['error_type']} {payload['error_code']}",
        "detail": payload["detail"],
        "content_type": payload["response"].get("content_type", ""),
    }


def attempt_of(payload: ErrorPayload) -> int:
    """Return the number of the attempt that an error ended, from 1."""
    return 1 + (payload["retry_count"] or 0)


def exception_chain(
    error: BaseException, *, keep_content: bool = False
) -> list[ChainLink]:
    """Return the types and messages of an error and its causes, outermost first.

    Messages are redacted, clipped, and without what they quote of a prompt or an answer
    unless ``keep_content``.
    """
    shown = redact_and_clip if keep_content else storable_text
    return [
        {
            "type": type(link).__name__,
            "message": shown(text_of(link), ERROR_CHARACTERS),
        }
        for link in walk(error)
    ]


def code_frames(error: BaseException) -> list[Frame]:
    """Return where an error came from, outermost first.

    First the callers of the code that handles the error, then its traceback, at most
    ``MAX_FRAMES`` of each: an error that is still on its way up knows only the frames it
    has left, and the project's own code is above them.
    """
    traceback: TracebackType | None = attribute(error, "__traceback__")
    callers, left = list[Frame](), list[Frame]()
    caller = traceback.tb_frame.f_back if traceback is not None else None
    while caller is not None and len(callers) < MAX_FRAMES:
        callers.append(_frame(caller, caller.f_lineno))
        caller = caller.f_back
    while traceback is not None:
        left.append(_frame(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return [*reversed(callers), *left[-MAX_FRAMES:]]


def _frame(frame: FrameType, line: int | None) -> Frame:
    code = frame.f_code
    return {
        "file": short_path(code.co_filename),
        "line": line or 0,
        "function": code.co_name,
    }


@lru_cache(maxsize=1_000)  # the same files come with each failure
def short_path(filename: str) -> str:
    """Return a path of code without the folders of this machine.

    ``site-packages/openai/client.py``, ``lib/python/ssl.py``, ``lib/python/bin/celery``,
    ``shop/chat.py``.
    """
    path = PurePath(filename)
    for folder in LIBRARY_FOLDERS:
        if folder in path.parts:
            return "/".join(path.parts[path.parts.index(folder) :])
    if path.is_relative_to(PROGRAMS):
        return f"lib/python/{path.relative_to(sys.prefix)}"
    for root in sorted(sys.path, key=len, reverse=True):
        if root and path.is_relative_to(root):
            is_library = PurePath(root).name.startswith("python")
            inside = path.relative_to(root)
            return f"lib/python/{inside}" if is_library else str(inside)
    return path.name
