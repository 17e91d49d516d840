"""What a step has noted of the likely causes of its failure, read again."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from chatdebug.evidence.schemas import TYPES
from chatdebug.linter.causes import BY_ID, CAUSES, LikelyCause, known_role
from chatdebug.linter.lint import PLACES
from chatdebug.linter.request import Largest
from chatdebug.linter.rule import NO_TYPE

KNOWN_TYPES = TYPES | {NO_TYPE}


def noted_causes(noted: Any) -> tuple[LikelyCause, ...] | None:
    """Return the causes that a step has noted; None if it has not looked for any."""
    if not isinstance(noted, list):
        return None
    return tuple(_restored(noted[:CAUSES]))


def _restored(noted: Iterable[Any]) -> Iterator[LikelyCause]:
    for one in noted:
        name = one.get("rule") if isinstance(one, dict) else None
        rule = BY_ID.get(name) if isinstance(name, str) else None
        if rule is None:  # of another release
            continue
        places = one.get("places")
        known = [
            place
            for place in islice(places if isinstance(places, list) else (), 2 * PLACES)
            if isinstance(place, dict)
        ]
        messages = [
            (number, known_role(place.get("role")))
            for place in known
            if type(number := place.get("number")) is int and number > 0
        ]
        tools = [one for one in known if isinstance(one.get("name"), str)]
        types = [_type(one.get("type")) for one in tools]
        yield LikelyCause(
            rule,
            tuple(number for number, _of in messages),
            tuple(one["name"][:200] for one in tools),
            one.get("is_said") is True,
            _size(one.get("estimated_tokens")),
            _size(one.get("context_window")),
            tuple(role for _of, role in messages),
            _largest(one.get("largest")),
            _size(one.get("message_count")),
            tuple(types) if any(types) else (),
        )


def _largest(noted: Any) -> Largest | None:
    if not isinstance(noted, dict):
        return None
    number, characters = noted.get("number"), _size(noted.get("characters"))
    if type(number) is not int or number < 0 or not characters:
        return None
    count = _size(noted.get("message_count"))
    newest = _size(noted.get("newest"))
    return Largest(number, known_role(noted.get("role")), characters, count, newest)


def _type(noted: Any) -> str:
    return noted if isinstance(noted, str) and noted in KNOWN_TYPES else ""


def _size(noted: Any) -> int:
    return noted if type(noted) is int and noted > 0 else 0
