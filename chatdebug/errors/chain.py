"""The chain of an exception: its causes, the members of its groups, what wrappers hide."""

from collections.abc import Iterator, Sequence
from typing import Any

MAX_LINKS = 20
MAX_MEMBERS = 100
"""Of a group. Whoever waits for many tasks must not wait until all their errors are read."""
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
        cause, context = (
            attribute(current, "__cause__"),
            attribute(current, "__context__"),
        )
        if cause is not None:
            waiting.append(cause)
        elif context is not None and not attribute(current, "__suppress_context__"):
            waiting.append(context)


def members(error: BaseException) -> list[BaseException]:
    """Return the failures that an exception stands for together: a group, or a list.

    Of a group its innermost ones.
    """
    if isinstance(error, BaseExceptionGroup):
        return list(leaves(error))
    listed = (attribute(error, name) for name in HIDING_LISTS)
    return [
        member
        for found in listed
        if isinstance(found, list | tuple)
        for member in found[:MAX_LINKS]
        if isinstance(member, BaseException)
    ]


def leaves(
    error: BaseException, *, without: Sequence[BaseException] = ()
) -> Iterator[BaseException]:
    """Yield the failures in a group and in its groups; an error that is none by itself.

    What is ``without``, one or a whole group, is left out. At most ``MAX_MEMBERS``.
    """
    waiting, found = [error], 0
    while waiting and found < MAX_MEMBERS:
        current = waiting.pop()
        if any(current is known for known in without):
            continue
        if isinstance(current, BaseExceptionGroup):
            waiting += reversed(current.exceptions)
        else:
            found += 1
            yield current


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
    except (Exception, SystemExit):  # noqa: BLE001 - a property of anyone's object
        return None


def text_of(error: BaseException) -> str:
    """Return an exception's message, whatever its own code does."""
    try:
        return str(error)
    except (Exception, SystemExit):  # noqa: BLE001 - the exception's own code
        return "(the message could not be read)"
