"""Shows what is left of a text when its secrets are removed."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from chatdebug.formats import printable
from chatdebug.management.jsonl import answer_lines
from chatdebug.management.piped import PipedCommand
from chatdebug.redaction import (
    redact_headers,
    redact_json_document,
    redact_ndjson,
    redact_text,
    redact_url,
)

TEXTS: dict[str, Callable[[str], str]] = {
    "text": redact_text,
    "json": redact_json_document,
    "ndjson": redact_ndjson,
    "url": redact_url,
}


class Command(PipedCommand):
    """Redact one text, or one input a line."""

    help = "Removes secrets from a text as the recorder does."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a text, or read lines."""
        parser.add_argument("text", nargs="?", help="the text")
        parser.add_argument(
            "--jsonl",
            action="store_true",
            help="read {kind: text|json|ndjson|headers|url, input} a line from stdin",
        )

    def handle(self, *args: Any, text: str | None, jsonl: bool, **options: Any) -> None:
        """Answer. Raises CommandError without a text, or for a bad line."""
        if jsonl:
            failures = answer_lines(sys.stdin, self.stdout, _answer)
            if failures:
                raise CommandError(f"{failures} lines could not be read.")
        elif text is not None:
            self.stdout.write(printable(redact_text(text)))
        else:
            raise CommandError("Give a text, or --jsonl with lines on stdin.")


def _answer(data: dict[str, Any]) -> dict[str, Any]:
    kind, value = data.get("kind", "text"), data.get("input")
    if value is None:
        return {"text": None}
    if kind == "headers":
        if isinstance(value, str):
            lines = (line.partition(":") for line in value.splitlines() if line.strip())
            value = [(name.strip(), text.strip()) for name, _, text in lines]
        if not isinstance(value, dict | list):
            raise TypeError("headers are not an object")
        return {
            "text": "\n".join(
                f"{name}: {text}" for name, text in redact_headers(value).items()
            )
        }
    if kind not in TEXTS:
        known = ", ".join([*TEXTS, "headers"])
        raise ValueError(f"unknown kind {kind!r}; known are {known}")
    return {"text": TEXTS[kind](value if isinstance(value, str) else json.dumps(value))}
