"""The forms in which runs leave, by the names that commands and addresses have for them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

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
