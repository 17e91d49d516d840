"""JSON and headers with their tokens marked, so that a reader finds a key at a glance.

Marks are classes, whose colours are in the stylesheet: an inline style would not pass a
Content-Security-Policy. The marked text without its tags is the text itself, to the last
character. It takes Pygments to mark JSON; without it, texts are shown plain.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from html import escape
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.utils.safestring import SafeString

from chatdebug.logs import safe_logger

logger = safe_logger("chatdebug.presentation")

TEXT_CHARACTERS = 20_000
"""A longer text stays plain: this one takes 10 to 20 ms and becomes 1,200 elements, and
nobody reads more of it than that."""
PAGE_CHARACTERS = 100_000
"""Of all texts of a page: a step may have a hundred attempts with two bodies each."""
KINDS = {
    ("Name", "Tag"): "key",
    ("Literal", "String"): "text",
    ("Literal", "Number"): "number",
    ("Keyword", "Constant"): "word",
}
"""By the first two words of Pygments' names. Other tokens have no mark."""

_left: ContextVar[list[int] | None] = ContextVar("chatdebug_highlighting", default=None)


@contextmanager
def one_page() -> Iterator[None]:
    """Let what is marked inside the block share what a page may have."""
    token = _left.set([PAGE_CHARACTERS])
    try:
        yield
    finally:
        _left.reset(token)


def exact(text: str) -> SafeString:
    """Return a text as markup that a browser reads as just these characters."""
    return SafeString(_escaped(text))


def marked_json(text: str) -> SafeString:
    """Return a text of JSON as markup, its tokens marked where that is possible.

    Read by a browser it is just these characters. Never fails.
    """
    lexer = _json_lexer()
    if lexer is None or not _is_affordable(len(text)):
        return exact(text)
    try:
        # Not get_tokens, which changes ends of lines.
        found = lexer.get_tokens_unprocessed(text)
        tokens = [(KINDS.get(kind[:2], ""), part) for _, kind, part in found]
    except Exception:
        logger.exception("A text could not be highlighted")
        return exact(text)
    if "".join(part for _, part in tokens) != text:
        return exact(text)
    # Whatever has no mark, as blanks and commas, is one piece up to the next that has.
    pieces = groupby(tokens, key=itemgetter(0))
    return SafeString(
        "".join(_piece(kind, "".join(text for _, text in of)) for kind, of in pieces)
    )


def marked_headers(headers: Iterable[tuple[str, str]]) -> SafeString:
    """Return headers with their names marked, each on a line of its own."""
    lines = (f"{_piece('key', name)}: {_escaped(value)}" for name, value in headers)
    return SafeString("\n".join(lines))


def _is_affordable(characters: int) -> bool:
    """Return whether a text may be marked, and take it off what the page has left."""
    if characters > TEXT_CHARACTERS:
        return False
    left = _left.get()
    if left is None:
        return True
    if characters > left[0]:
        return False
    left[0] -= characters
    return True


def _piece(kind: str, text: str) -> str:
    """Return a text as markup, in an element if it has a mark.

    Not by ``format_html``, which takes ten times as long for the thousands of a page.
    """
    if not kind:
        return _escaped(text)
    return f'<span class="token token--{kind}">{_escaped(text)}</span>'


def _escaped(text: str) -> str:
    """Return a text as markup; a browser would take a carriage return for a line feed."""
    return escape(text).replace("\r", "&#13;")


@cache
def _json_lexer() -> Any:
    """Return Pygments' lexer of JSON; None where Pygments is not installed."""
    try:
        return import_module("pygments.lexers.data").JsonLexer()
    except ImportError:
        return None
