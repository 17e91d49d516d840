"""What makes two failures the same one."""

import re
from hashlib import blake2b
from typing import Any

MESSAGE_CHARACTERS = 300

VOLATILE = re.compile(
    r"https?://\S+"  # addresses
    r"|'[^']{0,200}'|\"[^\"]{0,200}\"|`[^`]{0,200}`"  # quoted text
    r"|\b\w*\d\w*\b"  # numbers, dates, and ids, which have a digit somewhere
    r"|\[redacted[^\]]*\]"
)
"""What differs between two messages about the same failure."""
VERSION = re.compile(
    r"[-@.:](?:\d{4}-\d{2}-\d{2}|\d{6,}|latest|preview|v\d+)(?=[-:@]|$)"
)
"""What differs between two releases of the same model."""
LIBRARIES = ("site-packages/", "lib/python")


def fingerprint(error: dict[str, Any], *, model: str) -> str:
    """Return 16 hexadecimal digits that are equal for the same failure.

    ``error`` is the payload that ``error_payload`` makes. Equal are: kind, provider, the
    model's family, the types of the exception chain, the message without what varies
    (ids, numbers, URLs, quoted text), and the innermost frame of the project's own code.
    """
    facts = (
        error["kind"],
        error["provider"],
        VERSION.sub("", model.lower()),
        *(link["type"] for link in error["chain"]),
        _stable(error["message"]),
        _own_frame(error["frames"]),
    )
    return blake2b("\x1f".join(facts).encode(), digest_size=8).hexdigest()


def _stable(message: str) -> str:
    text = VOLATILE.sub("…", message[: MESSAGE_CHARACTERS * 4].lower())
    return " ".join(text.split())[:MESSAGE_CHARACTERS]


def _own_frame(frames: list[dict[str, Any]]) -> str:
    for frame in reversed(frames):
        if not any(mark in frame["file"] for mark in LIBRARIES):
            return f"{frame['file']} {frame['function']}"
    return ""
