"""Files that commands write."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.management.base import CommandError

from chatdebug.formats import printable


def write_whole(pieces: Iterable[str], path: Path) -> None:
    """Write a file as a whole or not at all. Raises CommandError if it cannot be."""
    try:
        with _replaced(path) as file:
            file.writelines(pieces)
    except OSError as error:
        raise CommandError(printable(f"{path}: {error.strerror}")) from error


@contextmanager
def _replaced(path: Path) -> Iterator[IO[str]]:
    """Yield a file, for its owner alone, that takes the place of ``path`` at the end."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
