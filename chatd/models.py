"""The chat's tables."""

import math
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from knox.models import AbstractAuthToken

from chatd.enums import BROKEN_OFF, ENDINGS, FinishReason, Role, TurnStatus
from chatd.llm.providers import is_demo, provider_choices
from chatd.querysets import (
    ApiTokenManager,
    ChatQuerySet,
    ModelConfigQuerySet,
    TurnQuerySet,
)
from chatdebug.enums import Evidence
from chatdebug.recorder import Them

LONGEST_COUNTDOWN = 3_600
"""Seconds that a button waits at most: whoever knows better may try then."""

environment_variable = RegexValidator(
    r"^[A-Z][A-Z0-9_]*$", "Name an environment variable, for example OPENAI_API_KEY."
)

MAX_TITLE_CHARACTERS = 200
"""Of the name of a chat."""


def new_id() -> UUID:
    """Return a UUIDv7, ordered by time."""
    return uuid_utils.compat.uuid7()


class ModelConfig(models.Model):
    """One model that chats can use; edited in the admin.

    The key itself is never stored: only the name of the variable that holds it.
    """

    name = models.SlugField(
        max_length=100,
        unique=True,
        help_text="How the API and the model picker call it.",
    )
    title = models.CharField(max_length=200, blank=True, default="")
    provider = models.CharField(max_length=32, choices=provider_choices)
    model = models.CharField(max_length=200, help_text="The provider's name of it.")
    base_url = models.URLField(
        blank=True, default="", help_text="Empty for the provider's own address."
    )
    api_key_variable = models.CharField(
        max_length=100, blank=True, default="", validators=[environment_variable]
    )
    key_origin = models.CharField(
        max_length=300,
        blank=True,
        default="",
        editable=False,
        help_text="Scheme, host and port that the key was entered for; it goes nowhere "
        "else.",
    )
    context_window = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    evidence = models.CharField(
        max_length=16,
        choices=Evidence,
        default=Evidence.FULL,
        help_text="What a failing call of it keeps at most; never more than the deployment "
        "and the chat's owner allow.",
    )
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = ModelConfigQuerySet.as_manager()

    class Meta:
        verbose_name = "model configuration"
        ordering = ("provider", "position", "name")

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_demo(self) -> bool:
        """Whether it is answered by the demo provider, which is no language model."""
        return is_demo(self.provider)


class Chat(models.Model):
    """What one owner and a model say to each other."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="chats",
        db_index=False,
    )
    model = models.ForeignKey(
        ModelConfig, on_delete=models.PROTECT, related_name="chats"
    )
    title = models.CharField(max_length=MAX_TITLE_CHARACTERS, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ChatQuerySet.as_manager()

    class Meta:
        indexes = [
            # The chat list: a person's chats, latest activity first.
            models.Index(
                fields=["owner", "-updated_at", "-id"], name="chatd_chat_owner"
            )
        ]

    def __str__(self) -> str:
        return self.title or "New chat"


class Turn(models.Model):
    """The work from one user message to its answer, or to its failure."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="turns", db_index=False
    )
    status = models.CharField(
        max_length=16, choices=TurnStatus, default=TurnStatus.QUEUED
    )
    epoch = models.PositiveIntegerField(
        default=0, help_text="Which attempt of a runner this is; fences its writes."
    )
    claim = models.UUIDField(
        null=True,
        editable=False,
        help_text="By what a runner took it, which finds it again where the answer to that "
        "was lost.",
    )
    error = models.JSONField(
        null=True,
        blank=True,
        help_text="Of a failed turn, sentences for people: message (what happened), how "
        "(the answer ended), tried (how often), whose, advice; said is in the words of "
        "the provider or an exception, detail what is worth quoting of them, speaker who said it; cause is what "
        "a rule found in the request, them whether other models failed as well. For programs: kind, owner, ways "
        "(what the user can do at once, the best first: again, change, new_chat, "
        "other_model, other_provider, report), wait (seconds before another try, if that is known), "
        "failed_at, attempts, provider, status_code, request_id, retryable, rule, run_id "
        "(of its evidence, or empty).",
    )
    recovery = models.JSONField(
        null=True,
        blank=True,
        help_text="Of a turn that was answered after failed attempts: attempts, seconds, "
        "message (what the first of them met), note (that in short), run_id (of "
        "the evidence, or empty).",
    )
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TurnQuerySet.as_manager()

    class Meta:
        indexes = [
            # The transcript and the history: the turns of a chat in order.
            models.Index(fields=["chat", "created_at", "id"], name="chatd_turn_chat"),
            # The runner's look for work, and the sweep of abandoned turns.
            models.Index(
                fields=["status", "created_at"],
                name="chatd_turn_active",
                condition=Q(status__in=[TurnStatus.QUEUED, TurnStatus.IN_PROGRESS]),
            ),
        ]
        constraints = [
            # One active turn per chat: a runner cannot claim a second one.
            models.UniqueConstraint(
                fields=["chat"],
                condition=Q(status=TurnStatus.IN_PROGRESS),
                name="chatd_one_active_turn_per_chat",
            ),
            models.CheckConstraint(
                condition=Q(status__in=TurnStatus.values), name="chatd_turn_status"
            ),
        ]

    def __str__(self) -> str:
        return f"Turn {self.id}"

    @property
    def is_active(self) -> bool:
        """Whether the turn waits or runs."""
        return self.status in (TurnStatus.QUEUED, TurnStatus.IN_PROGRESS)

    @property
    def question(self) -> "ChatMessage | None":
        """The user's message, from the messages that were loaded with the turn."""
        return next((m for m in self.messages.all() if m.role == Role.USER), None)

    @property
    def answer(self) -> "ChatMessage | None":
        """The answer, whole or partial, from the messages that were loaded with it."""
        return next((m for m in self.messages.all() if m.role == Role.ASSISTANT), None)

    @property
    def was_stopped(self) -> bool:
        """Whether the user ended it, as opposed to a process that was lost."""
        return (
            self.status == TurnStatus.INTERRUPTED and self.stop_requested_at is not None
        )

    @property
    def own_run_id(self) -> str:
        """The id of the debug run of its failure, or of what it recovered from.

        Empty where there is none, or if another chat's run counts it.
        """
        evidence = self.error or self.recovery or {}
        is_elsewhere = evidence.get("run_elsewhere")
        return "" if is_elsewhere else str(evidence.get("run_id") or "")

    @property
    def failed_at(self) -> datetime | None:
        """When it failed: the moment at which its debug run ended, if there is one."""
        try:
            told = datetime.fromisoformat((self.error or {})["failed_at"])
        except (KeyError, TypeError, ValueError):  # of an older release
            return self.finished_at
        return told if timezone.is_aware(told) else self.finished_at

    @property
    def seconds_to_wait(self) -> int:
        """For how long its provider still wants to be left; 0 if that is over, or unknown."""
        wait, failed_at = (self.error or {}).get("wait"), self.failed_at
        if not isinstance(wait, int | float) or failed_at is None:
            return 0
        left = math.ceil(wait - (timezone.now() - failed_at).total_seconds())
        return max(0, min(left, LONGEST_COUNTDOWN))

    @property
    def them(self) -> Them | None:
        """Whether its failure was its model's alone, as was known then; None if unknown."""
        return (self.error or {}).get("them")

    @property
    def ways(self) -> list[str]:
        """What its user can do at once about its failure, as ``Way`` of the recorder has it.

        Turns of older releases know only whether it may help to send the message again.
        """
        error = self.error or {}
        if "ways" in error:
            return list(error["ways"])
        if error.get("retryable"):
            return ["again", "other_model"]
        if error.get("owner") == "request":
            return ["change", "other_model"]
        return ["other_model"]


class ChatMessage(models.Model):
    """One entry of a chat's history."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(max_length=16, choices=Role)
    text = models.TextField(blank=True, default="")
    is_partial = models.BooleanField(
        default=False, help_text="The answer was cut short; what came is kept."
    )
    finish_reason = models.CharField(
        max_length=16,
        choices=FinishReason,
        blank=True,
        default="",
        help_text="Why the answer ended; empty for a question and a broken answer.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "message"
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="chatd_message_role"
            ),
            # A turn has one question and one answer, also when a runner comes back.
            models.UniqueConstraint(
                fields=["turn", "role"], name="chatd_message_turn_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.text[:60]}"

    @property
    def note(self) -> str:
        """What is to be said of an answer that is not whole; else empty."""
        return ENDINGS.get(self.finish_reason, BROKEN_OFF if self.is_partial else "")


class TurnChunk(models.Model):
    """A piece of what a turn says to its viewers, on its way through PostgreSQL.

    It is there from the moment it is said until a while after the turn; the answer itself
    is a message. Only ``chatd.turns.bus`` reads and writes it, so that the database neither
    checks nor follows the turn: that would lock the turn's row with every piece.
    """

    pk = models.CompositePrimaryKey("turn_id", "epoch", "sequence")
    turn = models.ForeignKey(
        Turn,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    epoch = models.IntegerField()
    sequence = models.IntegerField()
    name = models.CharField(max_length=16)
    data = models.TextField()
    # By the database's clock: the hosts' may differ.
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # The clean-up: turns by when they began to speak, or ended.
            models.Index(
                fields=["created_at"],
                name="chatd_chunk_marks",
                condition=Q(name__in=["snapshot", "end"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.epoch}-{self.sequence} of turn {self.turn_id}"


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # an untyped package
    """A token of the API: its hash, its age, and the password that it was given for.

    Sessions are bound to their owner's password in the same way: whoever changes it, on
    whichever page or by a command, ends both.
    """

    stamp = models.CharField(
        max_length=128, help_text="Hash of the owner's password's hash at that time."
    )

    objects = ApiTokenManager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.token_key}…"
