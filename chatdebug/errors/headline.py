"""What a failure is called in a list of causes: the provider's reason, without content."""

import re

from chatdebug.errors.content import PLACEHOLDER, storable_text
from chatdebug.errors.fingerprint import NAME, QUOTE, REQUEST_ID, RUN_OF_GAPS, VOLATILE
from chatdebug.errors.payload import ErrorPayload

HEADLINE_CHARACTERS = 200
READ_CHARACTERS = 1_000
WORD = re.compile(r"[^\W\d_]{2}")
EMPTY_QUOTE = re.compile(r"'…'(?:\s*'…')+")


def headline(error: ErrorPayload) -> str:
    """Return one line that all failures of a fingerprint could be called.

    It is the provider's reason, else what the exception says, else its type. Ids, numbers
    and all that is quoted and no name become ``…``, at the full level too: whoever sees a
    list of causes has given no reason to read what people wrote.
    """
    for text in (error["detail"], error["message"]):
        line = _line(text)
        if WORD.search(line):
            return line
    return error["type"]


def _line(text: str) -> str:
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
    return line
