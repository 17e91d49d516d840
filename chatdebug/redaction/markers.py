"""What stands where a secret was. It says what kind was removed, and never any of it."""

import re

MARKER = "[REDACTED]"
"""For a value whose name, which stays beside it, says what it was."""


def marker(kind: str) -> str:
    """Return the marker for a secret that was known by its look, or by being configured."""
    return f"[REDACTED:{kind}]"


MARKERS = re.compile(r"\[REDACTED(?::[a-z0-9 ]{1,30}|_URL)?\]|%5[Bb]REDACTED%5[Dd]")
"""Each marker, also as a URL has it."""
