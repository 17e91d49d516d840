"""Runs as a file to be downloaded, sent while they are read."""

from collections.abc import AsyncIterator, Generator, Iterator
from threading import BoundedSemaphore
from weakref import finalize

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.text import get_valid_filename

from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import runs_with_steps
from chatdebug.querysets import ChatRunQuerySet

BLOCK_BYTES = 64 * 1024
"""Sent at once: under ASGI each block is a way to a thread and back."""
AT_ONCE = 2
"""Downloads of a process. Each holds a database connection for as long as its reader takes,
and who reads slowly must not keep those of everybody."""

_free = BoundedSemaphore(AT_ONCE)


class TooManyDownloads(Exception):
    """As many as may be are being read at this moment."""


class Download(StreamingHttpResponse):
    """A file that is sent while it is made; one of ``AT_ONCE`` until it is closed."""

    def __init__(self, content: Iterator[bytes] | AsyncIterator[bytes]) -> None:
        super().__init__(content)
        # Also where nobody closes it, as Django does not after an error.
        self._make_room = finalize(self, _free.release)

    def close(self) -> None:
        """Close it, and make room for the next one."""
        super().close()
        self._make_room()


def download(
    request: HttpRequest,
    runs: ChatRunQuerySet,
    *,
    form: str,
    share_safe: bool,
    name: str,
) -> Download:
    """Return the response with these runs in one of ``FORMS``, in constant memory.

    ``name`` is the file's, without its extension. If the database goes away meanwhile the
    response breaks off, and whoever reads it sees that it is not whole. Raises
    TooManyDownloads.
    """
    if not _free.acquire(blocking=False):
        raise TooManyDownloads
    chosen = FORMS[form]
    texts = chosen.write(runs_with_steps(runs), share_safe=share_safe)
    blocks = _blocks(texts)
    response = Download(
        _in_thread(blocks) if isinstance(request, ASGIRequest) else blocks
    )
    response.headers["Content-Type"] = chosen.content_type
    filename = get_valid_filename(f"{name}.{chosen.extension}")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _blocks(texts: Iterator[str]) -> Generator[bytes]:
    block = bytearray()
    for text in texts:
        # Half of a pair of surrogates may have been recorded; UTF-8 has no form for it.
        block += text.encode(errors="replace")
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _next(blocks: Iterator[bytes]) -> bytes:
    """Return the next block; nothing after the last. No coroutine can raise StopIteration."""
    return next(blocks, b"")


async def _in_thread(blocks: Generator[bytes]) -> AsyncIterator[bytes]:
    """Yield the blocks, each made in the thread that has the request's connection.

    Django would else put them all together before it sends the first.
    """
    try:
        while block := await sync_to_async(_next)(blocks):
            yield block
    finally:
        await sync_to_async(blocks.close)()
