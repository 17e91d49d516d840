"""Free text and URLs, with a memory: a history is the same each turn."""

import re
from threading import RLock
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from chatdebug.redaction.key_formats import VENDOR_HINTS, remove_rest
from chatdebug.redaction.keywords import remove_by_context
from chatdebug.redaction.known_secrets import (
    MIN_SECRET,
    SecretMatcher,
    configured_secrets,
)
from chatdebug.redaction.patterns import MARKER, MARKERS, remove
from chatdebug.redaction.secret_names import is_secret_parameter
from chatdebug.redaction.sent_secrets import is_any_sent, remove_sent

MAX_CHARACTERS = 400_000
"""Of a longer text only head and tail are looked at, and only they are returned."""
LEFT_OUT = "[{:,} characters left out]"
ROUNDS = 4
"""More than two are hardly ever needed."""
URL = re.compile(
    rf"(?i)(?<![a-z0-9])(?:https?|wss?)://(?:{MARKERS.pattern}|[^\s\"'`<>\\{{}}|^]){{1,8000}}"
)
ESCAPES = re.compile(r"\\+u00([2-7][0-9a-fA-F])")
"""Letters and signs that JSON may write by their numbers."""
COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
"""What takes no room between two characters: pages break long words with it."""
WITHOUT_UNSEEN = dict.fromkeys(map(ord, UNSEEN))
TRAILING = ".,;:!?)]}"
UNREADABLE_URL = "[REDACTED_URL]"
REMEMBERED_TEXTS = 20_000
"""About 4 MB of keys: the texts of 500 chats that are going on."""
REMEMBERED_CHARACTERS = 2_000_000
"""Of redacted texts that are kept; of those without a secret only a key is."""

type TextKey = tuple[int, int]
"""Python's own hash of a text, which no two processes have in common, and its length."""


class _Memory(NamedTuple):
    """What texts came to under one set of secrets; None: the text itself."""

    matcher: object
    young: dict[TextKey, str | None]
    old: dict[TextKey, str | None]


class RedactedTexts:
    """Redacted texts by the hash of what they were. Thread-safe, and bounded.

    No text is kept as it was. What was found with another set of secrets counts for
    nothing: ``matcher`` is the identity of that set. Two texts of the same length have
    the same 64 bits once in some 10^15 texts that are looked up; a digest of more bits
    costs as much as all else that a text of a history needs.

    There are two generations of half the size. When the younger one is full it becomes the
    older: what was asked for since is in both, all else is forgotten with the next change.
    So a text that is known is found without a lock.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self.clear()

    def find(self, text: str, matcher: object) -> str | None:
        """Return what a text came to, if that is known."""
        memory = self._memory
        if memory.matcher is not matcher:
            return None
        key = hash(text), len(text)
        if key in memory.young:
            redacted = memory.young[key]
        elif key in memory.old:
            redacted = memory.old[key]
            self._keep(key, redacted, matcher)
        else:
            return None
        return text if redacted is None else redacted

    def keep(self, text: str, redacted: str, matcher: object) -> None:
        """Remember what a text came to."""
        self._keep(
            (hash(text), len(text)), None if redacted == text else redacted, matcher
        )

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._memory = _Memory(None, {}, {})
            self._characters = 0

    def _keep(self, key: TextKey, redacted: str | None, matcher: object) -> None:
        size = len(redacted or "")
        with self._lock:
            is_full = (
                len(self._memory.young) >= REMEMBERED_TEXTS // 2
                or self._characters + size > REMEMBERED_CHARACTERS // 2
            )
            if self._memory.matcher is not matcher:
                self._memory = _Memory(matcher, {}, {})
                self._characters = 0
            elif is_full:
                self._memory = _Memory(matcher, {}, self._memory.young)
                self._characters = 0
            if key not in self._memory.young:
                self._characters += size
            self._memory.young[key] = redacted


redacted_texts = RedactedTexts()


def redact_text(text: str) -> str:
    """Return a text without secrets: configured ones, keys by their look, and by context.

    Linear in the length of the text, and done once for a text that comes again. Of more
    than ``MAX_CHARACTERS`` only head and tail are returned, with a note of how much was
    left out. What was redacted stays as it is when it is redacted again.
    """
    if len(text) < MIN_SECRET:
        return text
    matcher = configured_secrets.matcher()
    if is_any_sent():  # of a failing call; another one's are no part of the memory
        text = remove_sent(matcher.remove(remove_vendor_keys(text)))
    redacted = redacted_texts.find(text, matcher)
    if redacted is None:
        redacted = text
        # What one secret hid may stand beside another name.
        for _ in range(ROUNDS):
            before, redacted = redacted, _redacted_once(redacted, matcher)
            if redacted == before:
                break
        redacted_texts.keep(text, redacted, matcher)
    return redacted


def _redacted_once(text: str, matcher: SecretMatcher) -> str:
    if len(text) > MAX_CHARACTERS:
        half = (MAX_CHARACTERS - len(LEFT_OUT)) // 2
        left_out = len(text) - 2 * half
        head = _redacted_once(text[:half], matcher)
        tail = _redacted_once(text[-half:], matcher)
        return head + LEFT_OUT.format(left_out) + tail
    if "\x1b[" in text:
        # The letters in a terminal's colours would touch the keys.
        text = COLOURS.sub("", text)
    if not text.isascii() and any(mark in text for mark in UNSEEN):
        plain = text.translate(WITHOUT_UNSEEN)
        if plain != text and (kept := _without_secrets(plain, matcher)) != plain:
            return kept
    if "\\u00" in text:
        plain = ESCAPES.sub(lambda match: chr(int(match[1], 16)), text)
        if (redacted := _without_secrets(plain, matcher)) != plain:
            return redacted
    return _without_secrets(text, matcher)


def _without_secrets(text: str, matcher: SecretMatcher) -> str:
    # Keys by their look come first: a piece of a configured secret inside one must not
    # break it up.
    text = matcher.remove(remove_vendor_keys(text))
    if "://" in text:
        text = URL.sub(_redacted_url, text)
    return remove_by_context(text)


def remove_vendor_keys(text: str) -> str:
    """Return the text without keys that are known by their look."""
    kept = remove(VENDOR_HINTS, text, text.lower())
    return kept if kept is text else remove_rest(kept)


def redact_url(url: str) -> str:
    """Return a URL without user and password, and without secrets in its query and path."""
    matcher = configured_secrets.matcher()
    for _ in range(ROUNDS):
        kept = remove_sent(matcher.remove(remove_vendor_keys(url)))
        kept = _without_parameters(kept)
        kept = remove_by_context(kept)
        if kept == url:
            break
        url = kept
    return url


def _redacted_url(match: re.Match[str]) -> str:
    url = match[0].rstrip(TRAILING)
    if (half := len(url)) < len(match[0]) and (
        end := MARKERS.match(match[0], url.rfind("["))
    ):
        url = match[0][: max(half, end.end())]
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
