"""Commands that take one JSON object a line and answer with one a line."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from chatdebug.formats import printable


class Output(Protocol):
    """Where the answers go: a command's ``stdout``."""

    def write(self, text: str, /) -> object:
        """Write a text."""

    def flush(self) -> object:
        """Let it be read."""


def answer_lines(
    lines: Iterable[str],
    out: Output,
    answer: Callable[[dict[str, Any]], dict[str, Any]],
) -> int:
    """Answer each line in order; return how many could not be.

    What cannot be answered gets ``{"error": …}`` in its place, and the rest goes on.
    ``answer`` raises ValueError or TypeError for what it does not take.
    """
    failures = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            answered = answer(_parsed(line))
        except (ValueError, TypeError) as error:
            failures += 1
            answered = {"error": f"line {number}: {error}"}
        out.write(printable(json.dumps(answered, ensure_ascii=False)) + "\n")
        out.flush()
    return failures


def _parsed(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(data, dict):
        raise TypeError("not a JSON object")
    return data
