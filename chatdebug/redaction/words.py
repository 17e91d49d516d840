"""The words that stand before secrets in texts, and what stands for a value and is none."""

import re

from chatdebug.redaction.secret_names import (
    HARMLESS_KEYS,
    HARMLESS_TOKENS,
    NOT_AS_KEYS,
    SECRET_NAMES,
)

NAME = "(?:" + "|".join(SECRET_NAMES + NOT_AS_KEYS).replace(" ", "[-_ ]?") + ")"
"""Names after which a value follows, however their words are joined."""
NOUNS = tuple(
    sorted({name.removesuffix(" id").rpartition(" ")[2] for name in SECRET_NAMES})
)
"""What ``SECRET_NAMES`` are names of: a text that holds one of them speaks of a key, a token,
a password. "Signature" is none: what stands in quotes after it may be a function's."""
COMPOUND = (
    r"[A-Za-z][A-Za-z0-9_.-]{0,60}?(?:"
    r"(?i:[_-](?:key|token|secret|passw(?:or)?d|passphrase|credentials?))|"
    r"(?<=[a-z0-9])(?:Key|Token|Secret|Password|Passphrase)|PASSWORD)"
)
"""Longer names that end like one: OPENAI_EPHEMERAL_KEY, portkeyApiKey, PGPASSWORD."""
NO_SECRET = re.compile(
    rf"(?i)(?:{'|'.join(HARMLESS_KEYS + HARMLESS_TOKENS)})[-_]?(?:key|token)"
)
"""Of such names, those of other things."""
QUOTE = r"(?:\\{0,3}[\"'`])"
SEPARATOR = (
    rf"{QUOTE}?\]?(?:(?: provided| is| was| value| used)?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}|"
    rf"\s{{0,2}}\*{{0,2}}:\s{{0,3}}|\s?[\uff1a\uff1d]\s{{0,3}}(?=[\"'`]?[!-~]{{4}}))"
)
"""A full-width colon, too, if what follows is no word in its own script."""
NO_VALUE = (
    r"(?!\[REDACTED|%5[bB]REDACTED|\$|\{\{|os\.|process\.|env\b|(?i:your)[-_ ]|"
    r"(?i:true|false|null|none|field|missing|required|invalid|expired|not|str|string|SecretStr)\b|"
    r"\d{1,9}(?![\w-])|[a-z_.]{1,60}\()"
)
"""What stands for a value and is none: a variable, a word, a call, a number of up to nine
digits (a limit, a count, a status); after the names of ``A_NUMBER`` one is a value."""
VALUE = r"(?P<secret>(?:(?!\\{0,3}[\"'`])[^\s,;&<>(){}\[\]|]){4,512})"
A_NUMBER = r"(?i:passw(?:or)?d|passphrase|pwd|secret|credential|api[-_ ]?key)"
"""Ends of names that no limit, count or status has: a number after them is a secret."""
WITH_DIGIT = r"(?=[^\s\"'`,;&<>]{0,80}\d)"

CASE_CHANGE = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|\d(?=[A-Za-z])")
"""Where a letter follows a digit, or capitals small letters, or the other way round."""
