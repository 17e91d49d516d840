"""The built-in rules, in the order in which they are tried; the first that holds decides.

Their ids are stable: they are stored with every recorded error. What a provider says in
machine-readable form comes first, then phrases of its own, then the status, and loose
words only where no provider answered: text may quote the prompt. "Lead" is the beginning
of the provider's own words without what is quoted there; a rule that reads it is about a
phrase that no prompt would put at that place.

Sources: the providers' error references as of November 2026, and ``tests/accuracy/data``.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, first_that_holds
from chatdebug.errors.rules.causes import CAUSES, CHALLENGES, GATEWAYS, PASSED_ON
from chatdebug.errors.rules.custom import own_rule, text_pattern
from chatdebug.errors.rules.general import (
    CANCELLED_RULES,
    CLASSES,
    DEFECTS,
    LOOSE,
    SERVER,
    STATUS,
    TRANSPORT,
)
from chatdebug.errors.rules.structure import SPECIAL, STRUCTURE
from chatdebug.errors.rules.wording import BLOCKED, PHRASES

__all__ = [
    "CANCELLED_RULES",
    "FALLBACK",
    "RULES",
    "Rule",
    "first_that_holds",
    "own_rule",
    "text_pattern",
]

FALLBACK = Rule("fallback.generic", ErrorKind.GENERIC)

RULES: tuple[Rule, ...] = (
    *SPECIAL,
    *CAUSES,
    *CHALLENGES,
    *STRUCTURE,
    *BLOCKED,
    *CLASSES,
    *DEFECTS,
    *PHRASES,
    *GATEWAYS,
    *STATUS,
    *PASSED_ON,
    *TRANSPORT,
    *LOOSE,
    *SERVER,
)
