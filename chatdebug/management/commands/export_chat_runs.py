"""Writes the runs of a chat, of a person, or one of them, for the next person."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db import connections

from chatdebug.access import is_impossible
from chatdebug.exports.forms import FORMS
from chatdebug.exports.rows import runs_with_steps
from chatdebug.formats import printable
from chatdebug.management.files import file_or_stdout, write_whole
from chatdebug.management.piped import PipedCommand
from chatdebug.management.progress import Progress
from chatdebug.models import ChatRun
from chatdebug.querysets import ChatRunQuerySet
from chatdebug.services.erasure import runs_of_owner

WRONG_USE = 2
"""What a command ends with that was called wrongly, as the parser's own errors do."""


class Command(PipedCommand):
    """Export runs with their steps."""

    help = (
        "Exports the runs of a chat or a person, or one run, as JSON, OTLP or Markdown."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which runs, in which form, and where to."""
        parser.add_argument("chat_id", nargs="?", help="all runs of this chat")
        parser.add_argument("--run", help="this run alone")
        parser.add_argument("--owner", help="all runs of the person with this id")
        parser.add_argument(
            "--format", choices=FORMS, default="json", help="default: %(default)s"
        )
        parser.add_argument(
            "--share-safe",
            action="store_true",
            help="structure, lengths, kinds and timings, and no content",
        )
        parser.add_argument(
            "--output", type=file_or_stdout, help="a file; - or default: stdout"
        )
        parser.add_argument(
            "--database", choices=list(connections), help="the one to read"
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="say as JSON what was written to --output",
        )

    def handle(
        self, *args: Any, output: Path | None, share_safe: bool, **options: Any
    ) -> None:
        """Write them. Raises CommandError if there are none, or for a wrong use."""
        if options["json"] and output is None:
            raise CommandError("--json needs --output.", returncode=WRONG_USE)
        runs = _runs(
            options["chat_id"], options["run"], options["owner"], options["database"]
        )
        if not runs.exists():
            raise CommandError("There are no such runs.")
        total = runs.count() if self.stderr.isatty() else None
        progress = Progress(self.stderr, "runs", total=total)
        rows = progress.over(runs_with_steps(runs))
        form = FORMS[options["format"]]
        pieces = form.write(rows, share_safe=share_safe)
        if output is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
        else:
            write_whole(pieces, output)
        progress.end()
        if output is not None:
            if options["json"]:
                said = {
                    "file": str(output),
                    "format": options["format"],
                    "runs": progress.count,
                }
                self.stdout.write(json.dumps(said))
            else:
                self.stdout.write(
                    printable(f"{progress.count:,} runs written to {output}.")
                )


def _runs(
    chat_id: str | None, run: str | None, owner: str | None, database: str | None
) -> ChatRunQuerySet:
    runs = ChatRun.objects.using(database) if database else ChatRun.objects.all()
    if [chat_id, run, owner].count(None) != 2:
        raise CommandError("Give a chat's id, --run or --owner.", returncode=WRONG_USE)
    if owner is not None:
        return (
            runs.none()
            if is_impossible(owner)
            else runs_of_owner(owner=owner, using=database)
        )
    if run is not None:
        try:
            return runs.filter(pk=UUID(run))
        except ValueError as error:
            raise CommandError(
                "The run's id is not a UUID.", returncode=WRONG_USE
            ) from error
    chat_id = str(chat_id)
    return runs.none() if is_impossible(chat_id) else runs.of_chat(chat_id)
