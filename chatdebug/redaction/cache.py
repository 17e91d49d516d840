"""Remembers what texts came to when they were redacted: a history is the same each turn."""

from collections import OrderedDict
from threading import Lock

ENTRIES = 20_000
"""About 4 MB of keys: the texts of 500 chats that are going on."""
CHARACTERS = 2_000_000
"""Of redacted texts that are kept; of those without a secret only a key is."""


type TextKey = tuple[int, int]
"""Python's own hash of a text, which no two processes have in common, and its length."""


class RedactedTexts:
    """Redacted texts by the hash of what they were. Thread-safe, and bounded.

    No text is kept as it was. What was found with another set of secrets counts for
    nothing: ``matcher`` is the identity of that set. Two texts of the same length have
    the same 64 bits once in some 10^15 texts that are looked up; a digest of more bits
    costs as much as all else that a text of a history needs.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[TextKey, str | None] = OrderedDict()
        self._characters = 0
        self._matcher: object = None

    def find(self, text: str, matcher: object) -> str | None:
        """Return what a text came to, if that is known."""
        key = hash(text), len(text)
        with self._lock:
            if self._matcher is not matcher or key not in self._known:
                return None
            self._known.move_to_end(key)
            redacted = self._known[key]
        return text if redacted is None else redacted

    def keep(self, text: str, redacted: str, matcher: object) -> None:
        """Remember what a text came to; what was not asked for longest is forgotten."""
        key = hash(text), len(text)
        kept = None if redacted == text else redacted
        with self._lock:
            if self._matcher is not matcher:
                self._known.clear()
                self._characters = 0
                self._matcher = matcher
            self._characters += len(kept or "") - len(self._known.get(key) or "")
            self._known[key] = kept
            while len(self._known) > ENTRIES or self._characters > CHARACTERS:
                _, forgotten = self._known.popitem(last=False)
                self._characters -= len(forgotten or "")

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._characters = 0
