"""Files of exported runs as arguments of commands."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from chatdebug.exports.reading import UnreadableDocument, read_document
from chatdebug.formats import printable


def document_in(name: str, *, returncode: int = 1) -> dict[str, Any]:
    """Return the document in a file, or on standard input for ``-``.

    Raises CommandError, with that code, if there is none.
    """
    try:
        if name == "-":
            return read_document(sys.stdin)
        with Path(name).open(encoding="utf-8") as file:
            return read_document(file)
    except OSError as error:
        says = error.strerror
    except UnreadableDocument as error:
        says = str(error)
    raise CommandError(printable(f"{name}: {says}"), returncode=returncode)
