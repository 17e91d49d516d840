"""Runs and steps: what a turn or an internal model task left behind.

A run refers to its chat and its people by their ids as text and without constraints. A
capture can therefore never fail on a row that was rolled back or is not committed yet,
and any project can use these tables whatever its primary keys are.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import (
    ErrorKind,
    Evidence,
    Level,
    Operation,
    Outcome,
    RunKind,
    Status,
)
from chatdebug.querysets import ChatRunQuerySet, ChatStepQuerySet

OUTCOMES = {
    Status.IN_PROGRESS: Outcome.RUNNING,
    Status.COMPLETED: Outcome.COMPLETED,
    Status.ERROR: Outcome.FAILED,
    Status.INTERRUPTED: Outcome.STOPPED,
}
OVERFLOW = "overflow"
"""Instead of a fingerprint: this run counts failures of all kinds that found no room."""


def new_id() -> UUID:
    """Return a UUIDv7: ordered by time, made by the recorder before any insert."""
    return uuid_utils.compat.uuid7()


def calls_of(retries: Iterable[int]) -> list[int]:
    """Return for each failed attempt the number of its call, counted from 1.

    ``retries`` says how many attempts came before each of them, in the order in which
    they failed: at the errors level every attempt is a row of its own. Where that number
    does not grow, another call began.
    """
    calls: list[int] = []
    call, before = 0, -1
    for count in retries:
        if not calls or count <= before:
            call += 1
        calls.append(call)
        before = count
    return calls


def _one_of(field: str, values: list[str]) -> Q:
    return Q(**{f"{field}__in": values})


def _finished_unless_in_progress() -> Q:
    in_progress = Q(status=Status.IN_PROGRESS)
    return (in_progress & Q(finished_at__isnull=True)) | (
        ~in_progress & Q(finished_at__isnull=False)
    )


class ChatRun(models.Model):
    """The record of one turn or of one internal model task."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat_id = models.CharField(_("chat"), max_length=64)
    owner_id = models.CharField(_("owner"), max_length=64, blank=True, default="")
    root_chat_id = models.CharField(max_length=64, blank=True, default="")
    parent_chat_id = models.CharField(max_length=64, blank=True, default="")
    model_config_id = models.CharField(max_length=64, blank=True, default="")
    # The message that started the turn, and the newest one in the history it used.
    trigger_message_id = models.CharField(
        _("message that started it"), max_length=64, blank=True, default=""
    )
    history_tip_message_id = models.CharField(
        _("newest message of the history"), max_length=64, blank=True, default=""
    )

    kind = models.CharField(
        _("kind"),
        max_length=32,
        choices=RunKind,
        default=RunKind.CHAT_TURN,
        editable=False,
    )
    level = models.CharField(
        _("level"), max_length=8, choices=Level, default=Level.ERRORS
    )
    status = models.CharField(
        _("status"), max_length=16, choices=Status, default=Status.IN_PROGRESS
    )
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    # Of the last error; empty for a run without one.
    error_kind = models.CharField(
        _("kind of error"), max_length=32, choices=ErrorKind, blank=True, default=""
    )
    fingerprint = models.CharField(
        _("fingerprint"), max_length=32, blank=True, default=""
    )
    similar_count = models.PositiveIntegerField(
        _("similar"),
        default=0,
        help_text=_(
            "Failures with the same fingerprint that were counted, not stored."
        ),
    )
    summary = models.JSONField(default=dict, blank=True)
    # Of the snapshot that is stored: of two, the higher one is newer. See the writer.
    revision = models.PositiveIntegerField(db_default=0, editable=False)

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ChatRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-started_at", "-id")
        permissions = [
            ("view_content", "Can read prompts and answers of recorded runs")
        ]
        indexes = [
            # The Debug tab and the API: the newest runs of one chat.
            models.Index(
                fields=["chat_id", "-started_at", "-id"], name="chatdebug_run_chat"
            ),
            # The admin's search for an owner: the newest runs of one person.
            models.Index(
                fields=["owner_id", "-started_at", "-id"], name="chatdebug_run_owner"
            ),
            # The admin's list: the newest runs of all chats.
            models.Index(fields=["-started_at", "-id"], name="chatdebug_run_newest"),
            # The stale sweep and the heartbeat: unfinished runs by their last sign.
            models.Index(
                fields=["updated_at"],
                name="chatdebug_run_unfinished",
                condition=Q(finished_at__isnull=True),
            ),
            # Retention: runs by their last sign.
            models.Index(fields=["updated_at"], name="chatdebug_run_updated"),
            # Counting failures of the same kind, newest first.
            models.Index(
                fields=["fingerprint", "-started_at"],
                name="chatdebug_run_fingerprint",
                condition=~Q(fingerprint=""),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=_one_of("kind", RunKind.values), name="chatdebug_run_kind"
            ),
            models.CheckConstraint(
                condition=_one_of("level", Level.values), name="chatdebug_run_level"
            ),
            models.CheckConstraint(
                condition=_one_of("status", Status.values), name="chatdebug_run_status"
            ),
            models.CheckConstraint(
                condition=_one_of("error_kind", ["", *ErrorKind.values]),
                name="chatdebug_run_error_kind",
            ),
            models.CheckConstraint(
                condition=_finished_unless_in_progress(), name="chatdebug_run_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id}"

    @property
    def outcome(self) -> Outcome:
        """How it came out, which its status alone does not tell.

        ``ChatRunQuerySet.with_outcome`` asks a database the same.
        """
        if self.status == Status.INTERRUPTED:
            has_note = isinstance(self.summary, dict) and "note" in self.summary
            return Outcome.LOST if has_note else Outcome.STOPPED
        if self.status == Status.COMPLETED and self.error_kind:
            return Outcome.RECOVERED
        return OUTCOMES[Status(self.status)]

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it is in progress."""
        return self.finished_at - self.started_at if self.finished_at else None

    @property
    def evidence(self) -> Evidence:
        """What it keeps of its failing calls besides their errors, at the errors level."""
        told = self.told("evidence")
        return Evidence(told) if told in Evidence.values else Evidence.ERROR

    @property
    def has_payloads(self) -> bool:
        """Whether requests and answers were recorded: of all its calls, or those that failed."""
        return self.level == Level.FULL or self.evidence is Evidence.FULL

    @property
    def label(self) -> str:
        """The first words of the message that started the run, where they are kept."""
        return str(self.told("first_message") or "")

    def told(self, key: str) -> Any:
        """Return what the summary says of a key; None if nothing, or if it is none."""
        return self.summary.get(key) if isinstance(self.summary, dict) else None


class ChatStep(models.Model):
    """One logical model call inside a run."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(
        ChatRun, on_delete=models.DB_CASCADE, related_name="steps", db_index=False
    )
    chat_id = models.CharField(_("chat"), max_length=64)
    step_number = models.PositiveIntegerField(
        _("number"),
    )
    operation = models.CharField(
        _("operation"), max_length=16, choices=Operation, editable=False
    )
    status = models.CharField(
        _("status"), max_length=16, choices=Status, default=Status.IN_PROGRESS
    )
    history_tip_message_id = models.CharField(
        _("newest message of the history"), max_length=64, blank=True, default=""
    )

    normalized_request = models.JSONField(default=dict, blank=True)
    normalized_response = models.JSONField(null=True, blank=True)
    usage = models.JSONField(null=True, blank=True)
    attempts = models.JSONField(default=list, blank=True)
    error = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(db_default=0, editable=False)

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ChatStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("step_number", "started_at")
        indexes = [
            # The newest errors, for the rules: most steps may have gone well.
            models.Index(
                fields=["-id"],
                name="chatdebug_step_errors",
                condition=Q(error__isnull=False),
            )
        ]
        constraints = [
            # Also the index that serves "the steps of this run, in order".
            models.UniqueConstraint(
                fields=["run", "step_number"], name="chatdebug_step_number"
            ),
            models.CheckConstraint(
                condition=_one_of("operation", Operation.values),
                name="chatdebug_step_operation",
            ),
            models.CheckConstraint(
                condition=_one_of("status", Status.values),
                name="chatdebug_step_status",
            ),
            models.CheckConstraint(
                condition=_finished_unless_in_progress(), name="chatdebug_step_finished"
            ),
        ]

    def __str__(self) -> str:
        words = gettext("Step %(number)s of %(run)s")
        return words % {"number": self.step_number, "run": self.run_id}

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it is in progress."""
        return self.finished_at - self.started_at if self.finished_at else None
