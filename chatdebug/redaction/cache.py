"""Remembers what texts came to when they were redacted: a history is the same each turn."""

from collections import OrderedDict
from hashlib import sha256
from threading import Lock

ENTRIES = 20_000
"""About 3 MB of digests: the texts of 500 chats that are going on."""
CHARACTERS = 2_000_000
"""Of redacted texts that are kept; of those without a secret only a digest is."""


class RedactedTexts:
    """Redacted texts by the digest of what they were. Thread-safe, and bounded.

    No text is kept as it was. What was found with another set of secrets counts for
    nothing: ``matcher`` is the identity of that set.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[bytes, str | None] = OrderedDict()
        self._characters = 0
        self._matcher: object = None

    def find(self, text: str, matcher: object) -> tuple[bytes, str | None]:
        """Return the text's digest, and what it came to if that is known."""
        encoded = text.encode("utf-8", "surrogatepass")
        digest = sha256(encoded, usedforsecurity=False).digest()
        with self._lock:
            if self._matcher is not matcher or digest not in self._known:
                return digest, None
            self._known.move_to_end(digest)
            redacted = self._known[digest]
        return digest, text if redacted is None else redacted

    def keep(self, digest: bytes, text: str, redacted: str, matcher: object) -> None:
        """Remember what a text came to; what was not asked for longest is forgotten."""
        kept = None if redacted == text else redacted
        with self._lock:
            if self._matcher is not matcher:
                self._known.clear()
                self._characters = 0
                self._matcher = matcher
            self._characters += len(kept or "") - len(self._known.get(digest) or "")
            self._known[digest] = kept
            while len(self._known) > ENTRIES or self._characters > CHARACTERS:
                _, forgotten = self._known.popitem(last=False)
                self._characters -= len(forgotten or "")

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._characters = 0
