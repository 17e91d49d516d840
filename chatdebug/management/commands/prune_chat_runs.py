"""Deletes old runs; the site does the same periodically, a batch at a time, by their age."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.management.piped import PipedCommand
from chatdebug.models import ChatRun
from chatdebug.models.retention import MAX_DAYS
from chatdebug.services.oldest_runs import (
    Edge,
    edge_of_bytes,
    edge_of_rows,
    prune_from,
    too_many,
)
from chatdebug.services.retention import BATCH_RUNS, prune_runs, retention_days

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def number_of_bytes(text: str) -> int:
    """Return a number of bytes, such as 800M: with K, M or G for powers of 1,024."""
    found = re.fullmatch(r"(\d+)([KMG]?)B?", text.upper(), re.ASCII)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no number of bytes, such as 800M")
    return int(found[1]) * UNITS[found[2]]


class Command(PipedCommand):
    """Delete what is kept no longer."""

    help = (
        "Deletes the oldest runs, with their steps: by their age, their number, or the "
        "bytes that they take. Of several limits each holds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the limits, the size of a batch, and whether only to look."""
        parser.add_argument(
            "--days",
            type=int,
            help="those that have not changed for so many days (default, if no limit is "
            "given: the deployment's retention)",
        )
        parser.add_argument("--rows", type=int, help="all but the newest so many runs")
        parser.add_argument(
            "--bytes",
            type=number_of_bytes,
            help="all but the newest that take so many bytes together, such as 800M or 2G",
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
        rows: int | None,
        batch_size: int,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Delete batch after batch. Raises CommandError for numbers without sense."""
        using, size = recorder_settings().DATABASE, options["bytes"]
        if days is None:
            has_limit = rows is not None or size is not None
            days = 0 if has_limit else retention_days(using=using)
            if not has_limit and not days:
                self.stdout.write("Runs are kept for ever: nothing is deleted.")
                return
        elif not days:
            self.stdout.write("Runs are kept for ever: no age is too old.")
        if not 0 <= days <= MAX_DAYS or batch_size < 1 or (rows or 0) < 0:
            raise CommandError(
                f"--days is from 0 (never) to {MAX_DAYS}, --rows is not negative, "
                "--batch-size is positive."
            )
        if dry_run:
            count = max([_count_old(days, using), *_counts(rows, size, using)])
            self.stdout.write(f"{count} runs would be deleted.")
            return
        deleted = 0
        while batch := prune_runs(days=days, limit=batch_size):
            deleted += batch
        for edge in _edges(rows, size, using):
            while batch := prune_from(edge=edge, limit=batch_size, using=using):
                deleted += batch
        self.stdout.write(f"{deleted} runs deleted.")


def _edges(rows: int | None, size: int | None, using: str) -> Iterator[Edge]:
    """Yield from where on there are too many, by each limit that is given."""
    if rows is not None and (edge := edge_of_rows(rows=rows, using=using)):
        yield edge
    if size is not None and (edge := edge_of_bytes(size=size, using=using)):
        yield edge


def _counts(rows: int | None, size: int | None, using: str) -> Iterator[int]:
    for edge in _edges(rows, size, using):
        yield too_many(edge=edge, using=using).count()


def _count_old(days: int, using: str) -> int:
    if not days:
        return 0
    before = timezone.now() - timedelta(days=days)
    return ChatRun.objects.using(using).unchanged_since(before).count()
