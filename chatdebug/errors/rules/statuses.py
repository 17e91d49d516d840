"""Rules about the HTTP status, for whatever its code and its first words left undecided.

401                           auth
402                           usage_limit
403                           auth, unless the model or its settings are named
408                           timeout, retried
413                           config
429                           rate_limit, retried
529                           overloaded, retried
502 to 504, 520 to 527, 530,  timeout, retried, unless a gateway could not read an answer
598, 599
500                           generic, retried

407 and 511, and 401 and 403 with a web page, are in ``challenges``. Any other status says
nothing by itself: 400, 404 and 422 are given to almost everything.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, phrases
from chatdebug.errors.rules.vocabulary import CONFIG_WORDS, SERVER_CODES

STATUSES: tuple[Rule, ...] = (
    Rule("status.401", ErrorKind.AUTH, statuses=frozenset({401})),
    Rule("status.402", ErrorKind.USAGE_LIMIT, statuses=frozenset({402})),
    Rule(
        "status.403",
        ErrorKind.AUTH,
        statuses=frozenset({403}),
        unless_head=CONFIG_WORDS,
    ),
    Rule("status.408", ErrorKind.TIMEOUT, retryable=True, statuses=frozenset({408})),
    Rule("status.413", ErrorKind.CONFIG, statuses=frozenset({413})),
    Rule("status.429", ErrorKind.RATE_LIMIT, retryable=True, statuses=frozenset({429})),
    Rule("status.529", ErrorKind.OVERLOADED, retryable=True, statuses=frozenset({529})),
    Rule(
        "status.502_503_504",
        ErrorKind.TIMEOUT,
        retryable=True,
        statuses=frozenset({502, 503, 504, *range(520, 528), 530, 598, 599}),
        # What a gateway could not read is no outage.
        unless_head=phrases(r"""
            unexpected token
            (?:failed to|could not|error) pars(?:e|ing)
            """),
    ),
)

SERVER_ERROR_WITH_CODE: tuple[Rule, ...] = (
    Rule(
        "status.500_with_code",
        ErrorKind.GENERIC,
        retryable=True,
        statuses=frozenset({500}),
        codes=SERVER_CODES,
    ),
)

SERVER_ERROR: tuple[Rule, ...] = (
    Rule("status.500", ErrorKind.GENERIC, retryable=True, statuses=frozenset({500})),
)
