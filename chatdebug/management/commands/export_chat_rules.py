"""Writes the deployment's own rules for another deployment."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from chatdebug.formats import printable
from chatdebug.models import ClassificationRule
from chatdebug.services.rule_files import export_rules


class Command(BaseCommand):
    """Export rules as JSON."""

    help = "Exports the deployment's own rules as JSON, without ids, notes and numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to write them."""
        parser.add_argument("--output", type=Path, help="a file; default: stdout")
        parser.add_argument(
            "--database", choices=list(connections), help="the one to read"
        )

    def handle(self, *args: Any, output: Path | None, **options: Any) -> None:
        """Write all of them. Raises CommandError for a file that cannot be written."""
        rules = ClassificationRule.objects.using(options["database"]).all()
        exported = export_rules(rules=rules)
        if output is None:
            self.stdout.write(exported.text, ending="")
        else:
            try:
                output.write_text(exported.text, encoding="utf-8")
            except OSError as error:
                raise CommandError(printable(f"{output}: {error.strerror}")) from error
        if exported.left_out:
            self.stderr.write(
                f"{exported.left_out:,} rules left out: an id is all that they ask for."
            )
