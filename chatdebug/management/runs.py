"""One run as an argument of commands: of the database, or of a file that was handed on."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db import connections

from chatdebug.cassettes.sdks import SDKS
from chatdebug.exports.document import run_document
from chatdebug.formats import printable
from chatdebug.management.documents import document_in
from chatdebug.models import ChatRun

WRONG_USE = 2


def add_run_arguments(parser: ArgumentParser) -> None:
    """Take the run, where it is, and how its call is made."""
    parser.add_argument("run", nargs="?", help="the run's id")
    parser.add_argument(
        "--export",
        metavar="FILE",
        help="take the run from an exported file; - for stdin",
    )
    parser.add_argument("--database", choices=list(connections), help="the one to read")
    parser.add_argument(
        "--sdk",
        choices=SDKS,
        help="call by this library, whatever was recorded and PLAYED_CALL says",
    )


def run_of(run: str | None, *, export: str | None, database: str | None) -> Any:
    """Return a run as ``exports.document`` has it. Raises CommandError with code 2."""
    key = _id_of(run)
    if export is not None:
        return _exported(key, export)
    if key is None:
        raise CommandError("Give a run's id, or --export.", returncode=WRONG_USE)
    runs = ChatRun.objects.using(database) if database else ChatRun.objects.all()
    found = runs.filter(pk=key).first()
    if found is None:
        raise CommandError("There is no such run.", returncode=WRONG_USE)
    return run_document(found, found.steps.all())


def _id_of(run: str | None) -> UUID | None:
    try:
        return None if run is None else UUID(run)
    except ValueError as error:
        raise CommandError(
            "The run's id is not a UUID.", returncode=WRONG_USE
        ) from error


def _exported(key: UUID | None, file: str) -> Any:
    """Return the run of that id, or the only one in the file."""
    with document_in(file, returncode=WRONG_USE) as document:
        if key is None and document.run_count == 1:
            return next(document.runs())
        ids = []
        for one in document.runs():
            if key is not None and one.get("id") == str(key):
                return one
            ids.append(str(one.get("id")))
    if key is not None:
        raise CommandError("There is no such run in the file.", returncode=WRONG_USE)
    shown = printable(", ".join(ids[:20])) or "none"
    raise CommandError(f"Name one of the file's runs: {shown}.", returncode=WRONG_USE)
