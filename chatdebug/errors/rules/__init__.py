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
from chatdebug.errors.rules.base import Rule, decide, first_that_holds
from chatdebug.errors.rules.custom import custom_rule, text_pattern

__all__ = [
    "CANCELLED_RULES",
    "FALLBACK",
    "RULES",
    "Rule",
    "custom_rule",
    "decide",
    "first_that_holds",
    "text_pattern",
]

CANCELLED_RULES: tuple[Rule, ...] = texts.INTERRUPTED

FALLBACK = Rule("fallback.generic", ErrorKind.GENERIC)

RULES: tuple[Rule, ...] = (
    # One provider's own failures: what it says of them fits no rule further down, or
    # another kind's.
    *special_cases.SPECIAL_CASES,
    # Switched off by an administrator, who answers with a 503 like an outage.
    *codes.PROVIDER_DISABLED,
    *leads.PROVIDER_DISABLED,
    # What failed underneath, before whatever calls it a connection error.
    *causes.CAUSES,
    # A page in front of the provider, before its 401, 403 or 407 blames the key.
    *challenges.CHALLENGES,
    # Money, before everything that would wait or blame the key: providers answer it with
    # 400, 403 and 429, and with codes of rate limits and permissions. The words come
    # before the codes below for the same reason.
    *codes.USAGE_LIMIT,
    *leads.USAGE_LIMIT,
    # An organization that may not, before a code that says the model is not found.
    *leads.ORGANIZATION,
    # The provider's own code is what it means; what follows only interprets it.
    *codes.CODES,
    # Refused content, before the classes: some refuse it with 403, as they refuse keys.
    *leads.CONTENT_FILTER,
    # The class that an SDK chose, mostly by status and code.
    *classes.PROVIDERS,
    # A defect of code, before any words: its text quotes what it tripped over.
    *classes.RAISED_DEFECTS,
    # Phrases for any status, before the statuses: 400 is given to almost everything, and
    # a busy server is no outage.
    *leads.PHRASES,
    # A quota that a gateway passes on as 503, before that counts as an outage.
    *leads.GATEWAY_QUOTA,
    # The status, before the words of a transport: a provider's answer means that it was
    # reached.
    *statuses.STATUSES,
    # A connection that failed, by what a gateway passes on and then by class.
    *leads.TRANSPORT,
    *classes.TRANSPORT,
    # Defects anywhere in the chain, after the transports, whose failure may have led to
    # them; before the loose words, which they may quote.
    *classes.DEFECTS,
    # A 500 that its code confirms, before loose words that would call it an outage.
    *statuses.SERVER_ERROR_WITH_CODE,
    # Loose words, only where no provider answered with a 4xx.
    *texts.TEXTS,
    # A server's failure that nothing explains: unknown, but worth another try. Last,
    # because every explanation is better.
    *codes.SERVER_ERROR,
    *statuses.SERVER_ERROR,
    *classes.SERVER_ERROR,
    *texts.SERVER_ERROR,
)
