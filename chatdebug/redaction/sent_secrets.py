"""The credentials that a failing call itself sent: its provider may say them again.

Nobody has to name them: they stand in the secret headers and in the address of the request.
Only a failure is looked at, and only while it is.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from urllib.parse import parse_qsl, unquote, urlsplit

from chatdebug.redaction.known_secrets import MIN_SECRET, SecretMatcher
from chatdebug.redaction.patterns import PLACEHOLDER, marker
from chatdebug.redaction.secret_names import is_secret_header, is_secret_parameter

HEADERS = 100
"""Of a request, how many are looked at."""
VALUE_CHARACTERS = 8_192
"""A longer value is not looked at: no server takes it."""
SECRETS = 20
"""Of one failure, how many are looked for."""
LONG = 400
"""Of a longer one, what is found is the whole as it is, and the beginning in any encoding."""
TOGETHER = 2_000
"""How many characters are looked for in any encoding: ten keys, or five large tokens."""
REPLACEMENT = marker("sent credential")
NO_SECRET = re.compile(r"[A-Za-z]{1,11}|\d{1,9}|[\W_]*")
"""A word, or a number: as the value of a header it is rather a setting than a secret."""
WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:[-_.: ][A-Za-z]?[a-z]*)*")
"""What is no end of a key that could stand for it: how names begin and end, too."""

_sent: ContextVar[frozenset[str]] = ContextVar(
    "chatdebug_sent_secrets", default=frozenset()
)


@contextmanager
def without_sent(secrets: Iterable[str]) -> Iterator[None]:
    """Let every text that is redacted inside the block lose these secrets as well."""
    known = _sent.get()
    token = _sent.set(known.union(secrets))
    try:
        yield
    finally:
        _sent.reset(token)


def remove_sent(text: str) -> str:
    """Return the text without the secrets of the blocks around."""
    secrets = _sent.get()
    return _matcher(secrets).remove(text) if secrets else text


def is_any_sent() -> bool:
    """Return whether there are such secrets here."""
    return bool(_sent.get())


class SentMatcher:
    """Removes secrets from texts: long ones whole, and by how they begin."""

    def __init__(self, secrets: frozenset[str]) -> None:
        chosen, room = list[str](), TOGETHER
        for secret in sorted(secrets, key=lambda secret: (len(secret), secret)):
            chosen.append(secret[:LONG])
            room -= len(secret[:LONG])
            if room <= 0 or len(chosen) == SECRETS:
                break
        self._long = [secret for secret in secrets if len(secret) > LONG]
        self._matcher = SecretMatcher(chosen, replacement=REPLACEMENT, no_end=WORDS)

    def remove(self, text: str) -> str:
        """Return the text without any of the secrets."""
        for secret in self._long:
            text = text.replace(secret, REPLACEMENT)
        return self._matcher.remove(text)


@lru_cache(maxsize=8)  # the same client fails again and again
def _matcher(secrets: frozenset[str]) -> SentMatcher:
    return SentMatcher(secrets)


def secrets_sent(headers: Iterable[tuple[str, str]], url: str) -> frozenset[str]:
    """Return the credentials in a request's headers and URL, without their scheme.

    Of Basic also user and password, decoded, and the password alone.
    """
    found = set[str]()
    for name, value in islice(headers, HEADERS):
        if len(value) <= VALUE_CHARACTERS and is_secret_header(name):
            found.update(_of_header(name.lower(), value.strip()))
    found.update(_of_url(url[:VALUE_CHARACTERS]))
    return frozenset(secret for secret in found if len(secret) >= MIN_SECRET)


def _of_header(name: str, value: str) -> Iterator[str]:
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    if name.endswith(("cookie", "cookie2")):
        for pair in value.split(";"):
            yield from _credible(pair.partition("=")[2].strip(' "'))
    elif not re.search(r"\s", rest):
        yield from _credible(rest or scheme)
        if scheme.lower() == "basic":
            yield from _of_basic(rest)
    else:  # a signature with what it is made of, which is no secret
        for piece in re.split(r"[\s,;]+", rest):
            key, _, said = piece.partition("=")
            if is_secret_parameter(key) or key.lower() == "response":
                yield from _credible(said.strip('"'))


def _of_basic(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except ValueError:
        return
    _, colon, password = pair.partition(":")
    if colon and password:
        yield from (pair, password)


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
        pairs = parse_qsl(parts.query)
    except ValueError:
        return
    if colon and password:
        yield from (f"{user}:{password}", password, unquote(password))
        yield base64.b64encode(
            f"{unquote(user)}:{unquote(password)}".encode("utf-8", "replace")
        ).decode()
    else:
        yield from _credible(unquote(user))
    for name, value in islice(pairs, HEADERS):
        if is_secret_parameter(name):
            yield from _credible(value)


def _credible(value: str) -> Iterator[str]:
    """Yield a value unless it is obviously no secret."""
    if not (PLACEHOLDER.fullmatch(value) or NO_SECRET.fullmatch(value)):
        yield value
