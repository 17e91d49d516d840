"""Rules about the classes of exceptions: those of SDKs, of HTTP clients and of Python.

``class.`` looks at the whole chain and at base classes, ``raised.`` at the outermost
exception alone.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, class_names, phrases
from chatdebug.errors.rules.vocabulary import (
    CONFIG_WORDS,
    NO_CAPACITY,
    RATE_LIMIT_WORDS,
)

PROVIDERS: tuple[Rule, ...] = (
    Rule(
        "class.quota",
        ErrorKind.USAGE_LIMIT,
        classes=class_names("ModelQuotaExceededError UsageLimitExceeded"),
        unless_head=phrases(r"""
            per[-_ ]?min(?:ute)?\b
            please retry in \d
            token_limit|request_limit
            """),
    ),
    Rule(
        "class.auth",
        ErrorKind.AUTH,
        classes=class_names(
            """
            ModelAuthenticationError AuthenticationError PermissionDeniedError
            NoCredentialsError DefaultCredentialsError RefreshError TokenRetrievalError
            """
        ),
    ),
    Rule(
        "class.content_filter",
        ErrorKind.CONTENT_FILTER,
        classes=class_names(
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
        classes=class_names("ModelOverloadedError OverloadedError"),
    ),
    Rule(
        "class.no_capacity",
        ErrorKind.OVERLOADED,
        retryable=True,
        unless_head=RATE_LIMIT_WORDS,
        lead=NO_CAPACITY,
        classes=class_names(
            """
            ModelRateLimitError RateLimitError ModelUnavailableError InternalServerError
            """
        ),
    ),
    Rule(
        "class.config",
        ErrorKind.CONFIG,
        classes=class_names(
            """
            ModelContextWindowExceededError ContextWindowExceededError
            UnsupportedParamsError NoRegionError LengthFinishReasonError
            IncompleteOutputException IncompleteToolCall OutputTokenLimitExceeded
            """
        ),
    ),
    Rule(
        "class.not_found", ErrorKind.CONFIG, classes=class_names("ModelNotFoundError")
    ),
    Rule(
        "class.rate_limit",
        ErrorKind.RATE_LIMIT,
        retryable=True,
        unless_head=CONFIG_WORDS,
        classes=class_names(
            """
            ModelRateLimitError RateLimitError ConcurrencyLimitExceeded
            RouterRateLimitError TooManyRequestsError
            """
        ),
    ),
)

RAISED_DEFECTS: tuple[Rule, ...] = (
    Rule(
        "raised.defect",
        ErrorKind.GENERIC,
        raised=class_names(
            """
            TypeError AttributeError KeyError IndexError AssertionError NameError
            UnboundLocalError ZeroDivisionError NotImplementedError RecursionError
            JSONDecodeError UnicodeDecodeError UnicodeEncodeError
            """
        ),
    ),
)
"""Defects of code: what their text names, it quotes."""

TRANSPORT: tuple[Rule, ...] = (
    Rule(
        "class.timeout",
        ErrorKind.TIMEOUT,
        retryable=True,
        classes=class_names(
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
        classes=class_names(
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
        classes=class_names("ModelUnavailableError ServiceUnavailableError"),
    ),
)

DEFECTS: tuple[Rule, ...] = (
    # A defect of code, or of the answer: its text quotes what it tripped over.
    Rule(
        "class.defect",
        ErrorKind.GENERIC,
        classes=class_names(
            """
            TypeError AttributeError LookupError AssertionError NameError
            ArithmeticError ValueError UnexpectedModelBehavior UserError ValidationError
            """
        ),
    ),
)

SERVER_ERROR: tuple[Rule, ...] = (
    Rule(
        "class.server",
        ErrorKind.GENERIC,
        retryable=True,
        classes=class_names("ModelServerError InternalServerError"),
    ),
)
