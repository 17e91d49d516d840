"""Deletes old runs; the site does the same periodically, a batch at a time."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun
from chatdebug.models.retention import MAX_DAYS
from chatdebug.services.retention import BATCH_RUNS, prune_runs, retention_days


class Command(BaseCommand):
    """Delete what is kept no longer."""

    help = "Deletes runs, with their steps, that have not changed for a number of days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the age, the size of a batch, and whether only to look."""
        parser.add_argument(
            "--days", type=int, help="their age (default: the deployment's retention)"
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            default=BATCH_RUNS,
            help="runs that are deleted at a time (default: %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many there are, and stop"
        )

    def handle(
        self,
        *args: Any,
        days: int | None,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Delete batch after batch. Raises CommandError for numbers without sense."""
        using = recorder_settings().DATABASE
        days = retention_days(using=using) if days is None else days
        if not 0 <= days <= MAX_DAYS or batch_size < 1:
            raise CommandError(
                f"--days is from 0 (never) to {MAX_DAYS}, --batch-size is positive."
            )
        if not days:
            self.stdout.write("Runs are kept for ever: nothing is deleted.")
            return
        if dry_run:
            before = timezone.now() - timedelta(days=days)
            count = ChatRun.objects.using(using).unchanged_since(before).count()
            self.stdout.write(f"{count} runs would be deleted.")
            return
        deleted = 0
        while batch := prune_runs(days=days, limit=batch_size):
            deleted += batch
        self.stdout.write(f"{deleted} runs deleted.")
