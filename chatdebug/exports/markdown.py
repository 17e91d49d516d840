"""A report as Markdown, in which nothing that was recorded is markup.

It is pasted into issues, mails and chats, so it holds for CommonMark and for GitHub's
tables: what others wrote is escaped, or stands in a fence that it cannot close.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatdebug.exports.document import run_document
from chatdebug.exports.report import (
    Block,
    Code,
    Heading,
    Paragraph,
    Quote,
    Table,
    report,
    report_of,
)
from chatdebug.exports.rows import RunWithSteps
from chatdebug.exports.share_safe import share_safe as without_content
from chatdebug.formats import printable
from chatdebug.models import ChatRun, ChatStep

MARKUP = re.compile(r"[\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|(?<=\s)#")
"""What may begin or end something anywhere in a line. Inside a word ``_`` does not."""
INDENT = re.compile(r"(?m)^[ \t]+")
"""It would make code of a line, in which the escapes are seen."""
LINE_START = re.compile(r"(?m)^(\d{0,9})([#+=.)-])")
"""What means something at the beginning of a line: a heading, a list, a rule."""
BACKTICKS = re.compile(r"`{3,}")


def run_markdown(run: ChatRun, steps: Iterable[ChatStep]) -> str:
    """Return a run that is stored here as a report in Markdown."""
    return markdown(report_of(run, steps))


def stream_of(
    rows: Iterable[RunWithSteps], *, share_safe: bool = False
) -> Iterator[str]:
    """Yield the reports of runs that are given with their steps, with rules between."""
    for number, (run, steps) in enumerate(rows):
        document = run_document(run, steps)
        text = document_markdown(without_content(document) if share_safe else document)
        yield f"\n---\n\n{text}" if number else text


def document_markdown(document: dict[str, Any]) -> str:
    """Return a run as a document in Markdown. Raises UnreadableRun if it is none."""
    return markdown(report(document))


def markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks of a report as Markdown."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_line(block.text)}"
        case Paragraph():
            return escaped(" ".join(block.text.split()))
        case Quote():
            lines = escaped(printable(block.text)).split("\n")
            return "\n".join(f"> {line}".rstrip() for line in lines)
        case Table():
            return _table(block)
        case Code():
            return f"**{_line(block.name)}**\n\n{fenced(block.text, block.language)}"


def _table(table: Table) -> str:
    rows = [table.columns, *table.rows]
    lines = [f"| {' | '.join(map(_line, row))} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(table.columns))
    return "\n".join(lines)


def fenced(text: str, language: str = "") -> str:
    """Return a text as a block of code that nothing inside it can end."""
    longest = max((len(run) for run in BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{printable(text)}\n{fence}"


def escaped(text: str) -> str:
    """Return a text of which no character is markup, at the start of a line or in it."""
    return LINE_START.sub(r"\1\\\2", INDENT.sub("", _within_line(text)))


def _line(text: str) -> str:
    """Return a text on one line, after something that begins the line."""
    return _within_line(printable(" ".join(text.split())))


def _within_line(text: str) -> str:
    return MARKUP.sub(lambda found: f"\\{found[0]}", text)
