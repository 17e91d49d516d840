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


class SwitchChange(models.Model):
    """That somebody switched full recording on or off. Never changed, only added."""

    scope = models.CharField(max_length=16, choices=Scope)
    key = models.CharField(max_length=64, blank=True, default="")
    old_value = models.BooleanField()
    new_value = models.BooleanField()
    changed_by_id = models.CharField(max_length=64, blank=True, default="")
    changed_by = models.CharField(
        max_length=200, blank=True, default="", help_text="The name at that time."
    )
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "switch change"
        ordering = ("-changed_at", "-id")
        indexes = [
            # The admin's list, and the changes of one switch.
            models.Index(
                fields=["scope", "key", "-changed_at"], name="chatdebug_switch_change"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.key}: {self.new_value}"
