"""The messages of two requests beside each other, from the first one that differs on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby, zip_longest

from django.utils.translation import gettext, ngettext

from chatdebug.presentation.differences import (
    Row,
    Rows,
    alone,
    common_length,
    side_by_side,
)
from chatdebug.presentation.transcript import Message, Part

SHOWN = 8
"""How many pairs of messages are shown, from the first one that differs on."""
LOOKED_AT = 50
"""From there on, among how many messages of a request one of the other's is looked for."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A message as its reader sees it: two that read the same are the same."""

    role: str
    text: str
    number: int = field(compare=False)

    @classmethod
    def of(cls, message: Message) -> "_Said":
        parts = (_text(part) for part in message.parts)
        return cls(message.role, "\n".join(filter(None, parts)), message.number)

    @property
    def name(self) -> str:
        # The role last: it may turn the direction of what follows.
        words = gettext("message %(number)s, %(role)s")
        role = self.role or gettext("No role")
        return words % {"number": f"{self.number:,}", "role": role}


type _Pair = tuple[_Said | None, _Said | None]
"""Two messages that belong beside each other; None where one is alone."""


def beside(this: Sequence[Message], other: Sequence[Message]) -> Rows:
    """Return the messages of two requests in pairs; those that are the same as a count."""
    first, second = [_Said.of(one) for one in this], [_Said.of(one) for one in other]
    same = common_length(first, second)
    pairs = list(_pairs(first[same:], second[same:]))[:SHOWN]
    rows = [_count(same)] if same else []
    for is_same, group in groupby(pairs, key=_is_same):
        found = list(group)
        rows += [_count(len(found))] if is_same else map(_row, found)
    left_out = [
        len(messages) - same - sum(pair[side] is not None for pair in pairs)
        for side, messages in enumerate((first, second))
    ]
    return Rows.of(rows, _left_out(*left_out))


def _pairs(this: Sequence[_Said], other: Sequence[_Said]) -> Iterator[_Pair]:
    """Yield the first of two lists of messages in pairs, the same ones with each other."""
    this, other = this[:LOOKED_AT], other[:LOOKED_AT]
    for _, *places in SequenceMatcher(None, this, other).get_opcodes():
        first, first_end, second, second_end = places
        yield from zip_longest(this[first:first_end], other[second:second_end])


def _is_same(pair: _Pair) -> bool:
    this, other = pair
    return this == other


def _count(same: int) -> Row:
    """Return a row in the place of messages that need not be read."""
    words = ngettext("%s message is the same.", "%s messages are the same.", same)
    return Row(words % f"{same:,}", None, None, is_same=True)


def _row(pair: _Pair) -> Row:
    this, other = pair
    if this and other:
        sides = side_by_side(this.text, other.text, names=(this.name, other.name))
        return Row("", *sides, is_same=False)
    first = alone(this.text, name=this.name) if this else None
    second = alone(other.text, name=other.name) if other else None
    return Row("", first, second, is_same=False)


def _text(part: Part) -> str:
    """Return all that is shown of a part: what it is, unless it is text, then its words."""
    heading = "" if part.kind == "text" else part.heading
    lines = [" · ".join(filter(None, (heading, *part.facts)))]
    lines += [
        line for payload in part.payloads for line in (payload.note, payload.text)
    ]
    return "\n".join(filter(None, lines))


def _left_out(of_this: int, of_other: int) -> str:
    if not of_this and not of_other:
        return ""
    return gettext(
        "More messages follow: %(this)s of this run, %(other)s of the other one."
    ) % {"this": f"{of_this:,}", "other": f"{of_other:,}"}
