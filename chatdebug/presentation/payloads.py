"""Recorded texts as blocks of a page: each under a heading, folded if it is long."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.formats import counted, pretty
from chatdebug.presentation.highlighting import exact, marked_json

OPEN_LINES = 12
OPEN_CHARACTERS = 1_000
"""A text with more lines, or more characters, is folded."""
OPENING_CHARACTERS = 100
"""Of a folded text, how much is to be seen."""
HEADINGS = {
    "normalized_request": _("Request"),
    "normalized_response": _("Response"),
    "usage": _("Usage"),
    "attempts": _("HTTP attempts"),
}
"""What is read of a step besides its error: its payloads, which are large, and its usage,
in their order on the page."""


class Stretch(NamedTuple):
    """Some lines of a text that can be linked to."""

    id: str
    first: int
    """The index of its first line, from 0."""
    last: int


@dataclass(frozen=True, slots=True)
class Payload:
    """A recorded text under its heading."""

    heading: str
    text: str
    note: str = ""
    """What was done to the text, or is missing of it."""
    is_code: bool = True
    """Whether it is for machines, not somebody's words."""
    is_json: bool = False
    id: str = ""
    """Of its block on the page; empty where nothing links to it."""
    stretches: tuple[Stretch, ...] = ()
    """In their order, none inside of another one."""

    @classmethod
    def of(cls, heading: str, value: Any, note: str = "") -> "Payload":
        """Return any JSON-safe value under a heading, as JSON that people read."""
        return cls(heading, pretty(value), note, is_json=True)

    @property
    def markup(self) -> SafeString:
        """Just these characters for a browser; the tokens of JSON are marked."""
        marked = marked_json(self.text) if self.is_json else exact(self.text)
        return _with_ids(marked, self.stretches) if self.stretches else marked

    def with_ids(self, id: str, stretches: tuple[Stretch, ...]) -> "Payload":
        """Return the same as something that pages link to."""
        return replace(self, id=id, stretches=stretches)

    @property
    def line_count(self) -> int:
        """How many lines it has."""
        return self.text.count("\n") + 1

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return self.line_count > OPEN_LINES or len(self.text) > OPEN_CHARACTERS

    @property
    def opening(self) -> str:
        """How it begins, on one line."""
        start = " ".join(self.text[: 2 * OPENING_CHARACTERS].split())
        return start[:OPENING_CHARACTERS] + "…"

    @property
    def size(self) -> str:
        """How much of it there is to be opened."""
        if self.line_count > OPEN_LINES:
            return counted(self.line_count, "line")
        return gettext("%s characters") % f"{len(self.text):,}"


def _with_ids(markup: SafeString, stretches: tuple[Stretch, ...]) -> SafeString:
    """Return the markup of a text with its stretches as elements; no mark spans lines."""
    lines = markup.split("\n")
    for stretch in stretches:
        opening = format_html('<span class="place" id="{}">', stretch.id)
        lines[stretch.first] = opening + lines[stretch.first]
        lines[stretch.last] += "</span>"
    return SafeString("\n".join(lines))
