"""Which names of headers, query parameters and JSON keys stand for secrets.

From reference-behaviour.md (e), turned around for headers: those that are known to be
harmless are kept, all others are not.
"""

import re
from functools import lru_cache

SECRET_KEYS = frozenset(
    [
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "api_token",
        "auth_token",
        "bearer_token",
        "session_token",
        "security_token",
        "api_key",
        "apikey",
        "x_api_key",
        "subscription_key",
        "private_key",
        "signing_key",
        "secret_key",
        "access_key",
        "access_key_id",
        "secret_access_key",
        "account_key",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "apitoken",
        "authtoken",
        "bearertoken",
        "sessiontoken",
        "securitytoken",
        "privatekey",
        "signingkey",
        "secretkey",
        "accesskey",
        "subscriptionkey",
        "jwt",
        "passphrase",
        "passwd",
        "pwd",
        "connection_string",
        "cookie",
        "set_cookie",
    ]
)
"""Names of JSON keys, in lower case with _ for - and spaces."""
SECRET_FRAGMENTS = ("secret", "password", "authorization", "credential")
"""Anywhere in the name of a JSON key. Not "token": that would hit the usage counters."""
COMPOUND_KEYS = re.compile(
    r"(?:^|_)(?:(?:access|account|api|auth|encryption|fernet|license|master|private|secret|"
    r"service|session|shared_access|signing|subscription)_?keys?|"
    r"(?<!bos_)(?<!eos_)(?<!pad_)(?<!unk_)(?<!sep_)(?<!mask_)(?<!stop_)(?<!next_)(?<!page_)"
    r"(?<!cursor_)(?<!continuation_)token)$"
)
"""How longer names of keys and tokens end; tokens that models are made of are none."""
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
COUNTERS = re.compile(
    r"(?:^|_)(?:count|counts|tokens|limit|length|id_count|name|type)$"
)

SECRET_PARAMETERS = frozenset(
    [
        "key",
        "sig",
        "signature",
        "code",
        "x_amz_signature",
        "x_amz_credential",
        "x_amz_security_token",
        "x_goog_signature",
        "x_goog_credential",
        "sas",
        "se_sig",
        "code_verifier",
        "jsessionid",
        "phpsessid",
        "sessionid",
    ]
)
"""Of a URL's query, besides the names of JSON keys."""
SECRET_HEADER_PARTS = (
    *("auth", "api-key", "api_key", "apikey", "token", "secret", "bearer"),
    *("cookie", "password", "credential", "signature", "session"),
)
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
    *("anthropic-ratelimit-", "anthropic-priority-", "anthropic-fast-", "x-ratelimit-"),
    *("ratelimit-", "x-stainless-", "x-amzn-bedrock-", "x-envoy-", "x-tokenlimit-"),
    *("access-control-", "fireworks-"),
)
LONGEST = 60
"""A longer name is not remembered: what is as long may be a text."""
SHORT = 6
"""A value shorter than this is no secret worth the name."""


def normalised(name: str) -> str:
    """Return a name in the form in which names are compared."""
    snake = CAMEL.sub("_", name.strip())
    return snake.lower().replace("-", "_").replace(" ", "_")


def is_secret_key(name: str) -> bool:
    """Return whether a JSON key of this name holds a secret."""
    return _is_secret_key(name) if len(name) <= LONGEST else _decide_key(name)


@lru_cache(4_096)
def _is_secret_key(name: str) -> bool:
    return _decide_key(name)


def _decide_key(name: str) -> bool:
    name = normalised(name)
    if name in SECRET_KEYS or name.removeprefix("x_") in SECRET_KEYS:
        return True
    if COUNTERS.search(name):
        return False
    if any(fragment in name for fragment in SECRET_FRAGMENTS):
        return True
    return bool(COMPOUND_KEYS.search(name))


def is_secret_parameter(name: str) -> bool:
    """Return whether a query parameter of this name holds a secret."""
    name = normalised(name)
    return name in SECRET_PARAMETERS or is_secret_key(name)


def is_safe_header(name: str) -> bool:
    """Return whether a header of this name may be kept as it is."""
    name = name.strip().lower()
    return name in SAFE_HEADERS or name.startswith(SAFE_HEADER_PREFIXES)


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name is kept under no circumstances."""
    name = name.strip().lower()
    return not is_safe_header(name) and any(
        part in name for part in SECRET_HEADER_PARTS
    )
