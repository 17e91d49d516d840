"""Which names of JSON keys, query parameters, headers and texts stand for secrets.

``SECRET_NAMES`` is the one list: the test of a JSON key and of a query parameter and the
pattern for texts are all made of it. For headers it is turned around: those that are known
to be harmless are kept, and all others are not.
"""

import re
from functools import lru_cache

SECRET_NAMES = (
    "access key",
    "access key id",
    "access token",
    "account key",
    "api key",
    "api token",
    "auth token",
    "bearer token",
    "client secret",
    "credential",
    "credentials",
    "id token",
    "passphrase",
    "passwd",
    "password",
    "private key",
    "pwd",
    "refresh token",
    "secret",
    "secret access key",
    "secret key",
    "security token",
    "session token",
    "signing key",
    "subscription key",
    "token",
)
"""In lower case, the words apart. What has such a name is removed wherever it stands, however
the words are joined: ``apiKey``, ``api-key``, ``API_KEY``, ``apikey``."""
NOT_IN_TEXTS = (
    "connection string",
    "cookie",
    "jwt",
    "mfa code",
    "one time code",
    "otp",
    "otp code",
    "passcode",
    "set cookie",
    "totp",
    "verification code",
)
"""Secret as JSON keys and query parameters. In a text they are mostly talked about ("jwt:
malformed"), a cookie's header has a pattern of its own, and so have codes of digits."""
NOT_AS_KEYS = ("signature",)
"""Secret in texts and as query parameters. A JSON key of that name is a function's."""
ENDS_OF_KEYS = (
    "auth key",
    "encryption key",
    "fernet key",
    "license key",
    "master key",
    "service key",
    "session key",
    "shared access key",
)
"""How further names of JSON keys end, besides "token" and ``SECRET_NAMES``. A text's pattern
takes any name that ends in "key", if there is a digit in the value."""
HARMLESS_TOKENS = (
    "bos",
    "continuation",
    "cursor",
    "eos",
    "mask",
    "next",
    "page",
    "pad",
    "sep",
    "stop",
    "unk",
)
"""Before "token": what models make text of, and what leads to the next page of a list."""
HARMLESS_KEYS = (
    "cache",
    "column",
    r"dedup\w*",
    "foreign",
    "idempotency",
    "index",
    "object",
    "partition",
    "primary",
    "public",
    "sort",
)
"""Before "key": what finds data, or is for everyone."""
PIN = re.compile(r"(?:.*_)?pin")
PIN_VALUE = re.compile(r"\d{4,12}")
"""A PIN by its name and its value: whatever else is a pin has less digits, or none."""
SECRET_FRAGMENTS = ("secret", "password", "authorization", "credential")
"""Anywhere in the name of a JSON key. Not "token": that would hit the usage counters."""
COUNTERS = re.compile(
    r"(?:^|_)(?:count|counts|tokens|limit|length|id_count|name|type)$"
)
"""How names of JSON keys end that speak of secrets and hold none: ``secret_name``."""

SECRET_KEYS = frozenset(
    name.replace(" ", mark)
    for name in SECRET_NAMES + NOT_IN_TEXTS
    for mark in ("_", "")
)
"""Names of JSON keys as ``normalised`` returns them."""
BEFORE_KEY = "|".join(
    name.removesuffix(" key").replace(" ", "_")
    for name in SECRET_NAMES + ENDS_OF_KEYS
    if name.endswith(" key")
)
NOT_HARMLESS = "".join(f"(?<!{word}_)" for word in HARMLESS_TOKENS)
LONGER_KEYS = re.compile(rf"(?:^|_)(?:(?:{BEFORE_KEY})_?keys?|{NOT_HARMLESS}token)$")
"""How longer names of keys and tokens end."""
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a word begins in the middle of a name."""
SECRET_PARAMETERS = frozenset(
    [
        *NOT_AS_KEYS,
        "code",
        "code_verifier",
        "jsessionid",
        "key",
        "phpsessid",
        "sas",
        "se_sig",
        "sessionid",
        "sig",
        "x_amz_credential",
        "x_amz_security_token",
        "x_amz_signature",
        "x_goog_credential",
        "x_goog_signature",
    ]
)
"""Names of a query's parameters, likewise, besides those of JSON keys."""
SECRET_HEADER_PARTS = (
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "password",
    "secret",
    "session",
    "signature",
    "token",
)
"""Anywhere in the name of a header, besides ``SECRET_NAMES``: not even a short value of it is
kept."""
SAFE_HEADERS = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "age",
        "allow",
        "alt-svc",
        "azureml-model-session",
        "anthropic-beta",
        "anthropic-organization-id",
        "anthropic-version",
        "apim-request-id",
        "cache-control",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expect",
        "expires",
        "host",
        "keep-alive",
        "last-modified",
        "link",
        "location",
        "openai-model",
        "openai-organization",
        "openai-processing-ms",
        "openai-project",
        "openai-version",
        "pragma",
        "range",
        "referer",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "server",
        "server-timing",
        "strict-transport-security",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "vary",
        "via",
        "warning",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-cache",
        "x-content-type-options",
        "x-goog-api-client",
        "x-envoy-upstream-service-time",
        "x-goog-request-id",
        "x-groq-region",
        "x-ms-client-request-id",
        "x-ms-region",
        "x-powered-by",
        "x-request-id",
        "x-should-retry",
    ]
)
SAFE_HEADER_PREFIXES = (
    "access-control-",
    "anthropic-fast-",
    "anthropic-priority-",
    "anthropic-ratelimit-",
    "fireworks-",
    "ratelimit-",
    "x-amzn-bedrock-",
    "x-envoy-",
    "x-ratelimit-",
    "x-stainless-",
    "x-tokenlimit-",
)
MAX_REMEMBERED = 60
"""A longer name is not remembered: what is as long may be a text."""
MIN_VALUE = 6
"""A value shorter than this is no secret worth the name."""


def normalised(name: str) -> str:
    """Return a name in the form in which names are compared: lower case, words by ``_``."""
    snake = CAMEL.sub("_", name.strip())
    return snake.lower().replace("-", "_").replace(" ", "_")


def is_secret_key(name: str) -> bool:
    """Return whether a JSON key of this name holds a secret."""
    if len(name) > MAX_REMEMBERED:
        return _is_secret_key.__wrapped__(name)
    return _is_secret_key(name)


@lru_cache(4_096)
def _is_secret_key(name: str) -> bool:
    name = normalised(name)
    if name in SECRET_KEYS or name.removeprefix("x_") in SECRET_KEYS:
        return True
    if COUNTERS.search(name):
        return False
    if any(fragment in name for fragment in SECRET_FRAGMENTS):
        return True
    return LONGER_KEYS.search(name) is not None


def is_pin(name: str, value: object) -> bool:
    """Return whether a JSON key of this name holds a PIN."""
    return (
        name[-3:].lower() == "pin"
        and isinstance(value, str | int)
        and PIN.fullmatch(normalised(name)) is not None
        and PIN_VALUE.fullmatch(str(value)) is not None
    )


def is_secret_parameter(name: str) -> bool:
    """Return whether a query parameter of this name holds a secret."""
    return normalised(name) in SECRET_PARAMETERS or is_secret_key(name)


def is_safe_header(name: str) -> bool:
    """Return whether a header of this name may be kept as it is."""
    name = name.strip().lower()
    return name in SAFE_HEADERS or name.startswith(SAFE_HEADER_PREFIXES)


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name is kept under no circumstances."""
    name = name.strip().lower()
    return not is_safe_header(name) and (
        any(part in name for part in SECRET_HEADER_PARTS) or is_secret_key(name)
    )
