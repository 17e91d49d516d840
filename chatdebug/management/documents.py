"""Files of exported runs as arguments of commands."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from django.core.management.base import CommandError

from chatdebug.exports.reading import Document, UnreadableDocument
from chatdebug.formats import printable

UTF_16 = "The file is UTF-16. Convert it before: iconv -f UTF-16 -t UTF-8."
ENCODED = {
    b"\x1f\x8b": "The file is compressed. Unpack it before, with gunzip.",
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
}
"""What is said of files that begin so."""


@contextmanager
def document_in(name: str, *, returncode: int = 1) -> Iterator[Document]:
    """Open the document in a file, or on standard input for ``-``.

    Raises CommandError, with that code, if there is none; so does UnreadableDocument in
    the block.
    """
    try:
        with ExitStack() as opened:
            file: IO[bytes] = sys.stdin.buffer
            if name != "-":
                file = opened.enter_context(Path(name).open("rb"))
            if not file.seekable():
                file = opened.enter_context(_copy(file))
            file.seek(0)
            refuse_encoded(file.read(2))
            text = TextIOWrapper(file, encoding="utf-8-sig")
            opened.callback(text.detach)  # standard input is not ours to close
            yield Document(text)
            return
    except OSError as error:
        says = error.strerror
    except UnicodeError:
        says = "The file is not JSON."
    except UnreadableDocument as error:
        says = str(error)
    raise CommandError(printable(f"{name}: {says}"), returncode=returncode)


def refuse_encoded(beginning: bytes) -> None:
    """Raise UnreadableDocument if what begins so is no UTF-8, and could be made it."""
    if says := ENCODED.get(beginning[:2]):
        raise UnreadableDocument(says)


@contextmanager
def _copy(pipe: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield what comes through a pipe as a file without a name: it is read repeatedly."""
    with TemporaryFile() as copy:
        shutil.copyfileobj(pipe, copy)
        yield copy
