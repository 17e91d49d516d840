"""Texts beside each other, word by word, as much of them as is worth reading."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from django.utils.translation import ngettext

CHARACTERS = 800
"""Of a text that are shown: around the place where it begins to differ."""
CHARACTERS_BEFORE = 160
"""Of those, how many stand before that place."""
CHARACTERS_ALONE = 240
"""Of a text that has nothing beside it."""
SHORT = 40
"""Two texts with no more characters stand beside each other in one line."""
WORD = re.compile(r"\S+\s*|\s+")
"""A word with the space behind it: together they are the text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a text."""

    text: str
    is_different: bool
    """Whether the other text has them not, or not here."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two texts."""

    pieces: list[Piece]
    before: str = ""
    """How much of it before these is left out, in words: the other text has the same."""
    after: str = ""
    """How much of it after these is left out, in words."""
    name: str = ""

    @property
    def text(self) -> str:
        """What is shown of it."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Row:
    """What two runs have in the same place."""

    name: str
    this: Side | None
    """None where that run has nothing."""
    other: Side | None
    is_same: bool
    is_first: bool = False
    """Whether it is the first row that differs."""

    @property
    def title(self) -> str:
        """Its name, or that of what stands in it."""
        names = (side.name for side in (self.this, self.other) if side)
        return self.name or next(names, "")

    @property
    def in_short(self) -> str:
        """Both texts in one line, if they are short: 1.9 ≠ 0.2."""
        texts = [side.text if side else "" for side in (self.this, self.other)]
        is_short = all(0 < len(text) <= SHORT for text in texts)
        return " ≠ ".join(texts) if is_short and not self.is_same else ""


@dataclass(frozen=True, slots=True)
class Rows:
    """One of the things in which two runs are compared."""

    shown: list[Row]
    left_out: str = ""
    """How much of it is not shown, in words."""

    @classmethod
    def of(cls, rows: list[Row], left_out: str = "") -> "Rows":
        """Return these rows; the first one that differs says so."""
        index = next((at for at, row in enumerate(rows) if not row.is_same), None)
        if index is not None:
            first = replace(rows[index], is_first=True)
            rows = [*rows[:index], first, *rows[index + 1 :]]
        return cls(rows, left_out)

    @property
    def first(self) -> Row | None:
        """The row where the runs part ways; None if they do not."""
        return next((row for row in self.shown if row.is_first), None)


def common_length[T](this: Sequence[T], other: Sequence[T]) -> int:
    """Return how much two sequences have in common from their beginning on."""
    pairs = enumerate(zip(this, other, strict=False))
    shorter = min(len(this), len(other))
    return next((index for index, (one, two) in pairs if one != two), shorter)


def side_by_side(
    this: str, other: str, *, names: tuple[str, str] = ("", "")
) -> tuple[Side, Side]:
    """Return two texts with what differs in them, cut where they are long.

    The effort is bounded whatever they hold: only what is shown is compared by words.
    """
    start = 0
    if this != other and max(len(this), len(other)) > CHARACTERS:
        start = max(0, common_length(this, other) - CHARACTERS_BEFORE)
    end = start + CHARACTERS
    pieces = _pieces(this[start:end], other[start:end])
    first, second = (
        Side(found, _left_out(start), _left_out(len(text) - end), name)
        for found, text, name in zip(pieces, (this, other), names, strict=True)
    )
    return first, second


def alone(text: str, *, name: str = "") -> Side:
    """Return a text that has nothing beside it: all of it is different."""
    pieces = [Piece(text[:CHARACTERS_ALONE], is_different=True)] if text else []
    return Side(pieces, after=_left_out(len(text) - CHARACTERS_ALONE), name=name)


def _left_out(count: int) -> str:
    words = ngettext("%s character left out", "%s characters left out", count)
    return words % f"{count:,}" if count > 0 else ""


def _pieces(this: str, other: str) -> tuple[list[Piece], list[Piece]]:
    words, others = WORD.findall(this), WORD.findall(other)
    found = SequenceMatcher(None, words, others).get_opcodes()
    return (
        list(_joined(words, ((tag, first, last) for tag, first, last, _, _ in found))),
        list(_joined(others, ((tag, first, last) for tag, _, _, first, last in found))),
    )


def _joined(
    words: Sequence[str], spans: Iterator[tuple[str, int, int]]
) -> Iterator[Piece]:
    for tag, first, last in spans:
        if first < last:
            yield Piece("".join(words[first:last]), tag != "equal")
