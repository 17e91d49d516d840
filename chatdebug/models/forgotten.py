"""Chats and people who are gone, and whose runs must go and stay away."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MARGIN = timedelta(minutes=1)
"""A run that began so long after its chat was deleted belongs to another one of that id.
Until then it may be one that was just beginning, on a host whose clock is ahead."""


class ForgottenChat(models.Model):
    """That a chat was deleted, for writers that still have rows of it on their way.

    It holds no word of the chat, and goes when no journal can hold its rows any more.
    """

    chat_id = models.CharField(primary_key=True, max_length=64, editable=False)
    forgotten_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("forgotten chat")
        verbose_name_plural = _("forgotten chats")
        indexes = [
            # The writers' look for what was deleted lately, and the removal of old rows.
            models.Index(fields=["forgotten_at"], name="chatdebug_forgotten_at")
        ]

    def __str__(self) -> str:
        return self.chat_id


class ForgottenOwner(models.Model):
    """That an owner was forgotten, for writers that still have rows of theirs on their way.

    It says nothing of what there was, and goes when no journal can hold such rows any more.
    """

    owner_id = models.CharField(primary_key=True, max_length=64, editable=False)
    forgotten_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("forgotten owner")
        verbose_name_plural = _("forgotten owners")
        indexes = [
            models.Index(fields=["forgotten_at"], name="chatdebug_owner_forgotten_at")
        ]

    def __str__(self) -> str:
        return self.owner_id
