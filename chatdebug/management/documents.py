"""Files of exported runs as arguments of commands."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from django.core.management.base import CommandError

from chatdebug.exports.reading import Document, UnreadableDocument
from chatdebug.formats import printable


@contextmanager
def document_in(name: str, *, returncode: int = 1) -> Iterator[Document]:
    """Open the document in a file, or on standard input for ``-``.

    Raises CommandError, with that code, if there is none; so does UnreadableDocument in
    the block.
    """
    try:
        with ExitStack() as opened:
            file: IO[str] = sys.stdin
            if name != "-":
                file = opened.enter_context(Path(name).open(encoding="utf-8"))
            if not file.seekable():
                file = opened.enter_context(_copy(file))
            yield Document(file)
            return
    except OSError as error:
        says = error.strerror
    except UnicodeError:
        says = "The file is not JSON."
    except UnreadableDocument as error:
        says = str(error)
    raise CommandError(printable(f"{name}: {says}"), returncode=returncode)


@contextmanager
def _copy(pipe: IO[str]) -> Iterator[IO[str]]:
    """Yield what comes through a pipe as a file without a name: it is read repeatedly."""
    # Standard input may hold halves of characters, which stand for bytes that are none.
    with TemporaryFile("w+", encoding="utf-8", errors="surrogatepass") as copy:
        shutil.copyfileobj(pipe, copy)
        yield copy
