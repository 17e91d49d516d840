"""Stores the rules of another deployment, in shadow."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connections, router

from chatdebug.exports.reading import UnreadableDocument
from chatdebug.formats import printable
from chatdebug.management.documents import refuse_encoded
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ClassificationRule
from chatdebug.services.rule_files import MAX_BYTES, RuleFileError, import_rules


class Command(PipedCommand):
    """Import a file that ``export_chat_rules``, or the admin, wrote."""

    help = "Imports rules; they are in shadow, and decide nothing until switched on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", help="the file; - for stdin")
        parser.add_argument(
            "--database", choices=list(connections), help="the one to write to"
        )

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        """Store all of them. Raises CommandError for a bad file; nothing is stored then."""
        using = options["database"] or router.db_for_write(ClassificationRule)
        try:
            imported = import_rules(content=_content(file), using=using)
        except OSError as error:
            raise CommandError(printable(f"{file}: {error.strerror}")) from error
        except (RuleFileError, UnreadableDocument) as error:
            raise CommandError(printable(f"{file}: {error}")) from error
        self.stdout.write(
            f"{len(imported.rules):,} rules stored in shadow, "
            f"{imported.known:,} known before."
        )


def _content(file: str) -> bytes:
    """Return a file, as far as it may be one of rules.

    Raises OSError, and UnreadableDocument if it is encoded.
    """
    if file == "-":
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(file).open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    refuse_encoded(content)
    return content
