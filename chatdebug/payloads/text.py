"""Free text on its way into a record: cleaned, redacted, cut. In that order.

A cut can divide a secret so that no pattern knows its halves any more. Therefore nothing
is cut before it is redacted, with one exception: a text too large to be redacted as a
whole. Of that, a head and a tail are redacted, each longer by ``SECRET_CHARACTERS`` than
what is kept, and as much is dropped again at the inner ends, where the halves would be.
"""

import re
from hashlib import sha256
from itertools import islice

from chatdebug.payloads.limits import (
    ID_CHARACTERS,
    LABEL_CHARACTERS,
    SECRET_CHARACTERS,
    TEXT_CHARACTERS,
    URL_CHARACTERS,
)
from chatdebug.redaction import MARKERS, redact_text, redact_url

ELLIPSIS = "…"
MARKER_CHARACTERS = 50
"""No marker is longer."""
MIN_KEPT = 20
"""Below this many kept characters a note about the rest is longer than the text."""

NOTE = re.compile(r" … \[[\d,]{1,20} characters left out of (\d[\d,]{0,19})\] … ")
"""What an earlier cut left in a text."""
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 cannot encode."""
DATA_URL = re.compile(
    r"data:(?:([\w.+-]{1,64}\\?/[\w.+-]{1,64})[^,\s\"'<>]{0,200}|;base64),"
    r"(?:[^\s\"'<>)\\]|\\/)+"
)
BASE64_RUN = re.compile(r"(?<![A-Za-z0-9+/_\\-])[A-Za-z0-9+/_\\-]{1024,}={0,2}")
"""The look-behind keeps it linear: a run is tried once, at its start. A backslash belongs
to it because JSON may escape the slash, and line breaks."""
BASE64_SAMPLE = 512
"""Characters of a run that decide whether it is encoded bytes or merely monotonous."""


def clean(text: str) -> str:
    """Return the text with each character that cannot be stored replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:  # both are known at once, of most texts
        return text
    return UNSTORABLE.sub("\ufffd", text)


def storable_id(text: str) -> str:
    """Return an id as its columns hold it.

    One that is too long keeps its beginning, and a digest that tells it from others that
    begin alike: nobody reads what was recorded of somebody else's.
    """
    text = clean(text)
    if len(text) <= ID_CHARACTERS:
        return text
    digest = sha256(text.encode()).hexdigest()[:16]
    return f"{text[: ID_CHARACTERS - len(digest) - 1]}~{digest}"


def clip(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of the text: its head, a note, its tail.

    The note says how many characters are missing and how many there were. A limit too
    small for it leaves the head and an ellipsis. A text that was cut before has one note
    again, with its first length; what only looks like such a note is text.
    """
    if len(text) <= limit:
        return text
    notes = list(islice(NOTE.finditer(text), 2))
    length = int(notes[0][1].replace(",", "")) if len(notes) == 1 else 0
    if length <= len(text):  # of several texts, or not of a cut
        return _join(text, text, limit=limit, length=len(text))
    head, tail = text[: notes[0].start()], text[notes[0].end() :]
    return _join(head, tail, limit=limit, length=length)


def clip_end(text: str, limit: int, *, is_more: bool = False) -> str:
    """Return at most ``limit`` characters of the text in whole words, then how many follow.

    For a reader, where the end of a text matters less. ``is_more``: the text itself is
    only the beginning of one.
    """
    if len(text) <= limit and not is_more:
        return text
    head = _head(text, limit)
    if len(head) < len(text) and " " in head:
        head = head.rpartition(" ")[0]
    least = "more than " if is_more else ""
    missing = len(text) - len(head)
    return f"{head} {ELLIPSIS} {least}{missing:,} characters left out"


def clip_bytes(text: str, limit: int) -> str:
    """Return at most ``limit`` bytes of UTF-8 of the text, cut between characters.

    Like ``clip``; the note counts bytes. Characters that UTF-8 cannot encode become "?".
    """
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode()
    return _join_bytes(encoded, encoded, limit=limit, length=len(encoded))


def redact_and_clip(text: str, limit: int) -> str:
    """Return what may be stored of a text: clean, redacted, at most ``limit`` characters.

    Bytes of a file in a data URL are left out. The work is bounded whatever the length
    of the text.
    """
    if limit <= 0:
        return ""
    window = limit + SECRET_CHARACTERS
    if len(text) <= 2 * window:
        redacted = _redacted(text)
        return redacted if len(redacted) <= limit else clip(redacted, limit)
    head = _redacted(text[:window])[:-SECRET_CHARACTERS]
    tail = _redacted(text[-window:])[SECRET_CHARACTERS:]
    return _join(head, tail, limit=limit, length=len(text))


def clip_ends(head: str, tail: str, *, limit: int, length: int) -> str:
    """Return at most ``limit`` bytes of a text of which only the two ends were kept.

    The note says how many of ``length`` bytes are missing. The ends are to be redacted,
    and longer by ``SECRET_CHARACTERS`` than what is to be seen of them.
    """
    return _join_bytes(
        clean(head)[:-SECRET_CHARACTERS].encode(),
        clean(tail)[SECRET_CHARACTERS:].encode(),
        limit=limit,
        length=length,
    )


class TextBudget:
    """Cuts texts to ``TEXT_CHARACTERS`` each and to a number of bytes together.

    ``tools`` is the budget of tool arguments and results; the same one unless said.
    """

    __slots__ = ("_left", "tools")

    def __init__(self, size: int, *, tools: "TextBudget | None" = None) -> None:
        self._left = size
        self.tools = tools or self

    def take(self, text: str) -> str:
        """Return what may be stored of the text; nothing once the budget is spent."""
        if self._left <= 0:
            return ""
        kept = redact_and_clip(text, TEXT_CHARACTERS)
        size = len(kept) if kept.isascii() else len(kept.encode())
        if size > self._left:
            kept = clip_bytes(kept, self._left)
            self._left = 0
        else:
            self._left -= size
        return kept


def clip_url(url: str) -> str:
    """Return a URL without credentials, and a data URL without its data."""
    if url[:5].lower() == "data:":  # a scheme may be in capitals
        return redact_and_clip(drop_data_urls(f"data:{url[5:]}"), URL_CHARACTERS)
    if len(url) > URL_CHARACTERS + SECRET_CHARACTERS:
        return redact_and_clip(url, URL_CHARACTERS)
    return redact_and_clip(redact_url(url), URL_CHARACTERS)


def drop_data_urls(text: str) -> str:
    """Return the text with each data URL replaced by its media type and size."""
    return DATA_URL.sub(_data_url_note, text) if "data:" in text else text


def drop_file_bytes(text: str) -> str:
    """Return the text without data URLs and without other long runs of base64.

    For HTTP bodies, which carry files that way. Prose has no such runs; a run without
    both cases and digits is taken for text all the same.
    """
    return BASE64_RUN.sub(_base64_note, drop_data_urls(text))


def summarise_label(text: str) -> str:
    """Return a run's label: one line of redacted text, at most 200 characters."""
    # The first words are wanted, so a head that cannot divide a secret unseen will do.
    window = LABEL_CHARACTERS + SECRET_CHARACTERS
    redacted = _redacted(text[:window])
    if len(text) > window:
        redacted = redacted[:-SECRET_CHARACTERS]
    label = " ".join(redacted.split())
    if len(label) <= LABEL_CHARACTERS:
        return label
    return label[: LABEL_CHARACTERS - 1].rstrip() + ELLIPSIS


def _redacted(text: str) -> str:
    if not text.isascii() or "\0" in text or "data:" in text:  # as few texts
        text = drop_data_urls(clean(text))
    return redact_text(text)


def _join(head: str, tail: str, *, limit: int, length: int) -> str:
    room = limit - len(_note(length, length, "characters"))
    if room < MIN_KEPT:
        return _head(head, limit - 1) + ELLIPSIS if limit > 0 else ""
    head, tail = _head(head, room - room // 2), _tail(tail, room // 2)
    return head + _note(length - len(head) - len(tail), length, "characters") + tail


def _join_bytes(head: bytes, tail: bytes, *, limit: int, length: int) -> str:
    room = limit - len(_note(length, length, "bytes").encode())
    if room < MIN_KEPT:
        dots = ELLIPSIS.encode()
        short = head[: limit - len(dots)] + dots if limit >= len(dots) else b""
        return short.decode(errors="ignore")
    start = head[: room - room // 2].decode(errors="ignore")
    start = _head(head.decode(errors="ignore"), len(start))
    end = tail[-(room // 2) :].decode(errors="ignore")
    end = _tail(tail.decode(errors="ignore"), len(end))
    missing = length - len(start.encode()) - len(end.encode())
    return start + _note(missing, length, "bytes") + end


def _head(text: str, size: int) -> str:
    """Return the start of a text, without half a marker at its end."""
    divided = _marker_around(text, size)
    return text[: size if divided is None else divided.start()]


def _tail(text: str, size: int) -> str:
    """Return the end of a text, without half a marker at its start."""
    start = max(0, len(text) - size)
    divided = _marker_around(text, start)
    return text[start if divided is None else divided.end() :]


def _marker_around(text: str, position: int) -> re.Match[str] | None:
    first = max(0, position - MARKER_CHARACTERS)
    for match in MARKERS.finditer(text, first, position + MARKER_CHARACTERS):
        if match.start() < position < match.end():
            return match
    return None


def _note(missing: int, length: int, unit: str) -> str:
    return f" {ELLIPSIS} [{missing:,} {unit} left out of {length:,}] {ELLIPSIS} "


def _data_url_note(match: re.Match[str]) -> str:
    media_type = match[1] or "data"
    return f"[{media_type} of {len(match[0]):,} characters]"


def _base64_note(match: re.Match[str]) -> str:
    sample = match[0][:BASE64_SAMPLE]
    has_all = (
        any(character.isupper() for character in sample)
        and any(character.islower() for character in sample)
        and any(character.isdigit() for character in sample)
    )
    return f"[base64 of {len(match[0]):,} characters]" if has_all else match[0]
