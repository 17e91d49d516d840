"""Stores the runs of another deployment's export, to look at them here."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connections, router

from chatdebug.access import is_impossible
from chatdebug.exports.importing import import_document
from chatdebug.management.documents import document_in
from chatdebug.management.piped import PipedCommand
from chatdebug.management.progress import Progress
from chatdebug.models import ChatRun
from chatdebug.payloads.limits import ID_CHARACTERS


class Command(PipedCommand):
    """Import a file that ``export_chat_runs`` wrote as JSON."""

    help = "Imports exported runs, share-safe or not, to look at them in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and whose the runs are to be."""
        parser.add_argument("file", help="the file; - for stdin")
        parser.add_argument(
            "--chat",
            default="",
            help="the chat here that they are put to (default: one that nobody has, "
            "named after their own)",
        )
        parser.add_argument(
            "--owner", default="", help="the id of the person whose they are to be"
        )
        parser.add_argument(
            "--database", choices=list(connections), help="the one to write to"
        )
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(self, *args: Any, chat: str, owner: str, **options: Any) -> None:
        """Store all of them. Raises CommandError for a bad file; nothing is stored then."""
        if is_impossible(chat) or is_impossible(owner):
            raise CommandError(f"An id has at most {ID_CHARACTERS} characters.")
        with document_in(options["file"]) as document:
            progress = Progress(self.stderr, "runs", total=document.run_count)
            done = import_document(
                document,
                using=options["database"] or router.db_for_write(ChatRun),
                chat_id=chat,
                owner_id=owner,
                on_progress=progress.tell,
            )
        progress.end()
        if options["json"]:
            said = {"stored": done.stored, "known": done.known}
            self.stdout.write(json.dumps({**said, "differing": done.differing}))
        else:
            known = f"{done.known:,} known before"
            if done.differing:
                known += (
                    f", of which the file has {done.differing:,} otherwise: not changed"
                )
            self.stdout.write(f"{done.stored:,} runs stored, {known}.")
