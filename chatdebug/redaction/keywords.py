"""Secrets that are known by the words before them.

Each pattern starts at the edge of a word and its repetitions are bounded, so that it runs
in linear time.
"""

import re

from chatdebug.redaction.notations import NOTATION_PATTERNS
from chatdebug.redaction.patterns import Pattern, hints, marker, remove
from chatdebug.redaction.secret_names import NOT_AS_KEYS
from chatdebug.redaction.words import (
    A_NUMBER,
    CASE_CHANGE,
    COMPOUND,
    NAME,
    NO_SECRET,
    NO_VALUE,
    NOUNS,
    QUOTE,
    SEPARATOR,
    VALUE,
    WITH_DIGIT,
)

HEADER = (
    r"(?:proxy-)?authorization|(?:set-)?cookie2?|(?:[a-z0-9]{1,20}-){0,4}(?:api-?key|"
    r"(?:access|auth|subscription|session|security|csrf|xsrf|refresh|id|user|service|private|vault|app)-"
    r"(?:key|token|secret|jwt)|token|secret|password|jwt|session-id)"
)
"""Names of headers that hold secrets, as far as no word for something else is like them."""
HEADER_HINTS = (
    "-key",
    "-token",
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "jwt",
    "password",
    "secret",
    "session-id",
    'token"',
    "token'",
)

ASSIGNED = re.compile(
    rf"(?:{'|'.join(NOUNS + NOT_AS_KEYS)})(?:[-_ ]?id)?"
    r"[\\\"'`\]*]{0,5}(?: provided| is| was| value| used)?\s{0,3}[:=,\uff1a\uff1d]"
)
"""A name with what separates it from its value: most texts only speak of tokens."""
WITH_SLASH = re.compile(
    r"://[^\s/@\"'<>?#:\[\]]{0,256}:(?!\d{1,5}[/?#,])[^\s/@\"'<>?#]{1,256}/[^\s@\"'<>]{0,256}@"
)
"""A password of an address with a slash in it."""
BESIDE = re.compile(
    r"(?:key|token|secret|secretstr|password|credentials?)[\"'`)\]]{0,2}"
    r"(?: (?:as|is|of|to|was))?[\s(\[\"'`]{1,3}(?=[^\s\d]{0,64}\d)"
)
"""A name with a word beside it that has a digit."""

CONTEXT_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "password",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://"
            r"(?P<secret>[^\s/@\"'<>?#]{0,256}:[^\s/\"'<>]{1,512})(?=@)"
        ),
    ),
    # With a slash in it, which hosts do write. A port, and what has a slash before, is none.
    Pattern(
        "password",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://"
            r"(?P<secret>[^\s/@\"'<>?#:\[\]]{0,256}:(?!\d{1,5}[/?#,])"
            r"[^\s/@\"'<>?#]{1,256}/[^\s@\"'<>]{0,256})(?=@[\w\[])"
        ),
        gate=WITH_SLASH,
    ),
    Pattern(
        "authorization",
        ("digest ",),
        re.compile(r"(?i)(?<![a-z0-9])digest (?P<secret>username=[^\r\n]{1,4096})"),
    ),
    Pattern(
        "authorization",
        ("bearer", "basic"),
        re.compile(
            r"(?i)(?<![a-z0-9])(?:bearer|basic)[ :=]{1,3}[\"'`]?(?!realm)"
            r"(?P<secret>(?=[^\s\"'`,;]{0,60}[\d_+/=*-])(?!\d+\b|YOUR_)"
            r"[A-Za-z0-9._~+/=*•…-]{6,4096}(?<![.]))"
        ),
    ),
    Pattern(
        "authorization",
        ("token ",),
        re.compile(
            rf"(?i)(?<![a-z0-9])token[ :=]{{1,3}}[\"'`]?{NO_VALUE}"
            r"(?P<secret>(?=[^\s\"'`,;]{0,60}[\d+/=*])(?!\d+\b)"
            r"[A-Za-z0-9._~+/=*•…-]{6,4096}(?<![.]))"
        ),
    ),
    Pattern(
        "header",
        ("authorization", "cookie", "x-api-key", "api-key"),
        re.compile(
            r"(?im)(?<![a-z0-9])(?:proxy-)?(?:authorization|(?:set-)?cookie2?)"
            rf"{QUOTE}?\s{{0,3}}[:=]\s{{0,3}}+(?:b(?=[\"'\\]))?{QUOTE}?+"
            r"(?P<secret>(?!\[REDACTED|(?:bearer |basic )?(?:\$|your_|<))"
            r"(?:[^\r\n\"'`\\]|(?<==)\"[^\"\r\n]{0,1000}\"){4,4096})"
        ),
    ),
    Pattern(
        "header",
        HEADER_HINTS,
        # Name and value beside each other, as lists and mappings of headers are printed.
        re.compile(
            rf"(?i)(?P<open>\\{{0,3}}[\"'])(?:{HEADER})(?P=open)\s{{0,3}}[,:]\s{{0,3}}"
            r"b?(?P<quote>\\{0,3}[\"'])(?!\[REDACTED)"
            r"(?P<secret>(?:(?!(?P=quote))(?:\\[^\r\n]|[^\r\n\\])){1,4096})"
        ),
    ),
    Pattern(
        "header",
        ("cookies",),
        re.compile(
            rf"(?i)(?<![a-z0-9-])cookies{QUOTE}?\s{{0,3}}[:=]\s{{0,3}}[{{\[(]"
            r"(?P<secret>(?!\[REDACTED)[^{}\[\]()\r\n]{4,4096})"
        ),
    ),
    Pattern(
        "header",
        ("<cookie ",),
        re.compile(
            r"<Cookie [^\s=<>]{1,200}=(?P<secret>(?!\[REDACTED)[^\s<>]{1,4096})"
        ),
    ),
    Pattern(
        "session",
        ("sessid", "sessionid"),
        re.compile(
            r"(?i)(?<![a-z0-9])(?:php|j)?sess(?:ion)?id=(?P<secret>[\w%.~-]{8,512})"
        ),
    ),
    Pattern(
        "value",
        NOUNS,
        # In quotes, whatever it holds.
        re.compile(
            rf"(?<![A-Za-z0-9:])(?:(?i:{NAME})|{COMPOUND}){SEPARATOR}(?P<quote>[\"'`]){NO_VALUE}"
            rf"(?P<secret>(?=[^\"'`\n\\]{{0,512}}[\d ])[^\"'`\n\\]{{8,512}})(?P=quote)"
        ),
        gate=ASSIGNED,
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("key", "token", "secret", "passw", "credential"),
        # A name of its own right before it, without a colon; a word has no digit.
        re.compile(
            r"(?i)(?<![a-z0-9])(?:(?:\w{1,30}_)?(?:api|access|auth)[-_ ]?(?:key|token)|"
            r"secret(?:[-_ ]?key)?|secretstr|password|(?:api|discord|access)token|"
            r"\w{0,30}(?:apikey|tokensecret)|credentials?)[\"'`)\]]{0,2}"
            r"(?: (?:as|is|of|to|was))?[\s(\[\"'`]{1,3}"
            r"(?P<secret>(?=[^\s\d]{0,64}\d)(?=[^\sa-z]{0,64}[a-z])"
            r"[A-Za-z0-9._~+/=*•…-]{12,512}(?<!\.))"
        ),
        gate=BESIDE,
    ),
    Pattern(
        "value",
        NOUNS,
        # Name and value in a list, or as the arguments of a call.
        re.compile(
            rf"[\"'](?:--?)?(?:(?i:{NAME})|{COMPOUND})[\"'],\s{{0,3}}(?P<quote>[\"'])"
            rf"{NO_VALUE}{WITH_DIGIT}(?P<secret>[^\"'\n\\]{{8,512}})(?P=quote)"
        ),
        gate=ASSIGNED,
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("password '", 'password "'),
        re.compile(
            r"(?i)(?<![a-z0-9])password (?P<quote>[\"'])(?P<secret>[^\"'\n]{4,200})(?P=quote)"
        ),
    ),
    Pattern(
        "value",
        (*NOUNS, *NOT_AS_KEYS),
        re.compile(
            rf"(?<![A-Za-z0-9:])(?i:{NAME}){SEPARATOR}{QUOTE}?{NO_VALUE}(?!\*+[\"'`]){VALUE}"
        ),
        gate=ASSIGNED,
    ),
    Pattern(
        "value",
        NOUNS,
        re.compile(
            rf"(?<![A-Za-z0-9:])(?:{COMPOUND}){SEPARATOR}{QUOTE}?{NO_VALUE}{WITH_DIGIT}"
            r"(?P<secret>(?:(?!\\{0,3}[\"'`])[^\s,;&<>(){}\[\]|]){8,512})"
        ),
        gate=ASSIGNED,
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("passw", "passphrase", "pwd", "secret", "credential", "key"),
        re.compile(
            rf"(?<![A-Za-z0-9:])[A-Za-z0-9_.-]{{0,60}}?{A_NUMBER}{SEPARATOR}{QUOTE}?"
            r"(?P<secret>\d{4,9})(?![\w-])"
        ),
        gate=ASSIGNED,
    ),
    Pattern(
        "value",
        ("sig=",),
        re.compile(r"(?<![A-Za-z0-9])sig=(?P<secret>[\w%+/=]{16,512})"),
    ),
    Pattern(
        "value",
        ("key>", "token>", "secret>", "password>"),
        re.compile(
            r"(?i)<[\w:.-]{0,60}?(?:(?:api|access|account|private|secret|signing)[-_]?key|"
            r"token|secret|password)>(?P<secret>[^<\s]{6,512})</"
        ),
    ),
    Pattern(
        "password",
        ("-u ", "--user"),
        re.compile(
            r"(?<![\w-])(?:-u|--user)[ =]{1,3}[\"']?(?!\d+:\d+\b)"
            r"(?P<secret>[^\s\"':/]{1,200}:[^\s\"'/]{0,200})"
        ),
    ),
    Pattern(
        "password",
        ("auth=(",),
        re.compile(
            r"\bauth=\([\"'][^\"']{0,100}[\"'], ?[\"'](?P<secret>[^\"']{4,200})[\"']"
        ),
    ),
    Pattern(
        "password",
        ("mysql",),
        re.compile(r"\bmysql [^\n]{0,60}?(?<!\S)-p(?P<secret>[^\s-]\S{5,100})"),
    ),
    Pattern(
        "value",
        (
            "密钥",
            "密码",
            "令牌",
            "пароль",
            "ключ",
            "schlüssel",
            "passwort",
            "mot de passe",
            "clé",
            "contraseña",
        ),
        re.compile(
            r"(?i)(?:密钥|密码|令牌|пароль|api[- ]?ключ|api-schlüssel|passwort|mot de passe|"
            r"clé (?:d['\u2019])?api|contraseña)[^:\uff1a=\n]{0,24}[:\uff1a=\s]\s{0,3}[\"'`]?"
            rf"{WITH_DIGIT}(?P<secret>[A-Za-z0-9+/_.~=-]{{12,512}}(?<!\.))"
        ),
    ),
    *NOTATION_PATTERNS,
)
CONTEXT_HINTS = hints(CONTEXT_PATTERNS)

LONG_TOKEN = re.compile(r"(?<![\w+/=~.:-])[A-Za-z0-9+/_~.-]{20,400}={0,2}(?![\w-])")
"""What looks like a key if only by its length."""
CREDENTIAL = re.compile(r"key|token|secret|credential|passw|auth|signature")
"""A word that makes a long token a credential, if it is random enough."""
REACH = 64
"""How far before a long token the word may stand."""
REQUEST_ID = re.compile(r"(?:request|req|trace)[-_ ]?(?:id)?\W{0,3}$")
UNDIVIDED = re.compile(r"[A-Za-z0-9+/]+={0,2}")
PREFIXED_ID = re.compile(r"[a-z]{2,20}[-_]|[0-9a-f]{8}-[0-9a-f]{4}-")
"""How ids begin that say what they are of, and those without any meaning."""
RUN = re.compile(r"[A-Za-z0-9+/]{12,}")
MIN_CASE_CHANGES = 3


def remove_by_context(text: str) -> str:
    """Return the text without values that are known by the words before them."""
    lowered = text.lower()
    text = remove(CONTEXT_HINTS, text, lowered)
    return LONG_TOKEN.sub(_credential, text) if CREDENTIAL.search(lowered) else text


def _credential(match: re.Match[str]) -> str:
    """Return a long token, or what stands for it if it is a credential."""
    token, start = match[0], match.start()
    before = match.string[max(0, start - REACH) : start].rpartition("\n")[2].lower()
    if not CREDENTIAL.search(before) or REQUEST_ID.search(before):
        return token
    if UNDIVIDED.fullmatch(token):
        is_random = any(map(str.isdigit, token)) and any(map(str.isalpha, token))
    elif PREFIXED_ID.match(token):
        is_random = False
    else:
        is_random = any(
            len(CASE_CHANGE.findall(run)) >= MIN_CASE_CHANGES
            and any(map(str.isdigit, run))
            for run in RUN.findall(token)
        )
    return marker("value") if is_random else token
