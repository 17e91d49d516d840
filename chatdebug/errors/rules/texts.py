"""Rules about words anywhere in a text, where no provider answered with a 4xx."""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, phrases
from chatdebug.errors.rules.vocabulary import CONFIG_WORDS, NO_CAPACITY, TRANSPORT_WORDS

INTERRUPTED: tuple[Rule, ...] = (
    Rule(
        "text.interrupted",
        ErrorKind.GENERIC,
        text=phrases(r"\b(?:chat|request|operation) interrupted\b"),
    ),
)
"""After these an error counts as cancelled, and is not captured."""

TEXTS: tuple[Rule, ...] = (
    # Only where no provider gave structure.
    Rule("text.overloaded", ErrorKind.OVERLOADED, retryable=True, text=NO_CAPACITY),
    Rule(
        "text.usage_limit",
        ErrorKind.USAGE_LIMIT,
        text=phrases(r"""
            \bquota\b
            (?<![\w-])billing(?![\w-])
            payment required
            insufficient_quota
            """),
        # Some say with every limit where to pay for a higher one.
        unless_head=phrases(r"""
            rate limit reached
            per minute
            """),
    ),
    Rule(
        "text.auth",
        ErrorKind.AUTH,
        text=phrases(r"""
            \bauthentication\b
            \bunauthorized\b
            invalid api key
            invalid_api_key
            \bforbidden\b
            """),
    ),
    Rule(
        "text.rate_limit",
        ErrorKind.RATE_LIMIT,
        retryable=True,
        unless_head=CONFIG_WORDS,
        text=phrases(r"""
            rate[ _-]limit
            ratelimit
            too many (?:concurrent )?requests
            (?:parallel|concurrent) request limit
            concurrency limit
            ^(?:\W?api error: )?resource (?:has been )?exhausted\b
            throttl(?:ed|ing)
            """),
    ),
    Rule("text.deadline", ErrorKind.TIMEOUT, text=phrases("context deadline exceeded")),
    Rule("text.config", ErrorKind.CONFIG, text=CONFIG_WORDS),
    Rule(
        "text.timeout",
        ErrorKind.TIMEOUT,
        retryable=True,
        text=phrases(
            TRANSPORT_WORDS.pattern
            + r"""
            \btime-?out\b(?! (?:argument|context|must|parameter|setting|should|value))
            \btimed out\b
            \brequest to \S+ failed, reason
            (?:unable to|failed to|could not|cannot) connect\b
            \b(?:service )?unavailable\b
            connection error
            bad gateway
            gateway time-?out
            """
        ),
    ),
)

SERVER_ERROR: tuple[Rule, ...] = (
    Rule(
        "text.server_error",
        ErrorKind.GENERIC,
        retryable=True,
        text=phrases(r"\b(?:internal )?server error\b"),
    ),
)
