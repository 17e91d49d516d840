"""Which rules of redaction these are, as a short text that changes with any of them."""

from functools import cache
from hashlib import sha256

from chatdebug.redaction.key_formats import RESTS, VENDOR_PATTERNS
from chatdebug.redaction.keywords import CONTEXT_PATTERNS
from chatdebug.redaction.patterns import PLACEHOLDER, Pattern
from chatdebug.redaction.secret_names import (
    COUNTERS,
    ENDS_OF_KEYS,
    HARMLESS_KEYS,
    HARMLESS_TOKENS,
    NOT_AS_KEYS,
    NOT_IN_TEXTS,
    PIN,
    PIN_VALUE,
    SAFE_HEADER_PREFIXES,
    SAFE_HEADERS,
    SECRET_FRAGMENTS,
    SECRET_HEADER_PARTS,
    SECRET_NAMES,
    SECRET_PARAMETERS,
)

CHARACTERS = 16
"""Of the hash, in the version."""
NAMES = (
    *(SECRET_NAMES, NOT_IN_TEXTS, NOT_AS_KEYS, ENDS_OF_KEYS, HARMLESS_TOKENS),
    *(HARMLESS_KEYS, SECRET_FRAGMENTS, SECRET_PARAMETERS, SECRET_HEADER_PARTS),
    *(SAFE_HEADERS, SAFE_HEADER_PREFIXES),
)


@cache
def rules_version() -> str:
    """Return a hash of the tables of rules: of patterns, and of names."""
    patterns = [_rule(pattern) for pattern in (*VENDOR_PATTERNS, *CONTEXT_PATTERNS)]
    others = (COUNTERS, PLACEHOLDER, PIN, PIN_VALUE, RESTS)
    tables = [patterns, *map(sorted, NAMES), *(regex.pattern for regex in others)]
    return sha256(repr(tables).encode()).hexdigest()[:CHARACTERS]


def _rule(rule: Pattern) -> tuple[str | int | None, ...]:
    regexes = (rule.regex, rule.gate, rule.unless)
    parts = [
        part for regex in regexes if regex for part in (regex.pattern, regex.flags)
    ]
    return (rule.kind, *rule.hints, *parts)
