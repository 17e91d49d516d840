"""Who switched full recording on, and for what."""

from django.db import models
from django.db.models import Q, TextChoices


class Scope(TextChoices):
    """What a switch is about. The deployment's own switch is the admin's gate."""

    DEPLOYMENT = "deployment", "Deployment"
    OWNER = "owner", "Owner"
    CHAT = "chat", "Chat"


class RecordingSwitch(models.Model):
    """One decision about full recording: the gate, an owner's opt-in, or one chat's.

    One table, so that the level of a turn is a single indexed read.
    """

    scope = models.CharField(max_length=16, choices=Scope)
    key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="The owner's or the chat's id; empty for the deployment.",
    )
    enabled = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "recording switch"
        verbose_name_plural = "recording switches"
        constraints = [
            # Serves the one read that decides the level of a turn.
            models.UniqueConstraint(
                fields=["scope", "key"], name="chatdebug_switch_scope_key"
            ),
            models.CheckConstraint(
                condition=Q(scope__in=Scope.values), name="chatdebug_switch_scope"
            ),
            models.CheckConstraint(
                condition=Q(scope=Scope.DEPLOYMENT, key="")
                | (~Q(scope=Scope.DEPLOYMENT) & ~Q(key="")),
                name="chatdebug_switch_key",
            ),
        ]

    def __str__(self) -> str:
        state = "on" if self.enabled else "off"
        return f"{self.get_scope_display()} {self.key}: {state}".replace(" :", ":")
