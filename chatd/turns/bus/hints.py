"""What one process tells the others by NOTIFY: of which turns there is more to read.

It says nothing else, and may be lost: the truth is in the table.
"""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

CHANNEL = "chatd_turns"
MAX_BYTES = 7_999
"""As much as PostgreSQL carries."""
ANY = ""
"""Of more turns than can be named."""


def hint(turn_ids: Iterable[UUID]) -> str:
    """Return what to say of some turns."""
    text = " ".join(turn_id.hex for turn_id in turn_ids)
    return text if len(text) <= MAX_BYTES else ANY


def hinted(text: str) -> set[UUID] | None:
    """Return the turns that were named; None: it may be any. Nonsense names none."""
    if text == ANY:
        return None
    turn_ids = set()
    for word in text.split():
        with suppress(ValueError):
            turn_ids.add(UUID(word))
    return turn_ids
