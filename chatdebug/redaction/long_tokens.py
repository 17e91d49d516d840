"""What looks like a key if only by its length, near a word that makes it one."""

import re

from chatdebug.redaction.markers import marker

LONG_TOKEN = re.compile(r"(?<![\w+/=~.:-])[A-Za-z0-9+/_~.-]{20,400}={0,2}(?![\w-])")
PLAIN = re.compile(r"[A-Za-z0-9+/]+={0,2}")
PREFIXED_ID = re.compile(r"[a-z]{2,20}[-_]|[0-9a-f]{8}-[0-9a-f]{4}-")
"""How ids begin that say what they are of, and those without any meaning."""
RANDOM = re.compile(r"[A-Za-z0-9+/]{12,}")
TURN = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|\d(?=[A-Za-z])")
"""Where a letter follows a digit, or capitals small letters, or the other way round."""
TURNS = 3
CREDENTIAL = re.compile(r"key|token|secret|credential|passw|auth|signature")
REQUEST_ID = re.compile(r"(?:request|req|trace)[-_ ]?(?:id)?\W{0,3}$")
REACH = 64
"""How far before a long token a word may stand that makes it a credential."""


def remove_long_tokens(text: str) -> str:
    """Return the text without long tokens that a word before them makes credentials."""
    return LONG_TOKEN.sub(_credential, text)


def _credential(match: re.Match[str]) -> str:
    """Return a long token, or what stands for it if it is a credential."""
    token, start = match[0], match.start()
    before = match.string[max(0, start - REACH) : start].rpartition("\n")[2].lower()
    is_credential = CREDENTIAL.search(before) and not REQUEST_ID.search(before)
    return marker("value") if is_credential and _looks_random(token) else token


def _looks_random(token: str) -> bool:
    if PLAIN.fullmatch(token):
        return any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    if PREFIXED_ID.match(token):
        return False
    return any(
        len(TURN.findall(part)) >= TURNS and any(map(str.isdigit, part))
        for part in RANDOM.findall(token)
    )
