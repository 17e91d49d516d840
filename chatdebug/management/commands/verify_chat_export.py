"""Checks the file of an export, without a database: is it whole, and what it says it is."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from chatdebug.exports.reading import check_document
from chatdebug.formats import printable
from chatdebug.management.documents import document_in
from chatdebug.management.piped import PipedCommand

UNREADABLE = 2


class Command(PipedCommand):
    """Check a file against its receipt."""

    help = (
        "Checks an exported file against its receipt. Ends with 0 if all holds, with 1 "
        "if something does not, with 2 if the file cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", help="the file; - for stdin")
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        """Say what holds. Exits with 1 if not all does; raises CommandError with 2."""
        with document_in(file, returncode=UNREADABLE) as document:
            findings = check_document(document)
        holds = all(found.holds for found in findings)
        if options["json"]:
            said = [
                {"check": found.check, "holds": found.holds, "says": found.says}
                for found in findings
            ]
            self.stdout.write(json.dumps({"holds": holds, "findings": said}))
        else:
            for found in findings:
                sign = "ok  " if found.holds else "FAIL"
                self.stdout.write(printable(f"{sign} {found.says}"))
        if not holds:
            sys.exit(1)
