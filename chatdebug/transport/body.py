"""HTTP bodies: recorded in bounded memory while they pass, turned into text afterwards."""

import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from chatdebug.payloads import clip_bytes, clip_ends, drop_file_bytes
from chatdebug.payloads.limits import BODY_BYTES, SECRET_CHARACTERS
from chatdebug.redaction import redact_body

END_BYTES = 64 * 1024
"""What is kept of each end: half of ``BODY_BYTES`` and more than a secret beyond it."""
PIECE_BYTES = 64
"""What a piece takes besides its bytes, so that many small ones are not held for nothing."""
DECODED_BYTES = 1_000_000
"""How much is decompressed at most, so that a small body cannot become a large one."""

TEXT_TYPES = ("text/", "json", "xml", "x-www-form-urlencoded")
"""What is in the media type of a body that is text."""
CHARSET = re.compile(r"charset=\"?([\w-]{1,40})", re.IGNORECASE)
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
WITHOUT_HEADER = -zlib.MAX_WBITS
"""Some servers say deflate and send it without zlib's header."""


class Body:
    """The two ends of a body, each of at most ``end_bytes``, and its true length.

    Pieces are held as they come: nothing is copied or cut until they take more than
    ``room`` has left. Whoever reads a stream may do what ``add`` does in place of it.
    """

    __slots__ = ("_end_bytes", "_head", "_settled", "_tail", "keep", "pieces", "room")

    def __init__(self, content: bytes = b"", *, end_bytes: int = END_BYTES) -> None:
        self._end_bytes = end_bytes
        self._head = self._tail = b""
        self._settled = 0  # how many bytes came before the pieces
        self.pieces: list[bytes] = [content] if content else []
        self.keep: Callable[[bytes], None] = self.pieces.append
        """Takes a piece: whoever also wants to know of it puts itself in its place."""
        self.room = end_bytes - len(content)
        if self.room < 0:
            self.settle()

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self.keep(piece)
        self.room -= len(piece) + PIECE_BYTES
        if self.room < 0:
            self.settle()

    def settle(self) -> int:
        """Join the pieces, let go of what is in neither of the ends; return the new room."""
        pieces = self.pieces[:]
        del self.pieces[: len(pieces)]  # more may come from another thread meanwhile
        joined = b"".join(pieces)
        self._settled += len(joined)
        self.room = self._end_bytes
        missing = self._end_bytes - len(self._head)
        self._head += joined[:missing]
        rest = joined[max(missing, len(joined) - self._end_bytes) :]
        self._tail = (self._tail + rest)[-self._end_bytes :]
        return self.room

    def forget(self) -> None:
        """Let go of all of it, and only count what still comes."""
        self._settled = self.length
        self.let_go()

    def let_go(self) -> None:
        """Forget it without counting what came: nobody will ask."""
        self._head = self._tail = b""
        self.pieces.clear()
        self.keep = self._count

    def _count(self, piece: bytes) -> None:
        self._settled += len(piece)

    @property
    def length(self) -> int:
        """How many bytes came, held or not."""
        return self._settled + sum(map(len, self.pieces))

    @property
    def held_bytes(self) -> int:
        """How much of it is in memory."""
        return len(self._head) + len(self._tail) + sum(map(len, self.pieces))

    @property
    def is_whole(self) -> bool:
        """Whether nothing between the two ends was let go."""
        return self.held_bytes == self.length

    @property
    def start(self) -> bytes:
        """The whole body, or what is kept of its beginning."""
        self.settle()
        return self._head + self._tail if self.is_whole else self._head

    @property
    def end(self) -> bytes:
        """What is kept of the end; empty if the body is whole."""
        self.settle()
        return b"" if self.is_whole else self._tail


def body_text(body: Body, *, content_type: str, encoding: str = "") -> str:
    """Return what may be stored of a body: redacted text of at most ``BODY_BYTES``.

    Compressed content is decompressed as far as is allowed; binary content, files and
    unknown encodings become a note of type and size.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if not body.length:
        return ""
    if not _is_text(media_type, body):
        return f"[{body.length:,} bytes of {media_type or 'binary data'}]"
    if encoding in ("", "identity"):
        return _text(body, content_type)
    plain = decoded(body, encoding)
    if plain is None:
        return f"[{body.length:,} bytes encoded as {encoding[:40]}]"
    whole = body.is_whole and plain.is_all
    note = "" if whole else f" [of {body.length:,} bytes encoded as {encoding}]"
    return _text(Body(plain.content), content_type) + note


class Decoded(NamedTuple):
    """What the kept start of a body says."""

    content: bytes
    is_all: bool
    """Whether that is all of the kept start; False: there is more than is allowed."""


def decoded(body: Body, encoding: str) -> Decoded | None:
    """Return the decompressed start of a body; None if that is not possible here."""
    start = body.start
    if encoding in ("", "identity"):
        return Decoded(start, is_all=True)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    for window in (GZIP_OR_ZLIB, WITHOUT_HEADER):
        stream = zlib.decompressobj(window)
        try:
            content = stream.decompress(start, DECODED_BYTES)
        except zlib.error:
            continue
        return Decoded(content, is_all=stream.eof or len(content) < DECODED_BYTES)
    # Not compressed after all, or decoded already by a test's transport.
    return Decoded(start, is_all=True)


def _is_text(media_type: str, body: Body) -> bool:
    if not media_type:
        return b"\x00" not in body.start[:1_000]
    return any(mark in media_type for mark in TEXT_TYPES)


def _text(body: Body, content_type: str) -> str:
    start = drop_file_bytes(_decoded_text(body.start, content_type))
    head = redact_body(start, content_type)
    if body.is_whole:
        return clip_bytes(head, BODY_BYTES)
    end = drop_file_bytes(_decoded_text(body.end, content_type))
    # What the middle began, a long key for one, may go on at the start of the end.
    tail = redact_body(end, content_type, unsure=SECRET_CHARACTERS)
    return clip_ends(head, tail, limit=BODY_BYTES, length=body.length)


def _decoded_text(data: bytes, content_type: str) -> str:
    """Return bytes as text, in the encoding that their sender names; else in UTF-8."""
    charset = CHARSET.search(content_type)
    try:
        return data.decode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:  # there is none of that name, or it is none of texts
        return data.decode(errors="replace")
