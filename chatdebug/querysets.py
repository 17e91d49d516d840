"""Reads of the recorder's tables, named so that the call site reads as a sentence."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from chatdebug.enums import Outcome, Status

if TYPE_CHECKING:
    from chatdebug.models import ChatRun, ChatStep  # noqa: F401

PAYLOAD_COLUMNS = ("normalized_request", "normalized_response", "attempts")
"""The columns of a step that may be large. No list loads them."""
OUTCOMES = {
    Outcome.RUNNING: Q(status=Status.IN_PROGRESS),
    Outcome.COMPLETED: Q(status=Status.COMPLETED, error_kind=""),
    Outcome.RECOVERED: Q(status=Status.COMPLETED) & ~Q(error_kind=""),
    Outcome.FAILED: Q(status=Status.ERROR),
    Outcome.STOPPED: Q(status=Status.INTERRUPTED, summary__note__isnull=True),
    Outcome.LOST: Q(status=Status.INTERRUPTED, summary__note__isnull=False),
}
"""What ``ChatRun.outcome`` says, as conditions of a database."""


class ChatRunQuerySet(models.QuerySet["ChatRun"]):
    """Runs."""

    def of_chat(self, chat_id: str) -> "ChatRunQuerySet":
        """Runs of one chat, newest first."""
        return self.filter(chat_id=chat_id).order_by("-started_at", "-id")

    def unfinished(self) -> "ChatRunQuerySet":
        """Runs that are still in progress, as far as the database knows."""
        return self.filter(finished_at__isnull=True)

    def unchanged_since(self, moment: datetime) -> "ChatRunQuerySet":
        """Runs whose last sign of life is older than that, oldest first."""
        return self.filter(updated_at__lt=moment).order_by("updated_at")

    def stale(self, *, now: datetime, after: timedelta) -> "ChatRunQuerySet":
        """Unfinished runs whose process has not been heard of for ``after``, oldest first.

        In the order of the index of unfinished runs: for the default order SQLite would
        read the whole table.
        """
        return (
            self.unfinished().filter(updated_at__lt=now - after).order_by("updated_at")
        )

    def with_fingerprint(self, fingerprint: str) -> "ChatRunQuerySet":
        """Runs with the same failure.

        That it is not empty is said for the planner: the index has no other runs.
        """
        return self.filter(fingerprint=fingerprint).exclude(fingerprint="")

    def with_outcome(self, outcome: Outcome) -> "ChatRunQuerySet":
        """Runs that came out like this."""
        return self.filter(OUTCOMES[outcome])

    def newest_first(self) -> "ChatRunQuerySet":
        """Runs in the order of every list."""
        return self.order_by("-started_at", "-id")


class ChatStepQuerySet(models.QuerySet["ChatStep"]):
    """Steps."""

    def unfinished(self) -> "ChatStepQuerySet":
        """Steps that are still in progress, as far as the database knows."""
        return self.filter(status=Status.IN_PROGRESS)

    def without_payloads(self) -> "ChatStepQuerySet":
        """The same steps, their large columns not loaded."""
        return self.defer(*PAYLOAD_COLUMNS)
