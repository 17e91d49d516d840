"""Deletes all that was recorded of a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from chatdebug.access import is_impossible
from chatdebug.management.piped import PipedCommand
from chatdebug.services.erasure import erase_owner, runs_of_owner


class Command(PipedCommand):
    """Erase what is recorded of one person."""

    help = (
        "Deletes all runs of a person, those on their way too, and their switches. Their "
        "account and their chats stay. It leaves an entry in the audit."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose runs, and whether only to look."""
        parser.add_argument("owner_id", help="the person's id, as runs have it")
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many there are, and stop"
        )

    def handle(self, *args: Any, owner_id: str, dry_run: bool, **options: Any) -> None:
        """Erase. Raises CommandError for what is nobody's id."""
        if not owner_id or is_impossible(owner_id):
            raise CommandError("That is nobody's id.")
        if dry_run:
            count = runs_of_owner(owner=owner_id).count()
            self.stdout.write(f"{count} runs would be deleted.")
            return
        count = erase_owner(owner=owner_id, by=None)
        self.stdout.write(f"{count} runs deleted.")
