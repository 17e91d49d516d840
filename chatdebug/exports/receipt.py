"""The receipt of a document: what redaction had removed, by which rules, and the hash."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from chatdebug.redaction import MARKERS
from chatdebug.redaction.canary import canaries
from chatdebug.redaction.fragments import AS_TOKENS
from chatdebug.redaction.key_formats import VENDOR_PATTERNS
from chatdebug.redaction.keywords import CONTEXT_PATTERNS
from chatdebug.redaction.known_secrets import REPLACEMENT, UNKNOWN
from chatdebug.redaction.patterns import marker
from chatdebug.redaction.sent_secrets import REPLACEMENT as SENT
from chatdebug.redaction.values import TOO_DEEP
from chatdebug.redaction.version import rules_version

BY_NAME = "by name"
"""The kind of what was removed for the name beside it."""
KINDS = {
    **{
        marker(pattern.kind): pattern.kind
        for pattern in (*VENDOR_PATTERNS, *CONTEXT_PATTERNS)
    },
    REPLACEMENT: "configured secret",
    SENT: "sent credential",
    UNKNOWN: "secrets unknown",
    AS_TOKENS: "tokens",
    TOO_DEEP: "too deep",
    "[REDACTED]": BY_NAME,
    "[REDACTED_URL]": "address",
}
"""What the markers say, that of each kind."""
OTHER = "other"
"""The kind of a marker that another release wrote, or the author of a text made up: its
words may be anybody's."""


class ReceiptWriter:
    """Collects what a receipt says while its document is written."""

    def __init__(self) -> None:
        self.runs = 0
        self._removed: Counter[str] = Counter()
        self._hash = sha256()

    def count(self, stored: Any) -> None:
        """Count the markers of redaction in recorded data, whatever is sent of it."""
        self._removed.update(markers(stored))

    def hash(self, text: str) -> None:
        """Take the next piece of canonical JSON; what ends a line there is no part of it."""
        self._hash.update(text.strip("\n").encode())

    def as_json(self) -> dict[str, Any]:
        """Return the receipt.

        ``sha256``: of the canonical JSON of the document without the receipt. ``removed``:
        how often each kind of secret had been removed from what was recorded. ``rules``:
        the version of the rules, and how the self-test with made-up secrets came out,
        both now, where the document is written.
        """
        return {
            "sha256": self._hash.hexdigest(),
            "runs": self.runs,
            "removed": dict(self._removed),
            "rules": rules_version(),
            "canary": self_test(),
        }


def self_test() -> dict[str, int]:
    """Return how many made-up secrets were put through redaction, and how many stayed."""
    results = [was_removed for _, was_removed in canaries()]
    return {"tried": len(results), "leaked": results.count(False)}


def markers(value: Any) -> Iterator[str]:
    """Yield the kind of each marker in JSON-like data, keys included."""
    # Without recursion: what was stored may be nested deeper than a stack is.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            for found in MARKERS.findall(item):
                yield BY_NAME if found.startswith("%") else KINDS.get(found, OTHER)
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
