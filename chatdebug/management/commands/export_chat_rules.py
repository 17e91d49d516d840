"""Writes the deployment's own rules for another deployment."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import connections

from chatdebug.management.files import file_or_stdout, write_whole
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ClassificationRule
from chatdebug.services.rule_files import export_rules


class Command(PipedCommand):
    """Export rules as JSON."""

    help = "Exports the deployment's own rules as JSON, without ids, notes and numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to write them."""
        parser.add_argument(
            "--output", type=file_or_stdout, help="a file; - or default: stdout"
        )
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
            write_whole([exported.text], output, is_private=False)
        if exported.note:
            self.stderr.write(exported.note)
