"""The built-in rules, in the order in which they are tried; the first that holds decides.

Their ids are stable: they are stored with every recorded error, and the part before the
dot names the module here (``lead.credit`` is in ``leads``; ``raised.`` is in ``classes``,
``responses.``, ``stream.`` and ``gemini.`` are in ``special_cases``). Three more prefixes
are no rule's of this package: ``custom.`` is a deployment's own, ``known.`` an exception
that says itself what it is, and ``ended.`` the caller's own end of a call.

Sources: the providers' error references as of November 2026, and ``tests/accuracy/data``.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules import (
    causes,
    challenges,
    classes,
    codes,
    leads,
    special_cases,
    statuses,
    texts,
)
from chatdebug.errors.rules.base import Rule, first_that_holds
from chatdebug.errors.rules.custom import own_rule, text_pattern

__all__ = [
    "CANCELLED_RULES",
    "FALLBACK",
    "RULES",
    "Rule",
    "first_that_holds",
    "own_rule",
    "text_pattern",
]

CANCELLED_RULES: tuple[Rule, ...] = texts.INTERRUPTED

FALLBACK = Rule("fallback.generic", ErrorKind.GENERIC)

RULES: tuple[Rule, ...] = (
    *special_cases.SPECIAL_CASES,
    *codes.PROVIDER_DISABLED,
    *leads.PROVIDER_DISABLED,
    *causes.CAUSES,
    *challenges.CHALLENGES,
    *codes.USAGE_LIMIT,
    *leads.USAGE_LIMIT,
    *leads.ORGANIZATION,
    *codes.CODES,
    *leads.CONTENT_FILTER,
    *classes.PROVIDERS,
    *classes.RAISED_DEFECTS,
    *leads.PHRASES,
    *leads.GATEWAY_QUOTA,
    *statuses.STATUSES,
    *leads.TRANSPORT,
    *classes.TRANSPORT,
    *classes.DEFECTS,
    *statuses.SERVER_ERROR_WITH_CODE,
    *texts.TEXTS,
    *codes.SERVER_ERROR,
    *statuses.SERVER_ERROR,
    *classes.SERVER_ERROR,
    *texts.SERVER_ERROR,
)
