"""Undoes the compression of a response, a bounded piece at a time."""

import zlib
from collections.abc import Iterator

import httpx2

PIECE = 64 * 1024


class Decompressor:
    """Decodes what a response's Content-Encoding says.

    httpx2 would do so too, but with no bound: 1 MB of gzip may be 1 GB of text. Raises
    httpx2.DecodingError for an encoding that is none of these, or a body that is not in
    it: our requests ask for none, so nothing else is to be expected.
    """

    def __init__(self, encoding: str) -> None:
        names = [name.strip().lower() for name in encoding.split(",") if name.strip()]
        names = [name for name in names if name != "identity"]
        if len(names) > 1 or any(n not in ("gzip", "x-gzip", "deflate") for n in names):
            raise httpx2.DecodingError(
                f"The response is encoded as {encoding[:50]!r}, which was not asked for."
            )
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if names else None
        self._is_raw = names == ["deflate"]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk holds. Raises httpx2.DecodingError."""
        if self._inflate is None:
            yield chunk
            return
        while True:
            piece = self._decompress(chunk)
            if piece:
                yield piece
            if len(piece) < PIECE:  # else more may wait, also where all input is taken
                return
            chunk = self._inflate.unconsumed_tail

    def _decompress(self, chunk: bytes) -> bytes:
        assert self._inflate is not None  # noqa: S101 - only called for an encoding
        try:
            return self._inflate.decompress(chunk, PIECE)
        except zlib.error as error:
            if not self._is_raw:
                raise httpx2.DecodingError(str(error)) from error
            self._is_raw = False  # some servers send deflate without zlib's frame
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._decompress(chunk)
