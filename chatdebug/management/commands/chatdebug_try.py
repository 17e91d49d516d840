"""Records a made failure, to see that the recorder works and where it shows."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from chatdebug.conf import recorder_settings
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ChatRun
from chatdebug.recorder.context import record_run
from chatdebug.writer import close_writer


class MadeFailureError(Exception):
    """What a provider might say that nobody has heard before."""


class Command(PipedCommand):
    """Let one call fail in a run, as a turn of a chat would, and say where it is found."""

    help = "Records a made failure, and prints where to look at it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the ids under which it is recorded."""
        parser.add_argument("--chat-id", default="chatdebug_try")
        parser.add_argument("--owner-id", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record it. Raises CommandError if it does not reach the database."""
        ChatRun.objects.exists()  # else it would wait in the spool
        block = record_run(
            chat_id=options["chat_id"],
            owner_id=options["owner_id"],
            provider="chatdebug",
            model="made-failure",
        )
        try:
            with block, block.run.step():
                raise MadeFailureError("A made failure: everything is as it should be.")
        except MadeFailureError:
            run = block.run
        close_writer()
        if run.stored_id is None:
            raise CommandError(
                "Nothing was recorded: CHATDEBUG['DEFAULT_LEVEL'] is 'off'."
            )
        if not ChatRun.objects.filter(pk=run.stored_id).exists():
            folder = recorder_settings().SPOOL_DIR
            kept = f"it waits in {folder}" if folder else "there is no spool to keep it"
            raise CommandError(
                f"Run {run.stored_id} is not in the database. The log says why; {kept}."
            )
        self.stdout.write(f"Recorded run {run.stored_id}")
        self.stdout.write(f"  level:      {run.level.value}")
        for place, name, arguments in (
            ("admin", "admin:chatdebug_chatrun_change", [run.stored_id]),
            ("Debug tab", "chatdebug:run", [run.facts.chat_id, run.stored_id]),
        ):
            self.stdout.write(f"  {place + ':':11} {_address(name, arguments)}")


def _address(name: str, arguments: Sequence[object]) -> str:
    if not getattr(settings, "ROOT_URLCONF", None):
        return "none: this project has no urls"
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return "not in the project's urls"
