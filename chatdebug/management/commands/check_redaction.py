"""Tries whether this deployment's secrets are removed wherever they may turn up."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.core.management.base import CommandError

from chatdebug.management.piped import PipedCommand
from chatdebug.management.stream_formats import STREAM_FORMATS, StreamFormat
from chatdebug.redaction import (
    configured_secrets,
    redact_body,
    redact_headers,
    redact_json,
    redact_ndjson,
    redact_text,
    redact_url,
)
from chatdebug.redaction.known_secrets import MIN_END, MIN_PIECE

PARTS = range(1, 6)
"""Characters of the parts in which a model may stream a secret."""


def _streamed(secret: str, stream: StreamFormat) -> str:
    """Return what a recorded stream still says of a secret in parts of each size."""
    text = f"before {secret} after"
    said = []
    for size in PARTS:
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        said.append(
            stream.text_of(redact_body(stream.body(parts), stream.content_type))
        )
    return "\n".join(said)


PATHS: dict[str, Callable[[str], str]] = {
    "text": lambda secret: redact_text(f"before {secret} after"),
    "JSON value": lambda secret: json.dumps(redact_json({"note": [secret]})),
    "JSON in a JSON string": lambda secret: redact_body(
        json.dumps({"note": json.dumps({"inner": secret})}), "application/json"
    ),
    "NDJSON": lambda secret: redact_ndjson(json.dumps({"note": secret})),
    "event stream": lambda secret: redact_body(
        f"data: {json.dumps({'note': secret})}\n\n", "text/event-stream"
    ),
    "form": lambda secret: redact_body(
        f"note={quote(secret)}&b=1", "application/x-www-form-urlencoded"
    ),
    "HTML": lambda secret: redact_body(f"<p>{secret}</p>", "text/html"),
    "header": lambda secret: str(
        redact_headers({"Referer": f"https://x.example/{secret}"})
    ),
    "URL": lambda secret: redact_url(f"https://x.example/{quote(secret, safe='')}?a=1"),
    "percent-encoded": lambda secret: redact_text(f"a {quote(secret, safe='')} b"),
    **{
        f"base64, alignment {shift}": lambda secret, shift=shift: redact_text(  # type: ignore[misc]
            base64.b64encode(b"x" * shift + secret.encode() + b"yz").decode()
        )
        for shift in range(3)
    },
    **{
        f"streamed, {name}": lambda secret, stream=stream: _streamed(secret, stream)  # type: ignore[misc]
        for name, stream in STREAM_FORMATS.items()
    },
    "head": lambda secret: redact_text(f"starts with {secret[:MIN_END]}…"),
    "tail": lambda secret: redact_text(f"ends with …{secret[-MIN_END:]}"),
}


class Command(PipedCommand):
    """Put each secret on each path, and look for what is left of it."""

    help = "Self-test: are the secrets of this deployment removed on every path?"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each path, never a secret.

        Raises CommandError for a leak, and if it is not known what the secrets are.
        """
        secrets = configured_secrets.secrets()
        if failure := configured_secrets.failure():
            raise CommandError(
                f"The secrets of this deployment are not known: {failure}. Until they "
                "are, each text is replaced by a note. The log says more."
            )
        if not secrets:
            self.stdout.write("No secrets are configured: nothing to test.")
            return
        leaks = 0
        for name, path in PATHS.items():
            leaking = sum(_shows(path(secret), secret) for secret in secrets)
            leaks += leaking
            result = f"{leaking} LEAK" if leaking else "ok"
            self.stdout.write(f"{name:38} {result}")
        self.stdout.write(f"{len(secrets)} secrets, {len(PATHS)} paths.")
        if leaks:
            raise CommandError(f"{leaks} leaks.")


def _shows(text: str, secret: str) -> bool:
    """Return whether a text shows a piece of a secret: in plain, encoded, head or tail."""
    pieces = {secret[:MIN_END], secret[-MIN_END:], quote(secret, safe="")[:MIN_PIECE]}
    pieces |= {
        secret[start : start + MIN_PIECE]
        for start in range(max(1, len(secret) - MIN_PIECE + 1))
    }
    return any(piece in text for piece in pieces)
