"""Reads of the chat's tables, named so that the call site reads as a sentence."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.utils import timezone
from knox.models import AuthTokenManager

from chatd import clock
from chatd.enums import ACTIVE, TurnStatus

if TYPE_CHECKING:
    from chatd.models import ApiToken, Chat, ModelConfig, Turn  # noqa: F401


class ChatQuerySet(models.QuerySet["Chat"]):
    """Chats."""

    def owned_by(self, user: "AbstractBaseUser | AnonymousUser") -> "ChatQuerySet":
        """Chats that this person may read and write, latest activity first."""
        return self.filter(owner_id=user.pk).order_by("-updated_at", "-id")

    def before(self, *, updated_at: datetime, chat_id: UUID) -> "ChatQuerySet":
        """Chats that come after this place in a list by latest activity."""
        earlier: Any = models.Q(updated_at__lt=updated_at) | models.Q(
            updated_at=updated_at, id__lt=chat_id
        )
        return self.filter(earlier)


class ModelConfigQuerySet(models.QuerySet["ModelConfig"]):
    """Model configurations."""

    def enabled(self) -> "ModelConfigQuerySet":
        """Those that a chat may use, in the order of the model picker."""
        return self.filter(enabled=True).order_by("provider", "position", "name")


class TurnQuerySet(models.QuerySet["Turn"]):
    """Turns."""

    def active(self) -> "TurnQuerySet":
        """Turns that wait or run."""
        return self.filter(status__in=ACTIVE)

    def queued(self) -> "TurnQuerySet":
        """Turns that wait for a runner, oldest first."""
        return self.filter(status=TurnStatus.QUEUED).order_by("created_at", "id")

    def ready(self) -> "TurnQuerySet":
        """Turns that wait for nothing but a runner: the next ones of chats not busy."""
        same_chat = self.model._default_manager.filter(chat=models.OuterRef("chat"))
        before: Any = models.Q(created_at__lt=models.OuterRef("created_at")) | models.Q(
            created_at=models.OuterRef("created_at"), id__lt=models.OuterRef("id")
        )
        busy = same_chat.filter(status=TurnStatus.IN_PROGRESS)
        older = same_chat.filter(before, status=TurnStatus.QUEUED)
        # Two conditions: of one with OR in it PostgreSQL makes no joins, and asks by row.
        return self.queued().filter(~models.Exists(busy), ~models.Exists(older))

    def running(self) -> "TurnQuerySet":
        """Turns that some runner has."""
        return self.filter(status=TurnStatus.IN_PROGRESS)

    def claimed(self, claim: UUID) -> "TurnQuerySet":
        """The turn that a runner took by this claim, with all that it needs to begin."""
        return self.running().filter(claim=claim).select_related("chat__model")

    def abandoned(self) -> "TurnQuerySet":
        """Turns whose runner let its lease run out: its process is gone."""
        return self.running().filter(lease_expires_at__lt=clock.now())

    def in_order(self) -> "TurnQuerySet":
        """Turns as the transcript shows them, their messages loaded with them."""
        return self.order_by("created_at", "id").prefetch_related("messages")

    def before(self, turn: "Turn") -> "TurnQuerySet":
        """Turns of the same chat before this one."""
        earlier: Any = models.Q(created_at__lt=turn.created_at) | models.Q(
            created_at=turn.created_at, id__lt=turn.id
        )
        return self.filter(earlier, chat_id=turn.chat_id)

    def as_of(self, turn: "Turn") -> "TurnQuerySet":
        """Turns of the same chat before this one, for its history."""
        return self.before(turn).in_order()


class ApiTokenManager(AuthTokenManager):  # type: ignore[misc]  # an untyped package
    """Tokens of the API."""

    def valid_of(self, user: AbstractBaseUser) -> "models.QuerySet[ApiToken]":
        """A person's tokens that are not over, newest first."""
        stamp = user.get_session_auth_hash()
        tokens: models.QuerySet[ApiToken] = self.filter(user=user, stamp=stamp)
        return tokens.filter(expiry__gt=timezone.now()).order_by("-created", "digest")
