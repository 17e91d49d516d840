"""What an exception carries besides its class: its causes, and where it came from."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from chatdebug.errors.content import telling
from chatdebug.payloads import redact_and_clip

MAX_LINKS = 20
MAX_FRAMES = 40
MESSAGE_CHARACTERS = 2_000
"""A provider's whole reason fits, a body of 20 MB does not."""
ROOTS = ("site-packages", "dist-packages")
FILES_KNOWN = 1_000
"""Of how many files the short names are kept: the same ones come with each failure."""


HIDING_PLACES = (
    "original_exception",
    "original_error",
    "inner_exception",
    "inner_error",
    "wrapped_exception",
    "last_exception",
    "exc",
    "exception",
    "cause",
    "os_error",
    "certificate_error",
    "reason",
    "error",
)
"""Attributes in which wrappers keep their cause where Python does not look for it."""
HIDING_LISTS = ("exceptions", "errors", "failed_attempts")
UNTELLING = frozenset(["Exception", "BaseException", "object", "RuntimeError"])


def walk(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and the members of its groups; each once, outermost first.

    An explicit cause comes before the context; a context that was suppressed with
    ``raise … from None`` is left out. What a wrapper hides in an attribute or in its
    arguments comes before both. At most ``MAX_LINKS``.
    """
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_LINKS:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting[:0] = hidden_causes(current)
        if isinstance(current, BaseExceptionGroup):
            waiting[:0] = current.exceptions
        if current.__cause__ is not None:
            waiting.append(current.__cause__)
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append(current.__context__)


def members(error: BaseException) -> list[BaseException]:
    """Return the failures that an exception stands for together: a group, or a list."""
    if isinstance(error, BaseExceptionGroup):
        return list(error.exceptions)
    listed = (attribute(error, name) for name in HIDING_LISTS)
    return [
        member
        for found in listed
        if isinstance(found, list | tuple)
        for member in found[:MAX_LINKS]
        if isinstance(member, BaseException)
    ]


def hidden_causes(error: BaseException) -> list[BaseException]:
    """Return the exceptions that an exception keeps in its attributes or arguments."""
    found = [attribute(error, name) for name in HIDING_PLACES]
    found.append(_of_future(attribute(error, "last_attempt")))
    for name in HIDING_LISTS:
        members = attribute(error, name)
        if isinstance(members, list | tuple):
            for member in members[:MAX_LINKS]:
                is_error = isinstance(member, BaseException)
                found.append(member if is_error else attribute(member, "exception"))
    args = attribute(error, "args")
    found += args[:MAX_LINKS] if isinstance(args, tuple) else ()
    return [cause for cause in found if isinstance(cause, BaseException)]


def _of_future(future: Any) -> object:
    """Return the exception of a future that has ended: tenacity keeps its last attempt."""
    try:
        return future.exception(timeout=0) if future and future.done() else None
    except BaseException:  # noqa: BLE001 - a cancelled one raises its cancellation
        return None


def bases(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    """Yield the classes of an exception that say something about it, itself first."""
    return (base for base in kind.__mro__ if base.__name__ not in UNTELLING)


def attribute(owner: object, name: str) -> Any:
    """Return an attribute, or None for one that is missing or raises."""
    try:
        return getattr(owner, name, None)
    except Exception:  # noqa: BLE001 - a property of anyone's object
        return None


def text_of(error: BaseException) -> str:
    """Return an exception's message, whatever its own code does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the exception's own code
        return "(the message could not be read)"


def exception_chain(
    error: BaseException, *, keep_content: bool = False
) -> list[dict[str, str]]:
    """Return the types and messages of an error and its causes, outermost first.

    Each is ``{"type", "message"}``; messages are redacted, clipped, and without what they
    quote of a prompt or an answer unless ``keep_content``.
    """
    shown = redact_and_clip if keep_content else telling
    return [
        {
            "type": type(link).__name__,
            "message": shown(text_of(link), MESSAGE_CHARACTERS),
        }
        for link in walk(error)
    ]


def code_frames(error: BaseException) -> list[dict[str, Any]]:
    """Return where an error came from: ``{"file", "line", "function"}``, outermost first.

    First the callers of the code that handles the error, then its traceback, at most
    ``MAX_FRAMES`` of each: an error that is still on its way up knows only the frames it
    has left, and the project's own code is above them. No source, no local variables,
    and of a file's path only what follows the folder that code is found in.
    """
    traceback, own = error.__traceback__, list[dict[str, Any]]()
    first = traceback.tb_frame if traceback is not None else None
    while traceback is not None:
        own.append(_place(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return [*_callers_of(first), *own[-MAX_FRAMES:]]


def _callers_of(frame: Any) -> list[dict[str, Any]]:
    """Return the callers of a frame that is still running, outermost first."""
    places: list[dict[str, Any]] = []
    caller = frame.f_back if frame is not None else None
    while caller is not None and len(places) < MAX_FRAMES:
        places.append(_place(caller, caller.f_lineno))
        caller = caller.f_back
    return places[::-1]


def _place(frame: Any, line: int | None) -> dict[str, Any]:
    code = frame.f_code
    return {
        "file": _short(code.co_filename),
        "line": line or 0,
        "function": code.co_name,
    }


@lru_cache(FILES_KNOWN)
def _short(filename: str) -> str:
    parts = PurePath(filename).parts
    for root in ROOTS:
        if root in parts:
            return "/".join(parts[parts.index(root) :])
    for folder in sorted(sys.path, key=len, reverse=True):
        if folder and PurePath(filename).is_relative_to(folder):
            short = PurePath(filename).relative_to(folder)
            is_library = PurePath(folder).name.startswith("python")
            return f"lib/python/{short}" if is_library else str(short)
    return PurePath(filename).name
