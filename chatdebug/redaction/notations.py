"""Secrets before which the words stand as a URL, a web page, a form, SQL or .pgpass has them,
and codes that are used once.

Each pattern starts at the edge of a word and its repetitions are bounded, as in keywords.py.
"""

import re

from chatdebug.redaction.patterns import Pattern
from chatdebug.redaction.words import (
    COMPOUND,
    NAME,
    NO_SECRET,
    NO_VALUE,
    QUOTE,
    SEPARATOR,
)

LINE_END = r"(?:\r?\n|(?:\\{1,3}r)?\\{1,3}n)"
HTML_QUOTE = r"&(?:quot|apos|#0?3[49]|#x2[27]);"
ENCODED = r"(?:[A-Za-z0-9._~*+/=-]|%(?!2[0267Cc]|0[AaDd]|[57][Dd])[0-9A-Fa-f]{2})"
"""A character as a URL has it, unless it ends a value."""
ENCODED_DIGIT = r"(?=(?:[^\s\"'&%\d]|%[0-9A-Fa-f]{2}){0,80}\d)"
IN_QUOTES = r"(?P<quote>[\"'])"
QUOTED_VALUE = r"(?:(?!(?P=quote))[^\\\r\n]|\\.){1,400}"
ONE_TIME = (
    r"(?:t?otp(?:[-_ ]?code)?|one[-_ ]time[-_ ](?:code|pin|passcode)|passcode|pin|"
    r"(?:verification|security)[-_ ]code)"
)
"""Names of codes that are used once, and of those of cards."""
ONE_TIME_HINTS = (
    *(
        "otp",
        "one-time",
        "one_time",
        "one time",
        "passcode",
        "pin:",
        "pin=",
        "pin'",
        'pin"',
    ),
    *("verification code", "verification_code", "security code", "security_code"),
)
CODE_ASSIGNED = re.compile(
    r"(?:otp|code|pin)[\\\"'`\]*]{0,5}(?: provided| is| was| value| used)?\s{0,3}"
    r"[:=\uff1a\uff1d][\s\\\"'`=>]{0,6}\d"
)
"""The name of a code that is used once, with what separates it from its digits."""

ENCODED_SEPARATOR = re.compile(r"%3[ad]")
QUOTED = re.compile(r"&(?:quot|apos|#)")

NOTATION_PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "authorization",
        ("bearer%", "basic%", "bearer+", "basic+"),
        # As a URL has it.
        re.compile(
            r"(?i)(?:(?<![a-z0-9])|(?<=%[0-9a-f]{2}))(?:bearer|basic)(?:%20|\+|%3A|%3D){1,3}"
            rf"(?P<secret>{ENCODED_DIGIT}{ENCODED}{{8,4096}})"
        ),
    ),
    Pattern(
        "value",
        ONE_TIME_HINTS,
        re.compile(
            rf"(?i)(?<![a-z0-9]){ONE_TIME}{SEPARATOR}{QUOTE}?"
            r"(?P<secret>\d{4,10}|\d{3}[- ]\d{3})(?![\w.-])"
        ),
        gate=CODE_ASSIGNED,
    ),
    Pattern(
        "value",
        ("%",),
        # As a URL has it.
        re.compile(
            rf"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}}))(?:(?i:{NAME})|{COMPOUND})"
            rf"(?:%22|%27|%5[CcDd]){{0,3}}%3[AaDd](?:%20|\+)?(?:%5[Cc]|%22|%27){{0,3}}{NO_VALUE}"
            rf"(?P<secret>{ENCODED_DIGIT}{ENCODED}{{6,512}})"
        ),
        gate=ENCODED_SEPARATOR,
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("&",),
        # As a web page has it.
        re.compile(
            rf"(?<![A-Za-z0-9:])(?:(?i:{NAME})|{COMPOUND})(?:{HTML_QUOTE})?\s{{0,3}}"
            rf"(?::=|=&gt;|[:=])\s{{0,3}}(?P<quote>{HTML_QUOTE}){NO_VALUE}"
            r"(?P<secret>(?=[^\r\n<]{4})(?:[^&\r\n<]{1,512}+|&(?!quot|apos|#)){1,32}+)(?P=quote)"
        ),
        gate=QUOTED,
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("form-data",),
        re.compile(
            rf"(?i)form-data;\s{{0,3}}name={QUOTE}?[\w.-]{{0,60}}?(?:{NAME}|{ONE_TIME}){QUOTE}?"
            rf"(?:;[^\r\n\\]{{0,200}})?(?:{LINE_END}[^\r\n\\]{{1,200}}){{0,4}}{LINE_END}{{2}}"
            r"(?P<secret>(?!\[REDACTED|--)[^\r\n\\]{1,512})"
        ),
        unless=NO_SECRET,
    ),
    Pattern(
        "password",
        ("identified ",),
        # "The model identified by 'x'" is no SQL.
        re.compile(
            r"(?<!\w)(?:IDENTIFIED|"
            r"(?i:(?:create|alter) (?:user|role|login)\b|grant(?=[^;\n]{1,100} on ))[^;\n]{0,160}?\s(?i:identified))(?i: with [\w\"'`]{1,60})?(?i: by| as)"
            r"(?i: password)? (?P<quote>\\{0,3}[\"'`])(?P<secret>[^\"'`\n\\]{1,200})(?P=quote)"
        ),
    ),
    Pattern(
        "password",
        ("432:", "*:*:*:"),
        # A line of .pgpass.
        re.compile(
            r"(?<![\w.:*-])(?:[\w.*-]{1,253}:[56]432:[\w.*$-]{1,63}|\*:\*:\*)"
            r":[\w.*$-]{1,63}:(?P<secret>(?:\\:|[^\s:\"'`]){4,200})(?![^\s\"'`])"
        ),
    ),
    Pattern(
        "value",
        ("input_value=",),
        # What Pydantic refused, two lines below the name of its field.
        re.compile(
            rf"(?<![A-Za-z0-9])(?:(?i:{NAME}|{ONE_TIME})|{COMPOUND})(?:\.[\w.\[\]-]{{1,60}})?"
            rf"{LINE_END}[^\r\n]{{0,400}}?\[type=[\w.-]{{1,60}}, input_value="
            rf"(?![\"']?\[REDACTED){IN_QUOTES}?(?P<secret>(?(quote){QUOTED_VALUE}(?=[\"'], input_type=)|"
            r"[^\r\n]{1,400}?(?=, input_type=)))"
        ),
        unless=NO_SECRET,
    ),
    Pattern(
        "value",
        ("'loc'", '"loc"'),
        # The same as a list of such errors has it, FastAPI's answers for one.
        re.compile(
            rf"[\"']loc[\"']: ?[\[(][^\])]{{0,200}}?[\"'](?:[\w.-]{{0,60}}[_.-])?(?i:{NAME}|{ONE_TIME})"
            rf"[\"'],?[\])][^{{}}]{{0,400}}?[\"']input[\"']: ?(?![\"']?\[REDACTED){IN_QUOTES}?(?P<secret>"
            rf"(?(quote){QUOTED_VALUE}(?=[\"'])|[\[({{][^\r\n]{{1,400}}?[\])}}](?=[,}}])))"
        ),
    ),
)
