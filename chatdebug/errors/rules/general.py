"""Rules for what is left: the status, the transport, and words where nothing else is."""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, codes, names, phrases
from chatdebug.errors.rules.causes import TRANSPORT_WORDS
from chatdebug.errors.rules.structure import NO_CAPACITY, RATE_LIMIT_WORDS

CONFIG_WORDS = phrases(r"""
    invalid model
    model[ _]not[ _]found
    unsupported model
    context[ _]length[ _]exceeded
    context_exceeded
    maximum context length
    malformed config
    resolve aws credentials
    """)
"""What is named so is a matter of settings whatever the status."""

CANCELLED_RULES: tuple[Rule, ...] = (
    Rule(
        "text.interrupted",
        ErrorKind.GENERIC,
        text=phrases(r"\b(?:chat|request|operation) interrupted\b"),
    ),
)
"""Those after which an error counts as cancelled, and is not captured."""

CLASSES: tuple[Rule, ...] = (
    Rule(
        "class.quota",
        ErrorKind.USAGE_LIMIT,
        classes=names("ModelQuotaExceededError UsageLimitExceeded"),
        unless_head=phrases(r"""
            per[-_ ]?min(?:ute)?\b
            please retry in \d
            token_limit|request_limit
            """),
    ),
    Rule(
        "class.auth",
        ErrorKind.AUTH,
        classes=names(
            """
            ModelAuthenticationError AuthenticationError PermissionDeniedError
            NoCredentialsError DefaultCredentialsError RefreshError TokenRetrievalError
            """
        ),
    ),
    Rule(
        "class.content_filter",
        ErrorKind.CONTENT_FILTER,
        classes=names(
            """
            ContentFilterError ContentPolicyViolationError
            ContentFilterFinishReasonError
            """
        ),
    ),
    Rule(
        "class.overloaded",
        ErrorKind.OVERLOADED,
        retryable=True,
        classes=names("ModelOverloadedError OverloadedError"),
    ),
    Rule(
        "class.no_capacity",
        ErrorKind.OVERLOADED,
        retryable=True,
        unless_head=RATE_LIMIT_WORDS,
        lead=NO_CAPACITY,
        classes=names(
            """
            ModelRateLimitError RateLimitError ModelUnavailableError InternalServerError
            """
        ),
    ),
    Rule(
        "class.config",
        ErrorKind.CONFIG,
        classes=names(
            """
            ModelContextWindowExceededError ContextWindowExceededError
            UnsupportedParamsError NoRegionError LengthFinishReasonError
            IncompleteOutputException IncompleteToolCall OutputTokenLimitExceeded
            """
        ),
    ),
    Rule("class.not_found", ErrorKind.CONFIG, classes=names("ModelNotFoundError")),
    Rule(
        "class.rate_limit",
        ErrorKind.RATE_LIMIT,
        retryable=True,
        unless_head=CONFIG_WORDS,
        classes=names(
            """
            ModelRateLimitError RateLimitError ConcurrencyLimitExceeded
            RouterRateLimitError TooManyRequestsError
            """
        ),
    ),
)

DEFECTS: tuple[Rule, ...] = (
    Rule(
        "raised.defect",
        ErrorKind.GENERIC,
        raised=names(
            """
            TypeError AttributeError KeyError IndexError AssertionError NameError
            UnboundLocalError ZeroDivisionError NotImplementedError RecursionError
            JSONDecodeError UnicodeDecodeError UnicodeEncodeError
            """
        ),
    ),
)
"""Defects of code: what their text names, it quotes."""

STATUS: tuple[Rule, ...] = (
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

TRANSPORT: tuple[Rule, ...] = (
    Rule(
        "class.timeout",
        ErrorKind.TIMEOUT,
        retryable=True,
        classes=names(
            """
            ModelTimeoutError ModelRequestTimeout APITimeoutError TimeoutException
            ReadTimeout ConnectTimeout PoolTimeout WriteTimeout ReadTimeoutError
            ConnectTimeoutError TimeoutError
            """
        ),
    ),
    Rule(
        "class.connection",
        ErrorKind.TIMEOUT,
        retryable=True,
        classes=names(
            """
            ModelConnectionError APIConnectionError ConnectError ReadError WriteError
            NetworkError RemoteProtocolError ConnectionError ConnectionResetError
            BrokenPipeError EOFError IncompleteReadError EndpointConnectionError
            ConnectionClosedError gaierror ClientConnectionError ClientPayloadError
            ClientConnectorError ServerDisconnectedError ProtocolError IncompleteRead
            ChunkedEncodingError MaxRetryError NewConnectionError SSLEOFError
            SSLZeroReturnError ClosedResourceError BrokenResourceError EndOfStream
            RemoteDisconnected NameResolutionError HTTPClientError
            """
        ),
    ),
    Rule(
        "class.unavailable",
        ErrorKind.TIMEOUT,
        retryable=True,
        classes=names("ModelUnavailableError ServiceUnavailableError"),
    ),
)

SERVER_CODES = codes(
    """
    server_error internal_server_error internal_error api_error INTERNAL
    InternalServerException InternalFailure ModelErrorException
    ModelStreamErrorException
    """
)

LOOSE: tuple[Rule, ...] = (
    # A defect of code, or of the answer: its text quotes what it tripped over.
    Rule(
        "class.defect",
        ErrorKind.GENERIC,
        classes=names(
            """
            TypeError AttributeError LookupError AssertionError NameError
            ArithmeticError ValueError UnexpectedModelBehavior UserError ValidationError
            """
        ),
    ),
    Rule(
        "status.500_with_code",
        ErrorKind.GENERIC,
        retryable=True,
        statuses=frozenset({500}),
        codes=SERVER_CODES,
    ),
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

SERVER: tuple[Rule, ...] = (
    Rule(
        "code.server_error",
        ErrorKind.GENERIC,
        retryable=True,
        unstructured=True,
        codes=SERVER_CODES,
    ),
    Rule("status.500", ErrorKind.GENERIC, retryable=True, statuses=frozenset({500})),
    Rule(
        "class.server",
        ErrorKind.GENERIC,
        retryable=True,
        classes=names("ModelServerError InternalServerError"),
    ),
    Rule(
        "text.server_error",
        ErrorKind.GENERIC,
        retryable=True,
        text=phrases(r"\b(?:internal )?server error\b"),
    ),
)
