"""The forms in which runs leave, by the names that commands and addresses have for them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext

from chatdebug.exports import document, markdown, otlp
from chatdebug.exports.rows import RunWithSteps


class Writer(Protocol):
    """Writes runs in one form."""

    def __call__(
        self, rows: Iterable[RunWithSteps], *, share_safe: bool = False
    ) -> Iterator[str]:
        """Yield the text in pieces."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form: how it is written, and what a browser is told of it."""

    write: Writer
    content_type: str
    extension: str


FORMS = {
    "json": Form(document.stream_of, "application/json", "json"),
    "otlp": Form(otlp.stream_of, "application/json", "otlp.json"),
    "markdown": Form(markdown.stream_of, "text/markdown; charset=utf-8", "md"),
}

SHARE_SAFE = {"": False, "0": False, "false": False, "1": True, "true": True}
"""What an address may say of whether to leave content out."""


def reads_share_safe(asked: str) -> bool:
    """Return whether to leave content out. Raises ValueError, in words, for any other text.

    Nothing is guessed: a word that is not known must not let content leave.
    """
    if asked not in SHARE_SAFE:
        known = ", ".join(filter(None, SHARE_SAFE))
        raise ValueError(gettext("It is one of: %s.") % known)
    return SHARE_SAFE[asked]
