"""Free text and URLs."""

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from chatdebug.redaction.configured import configured_secrets
from chatdebug.redaction.context import remove_by_context
from chatdebug.redaction.markers import MARKER
from chatdebug.redaction.names import is_secret_parameter
from chatdebug.redaction.vendors import remove_vendor_keys

MAX_CHARACTERS = 400_000
"""Of a longer text only head and tail are looked at, and only they are returned."""
URL = re.compile(r"(?i)(?<![a-z0-9])(?:https?|wss?)://[^\s\"'`<>\\{}|^]{1,8000}")
COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
TRAILING = ".,;:!?)]}"
UNREADABLE_URL = "[REDACTED_URL]"


def redact_text(text: str) -> str:
    """Return a text without secrets: configured ones, keys by their look, and by context.

    Linear in the length of the text. Of more than ``MAX_CHARACTERS`` only head and tail
    are returned, with a note of how much was left out.
    """
    if len(text) > MAX_CHARACTERS:
        half = MAX_CHARACTERS // 2
        left_out = len(text) - 2 * half
        head, tail = redact_text(text[:half]), redact_text(text[-half:])
        return f"{head}[{left_out:,} characters left out]{tail}"
    if "\x1b[" in text:
        text = COLOURS.sub(
            "", text
        )  # of a terminal; their letters would touch the keys
    # Keys by their look come first: a piece of a configured secret inside one must not
    # break it up.
    text = configured_secrets.matcher().remove(remove_vendor_keys(text))
    if "://" in text:
        text = URL.sub(_redacted_url, text)
    return remove_by_context(text)


def redact_url(url: str) -> str:
    """Return a URL without user and password, and without secrets in its query and path."""
    url = configured_secrets.matcher().remove(remove_vendor_keys(url))
    return remove_by_context(_without_parameters(url))


def _redacted_url(match: re.Match[str]) -> str:
    url = match[0].rstrip(TRAILING)
    return _without_parameters(url) + match[0][len(url) :]


def _without_parameters(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = redact_query(parts.query)
        fragment = redact_query(parts.fragment)
        if (host, query, fragment) == (parts.netloc, parts.query, parts.fragment):
            return url
        return urlunsplit((parts.scheme, host, parts.path, query, fragment))
    except ValueError:
        return UNREADABLE_URL


def redact_query(query: str) -> str:
    """Return a query whose secret values are replaced; an unchanged one as it came."""
    if "=" not in query:
        return query
    pieces = re.split(r"([&;])", query)
    for index, piece in enumerate(pieces):
        name, equals, value = piece.partition("=")
        if equals and value:
            plain = dict(parse_qsl(piece, keep_blank_values=True))
            if is_secret_parameter(next(iter(plain), name)):
                pieces[index] = f"{name}={quote(MARKER)}"
            elif "%3" in value:  # an address in an address; none deeper is opened
                inner = unquote(value)
                kept = remove_by_context(remove_vendor_keys(inner))
                pieces[index] = piece if kept == inner else f"{name}={quote(kept, '')}"
    return "".join(pieces)
