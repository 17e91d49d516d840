"""Shows a run in a terminal, as its page does."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db import connections

from chatdebug.exports.document import run_document
from chatdebug.exports.plain import plain
from chatdebug.exports.report import report
from chatdebug.formats import pretty, printable
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ChatRun


class Command(PipedCommand):
    """Print one run with its steps."""

    help = "Shows a run with its steps as text."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run's id."""
        parser.add_argument("run", type=UUID, help="the run's id")
        parser.add_argument(
            "--database", choices=list(connections), help="the one to read"
        )
        parser.add_argument("--json", action="store_true", help="show it as JSON")

    def handle(
        self, *args: Any, run: UUID, database: str | None, **options: Any
    ) -> None:
        """Print it. Raises CommandError if there is none of that id."""
        runs = ChatRun.objects.using(database) if database else ChatRun.objects.all()
        found = runs.filter(pk=run).first()
        if found is None:
            raise CommandError("There is no such run.")
        document = run_document(found, found.steps.all())
        text = (
            printable(pretty(document)) if options["json"] else plain(report(document))
        )
        self.stdout.write(text)
