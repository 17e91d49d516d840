"""A report as text for a terminal, which obeys nothing in it."""

from collections.abc import Iterable

from chatdebug.exports.report import Block, Code, Heading, Paragraph, Quote, Table
from chatdebug.formats import printable

UNDERLINES = {1: "=", 2: "-"}


def plain(blocks: Iterable[Block]) -> str:
    """Return the blocks of a report as text."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            text = _line(block.text)
            rule = UNDERLINES.get(block.level, "") * len(text)
            return f"{text}\n{rule}".rstrip()
        case Paragraph():
            return _line(block.text)
        case Quote():
            return _indented(block.text, "  | ")
        case Table():
            rows = [
                [_line(cell) for cell in row] for row in (block.columns, *block.rows)
            ]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            return "\n".join(
                "  ".join(
                    cell.ljust(width) for cell, width in zip(row, widths, strict=True)
                ).rstrip()
                for row in rows
            )
        case Code():
            return f"{_line(block.name)}:\n{_indented(block.text, '    ')}"


def _indented(text: str, margin: str) -> str:
    return "\n".join(f"{margin}{line}".rstrip() for line in printable(text).split("\n"))


def _line(text: str) -> str:
    return printable(" ".join(text.split()))
