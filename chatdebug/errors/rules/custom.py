"""A deployment's own rules: made of literal text, so that none can be slow."""

import re

from chatdebug.enums import ErrorKind
from chatdebug.errors.facts import code_word, unquoted
from chatdebug.errors.rules.base import Rule

MIN_LITERAL = 5
"""Fewer characters are the beginning of too many texts."""
MAX_WILDCARDS = 8


def text_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a text with ``*`` for anything, anchored at the beginning.

    It is compared as the head of an error is: lower case, single spaces, without what is
    quoted. Each ``*`` takes as little as it can and is never tried again, so the search
    is linear. Raises ValueError for a text that says too little or holds too many
    wildcards.
    """
    first, *rest = " ".join(unquoted(text).split()).lower().split("*")
    if len(first) + sum(map(len, rest)) < MIN_LITERAL:
        raise ValueError(
            f"Give at least {MIN_LITERAL} characters besides * and what is in quotes."
        )
    if len(rest) > MAX_WILDCARDS:
        raise ValueError(f"Give at most {MAX_WILDCARDS} wildcards.")
    jumps = (f"(?>.*?{re.escape(part)})" for part in rest if part)
    return re.compile("^" + re.escape(first) + "".join(jumps), re.MULTILINE)


def custom_rule(
    *,
    id: str,
    kind: ErrorKind,
    retryable: bool = False,
    is_shadow: bool = False,
    provider: str = "",
    status_code: int | None = None,
    code: str = "",
    text: str = "",
) -> Rule:
    """Return a deployment's rule. Raises ValueError if its text cannot be used."""
    return Rule(
        f"custom.{id}",
        kind,
        retryable=retryable,
        is_shadow=is_shadow,
        provider=provider,
        statuses=frozenset({status_code} if status_code else ()),
        codes=frozenset({code_word(code)} if code else ()),
        head=text_pattern(text) if text else None,
    )
