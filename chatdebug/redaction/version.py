"""Which rules of redaction these are, as a short text that changes with any of them."""

import re
from functools import cache
from hashlib import sha256
from types import ModuleType
from typing import Any

from chatdebug.redaction import (
    documents,
    events,
    fragments,
    key_formats,
    keywords,
    known_secrets,
    notations,
    patterns,
    secret_names,
    sent_secrets,
    text,
    values,
    words,
)
from chatdebug.redaction.patterns import Pattern

CHARACTERS = 16
"""Of the hash, in the version."""
MODULES: tuple[ModuleType, ...] = (
    *(documents, events, fragments, key_formats, keywords, known_secrets, notations),
    *(patterns, secret_names, sent_secrets, text, values, words),
)
"""Each constant of these is a rule, or a part or a limit of one."""


@cache
def rules_version() -> str:
    """Return a hash of the tables of rules: of patterns, names and limits."""
    tables = [
        (module.__name__, name, _plain(value))
        for module in MODULES
        for name, value in sorted(vars(module).items())
        if name.isupper()
    ]
    return sha256(repr(tables).encode()).hexdigest()[:CHARACTERS]


def _plain(value: Any) -> Any:
    """Return a constant as what has the same printed form in each process."""
    if isinstance(value, re.Pattern):
        return value.pattern, value.flags
    if isinstance(value, Pattern):
        regexes = (value.regex, value.gate, value.unless)
        return value.kind, value.hints, *map(_plain, regexes)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(repr(_plain(item)) for item in value)
    if isinstance(value, dict):
        return [(_plain(key), _plain(item)) for key, item in value.items()]
    is_plain = value is None or isinstance(value, str | bytes | int | float)
    return value if is_plain else type(value).__name__
