"""What may be printed on a terminal of texts that others wrote."""

import re

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters of both sets but tab and line feed, those that turn the direction of
writing, and halves of characters. A terminal obeys them: it moves, recolours, renames
itself, answers, or copies to the clipboard."""


def printable(text: str) -> str:
    """Return a text with each such character written by its number, as JSON does it."""
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
