"""Lets a worker ask models."""

from django.core.management.base import BaseCommand, CommandParser

from host.tasks import ask

SECONDS = 60


class Command(BaseCommand):
    """Queue one task for each model, and say how they ended."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names of the models."""
        parser.add_argument("models", nargs="+")

    def handle(self, models: list[str], **options: object) -> None:
        """Wait for all of them."""
        queued = [ask.delay("c", 7, model) for model in models]
        for result in queued:
            result.get(timeout=SECONDS, propagate=False)
            self.stdout.write(result.state)
