"""What makes two failures the same one, and what both are called in a list of causes."""

import re
from functools import lru_cache
from hashlib import blake2b

from chatdebug.errors.content import PLACEHOLDER, storable_text
from chatdebug.errors.payload import ErrorPayload

REASON_CHARACTERS = 1_000
"""How much of what was said counts, after what varies was taken out."""
HEADLINE_CHARACTERS = 200
READ_CHARACTERS = 1_000
"""Of what was said, to make a headline of."""
LONG_QUOTE = 60
"""Characters; what a sentence quotes beyond them is no name but somebody's text."""

MONTHS = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
WEEKDAYS = "(?i:mon|tue|wed|thu|fri|sat|sun)"
UNITS = "(?i:[ap]\\.?m|utc|gmt|[nmµ]?s|secs?|seconds?|mins?|minutes?|hours?|days?)"
ID = re.compile(
    r"(?i:\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"  # a UUID
    r"|(?i:\b[0-9a-f]{8,}\b)"
    r"|\b[a-z]+[-_](?=[a-z]*[A-Z])(?=[A-Z]*[a-z])[a-zA-Z]{16,}\b"  # call_AbCd…
)
"""Ids that may have no digit."""
VOLATILE = re.compile(
    r"\[redacted[^\]]*\]"
    rf"|\b(?i:[a-z][a-z0-9+.-]*)://(?:{PLACEHOLDER.pattern}|[^\s'\"`<>])+"  # an address
    rf"|\b{WEEKDAYS}[a-z]*\.?,?\s+(?=\d|{MONTHS}[a-z]*\.?\s+\d)"
    rf"|\b{MONTHS}[a-z]*\.?[\s-]+\d{{1,4}}\b"  # Nov 25
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?[\s-]+{MONTHS}[a-z]*\b"  # 25 November
    rf"|(?<=\d)\s+{UNITS}\b"  # of a time, or of how long something took
    rf"|{ID.pattern}"
    r"|\b\w*\d\w*\b"  # numbers, dates, and ids that have a digit
)
"""What differs between two messages about the same failure."""
REQUEST_ID = re.compile(
    r"\b((?:request|trace|correlation|response|event|x-request)[ _-]?id)"
    r"(['\"]?\s*[:=]?\s*['\"(]?)[\w.:/+=-]*[\w=]",
    re.IGNORECASE,
)
QUOTE = re.compile(
    r"(?<![\w\\])'((?:[^'\\]|\\.|(?<=\w)'(?=\w)){0,4000})'(?!\w)"
    r"|\"((?:[^\"\\]|\\.){0,4000})\"|`([^`]{0,4000})`"
)
NAME = re.compile(r"[A-Za-z_$][\w$./:+\[\]-]{0,79}")
"""A parameter, a tool, a model, a field."""
NUMBERED = re.compile(r"-?[A-Za-z0-9]*\d[A-Za-z0-9]*(?:\.\d+)?")
SHORT_NUMBER = re.compile(r"-\d{1,2}(?:\.\d{1,2})?[a-z]?")
NUMBERED_WORD = re.compile(r"[A-Za-z]+\d{1,2}")
"""Numbers in a name that tell it from another: gpt-5, gemini-2.5-pro, llama3."""
RUN_OF_GAPS = re.compile(r"…(?:[\s.,:/+-]*…)+")
WORD = re.compile(r"[^\W\d_]{2}")
EMPTY_QUOTE = re.compile(r"'…'(?:\s*'…')+")
VERSION = re.compile(
    r"[-@.:](?:\d{4}-\d{2}-\d{2}|\d{6,}|latest|preview|v\d+)(?=[-:@]|$)"
)
"""What differs between two releases of the same model."""
LIBRARIES = ("site-packages/", "dist-packages/", "lib/python")
NOT_OWN = ("chatdebug/", "<")
"""How files begin that are the recorder's, or none: ``<frozen …>``, ``<string>``."""


def fingerprint(error: ErrorPayload, *, model: str) -> str:
    """Return 16 hexadecimal digits that are equal for the same failure.

    Equal are: kind, provider, the model's family, status, the provider's type and code,
    the types of the exception chain, what was said without what varies (ids, numbers,
    times, addresses), and the innermost frame of the project's own code.
    """
    own_frames = (
        f"{frame['file']} {frame['function']}"
        for frame in reversed(error["frames"])
        if not frame["file"].startswith(NOT_OWN)
        if not any(mark in frame["file"] for mark in LIBRARIES)
    )
    facts = (
        error["kind"],
        error["provider"],
        VERSION.sub("", model.lower()),
        str(error["status_code"] or ""),
        _folded(error["error_type"]),
        _folded(error["error_code"]),
        *(link["type"] for link in error["chain"]),
        _said(error),
        next(own_frames, ""),
    )
    text = "\x1f".join(facts)
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _said(error: ErrorPayload) -> str:
    """Return the provider's reason; without one, what the exceptions say, causes too.

    With it the exceptions count only by their types: they repeat the whole body, in
    which more varies than the reason.
    """
    reason = _folded(error["detail"])
    message = _folded(error["message"])
    # Where nobody gave a reason, the detail is the message itself, maybe cut shorter.
    if reason and not message.startswith(reason[:200].rstrip("… ")):
        return reason
    causes = (_folded(link["message"]) for link in error["chain"][1:])
    return "\x1e".join((message, *causes))


def _folded(text: str) -> str:
    """Return a text without what varies, in lower case."""
    return _folded_start(str(text)[: REASON_CHARACTERS * 4])


@lru_cache(maxsize=256)  # failures say the same again and again
def _folded_start(text: str) -> str:
    text = REQUEST_ID.sub(r"\1\2…", text)
    folded, end = [], 0
    for quote in QUOTE.finditer(text):
        folded += [VOLATILE.sub("…", text[end : quote.start()]), _quoted(quote)]
        end = quote.end()
    folded.append(VOLATILE.sub("…", text[end:]))
    words = " ".join("".join(folded).lower().split())
    return RUN_OF_GAPS.sub("…", words)[:REASON_CHARACTERS]


def _quoted(quote: re.Match[str]) -> str:
    """Return what of a quotation counts.

    A name does, since it says what was wrong; an id does not. Other text counts where the
    quotes are only how an object is printed (``{'message': '…'}``); in a sentence it
    counts while it is short.
    """
    inner = quote[1] or quote[2] or quote[3] or ""
    if NAME.fullmatch(inner):
        return f"'{_name(inner)}'"
    is_printed = (
        quote.string[: quote.start()].rstrip().endswith(("{", "[", "(", ":", ","))
    )
    if len(inner) > LONG_QUOTE and not is_printed:
        return "'…'"
    return f"'{_folded(inner)}'"


def _name(name: str) -> str:
    """Return a quoted name; an index or an id in it is left out."""

    def fold(part: re.Match[str]) -> str:
        is_short = SHORT_NUMBER.fullmatch(part[0]) or (
            part.start() == 0 and NUMBERED_WORD.fullmatch(part[0])
        )
        return part[0] if is_short else "…"

    return NUMBERED.sub(fold, ID.sub("…", name))


def headline(error: ErrorPayload) -> str:
    """Return one line that all failures of a fingerprint could be called.

    It is the provider's reason, else what the exception says, else its type. Ids, numbers
    and all that is quoted and no name become ``…``, at the full level too: whoever sees a
    list of causes has given no reason to read what people wrote.
    """
    for text in (error["detail"], error["message"]):
        said = storable_text(text, READ_CHARACTERS).strip().partition("\n")[0]
        said = REQUEST_ID.sub(r"\1\2…", PLACEHOLDER.sub("…", said))
        parts, end = [], 0
        for quote in QUOTE.finditer(said):
            inner = quote[1] or quote[2] or quote[3] or ""
            shown = VOLATILE.sub("…", inner) if NAME.fullmatch(inner) else "…"
            parts += [VOLATILE.sub("…", said[end : quote.start()]), f"'{shown}'"]
            end = quote.end()
        parts.append(VOLATILE.sub("…", said[end:]))
        line = RUN_OF_GAPS.sub("…", " ".join("".join(parts).split()))
        line = EMPTY_QUOTE.sub("'…'", line)
        if len(line) > HEADLINE_CHARACTERS:
            line = f"{line[: HEADLINE_CHARACTERS - 1].rstrip()}…"
        if WORD.search(line):
            return line
    return error["type"]
