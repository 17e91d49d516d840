"""How far a command is, for whoever sits before it."""

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

EVERY_SECONDS = 0.2


class Progress:
    """Writes a count over itself on a terminal; nothing into a file or a pipe."""

    def __init__(self, out: Any, noun: str, *, total: int | None = None) -> None:
        self._out, self._noun, self._total = out, noun, total
        self._shown_at = 0.0
        self.is_shown: bool = out.isatty()
        self.count = 0

    def tell(self, count: int) -> None:
        """Note how many are done, and show it now and then."""
        self.count = count
        if self.is_shown and monotonic() - self._shown_at >= EVERY_SECONDS:
            self._shown_at = monotonic()
            self._show()

    def over[T](self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, and count them as they are taken."""
        for number, item in enumerate(items, start=1):
            yield item
            self.tell(number)

    def end(self) -> None:
        """Show the last count and leave the line to others."""
        if self.is_shown:
            self._show()
            self._write("\n")

    def _show(self) -> None:
        total = "" if self._total is None else f" of {self._total:,}"
        self._write(f"\r{self.count:,}{total} {self._noun}")

    def _write(self, text: str) -> None:
        # In no colour: standard error is red for commands.
        self._out.write(text, style_func=str, ending="")
        self._out.flush()
