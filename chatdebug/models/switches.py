"""Who switched full recording on, and for what."""

from django.db import models
from django.db.models import Q, TextChoices
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.querysets import SwitchQuerySet


class Scope(TextChoices):
    """What a switch is about. The deployment's own switch is the admin's gate.

    ``consent`` is not about full recording: with it an owner lets failing calls of their
    chats be kept in full, where the deployment asks for that.
    """

    DEPLOYMENT = "deployment", _("Deployment")
    OWNER = "owner", _("Owner")
    CHAT = "chat", _("Chat")
    CONSENT = "consent", _("Consent of an owner")


class RecordingSwitch(models.Model):
    """One decision about recording: the gate, an owner's opt-in or consent, or one chat's.

    One table, so that the level of a turn is a single indexed read.
    """

    scope = models.CharField(_("scope"), max_length=16, choices=Scope)
    key = models.CharField(
        _("key"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("The owner's or the chat's id; empty for the deployment."),
    )
    enabled = models.BooleanField(_("enabled"), default=False)
    until = models.DateTimeField(
        _("until"),
        null=True,
        blank=True,
        help_text=_("When it ends by itself; empty: when somebody switches it off."),
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = SwitchQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording switch")
        verbose_name_plural = _("recording switches")
        indexes = [
            # Who is recorded in full now, the newest switch first.
            models.Index(
                fields=["scope", "enabled", "-updated_at", "-id"],
                name="chatdebug_switch_on",
            ),
            # The admin's search, in any scope.
            models.Index(fields=["key"], name="chatdebug_switch_by_key"),
        ]
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
        state = gettext("on") if self.is_in_force else gettext("off")
        return f"{self.get_scope_display()} {self.key}: {state}".replace(" :", ":")

    @property
    def is_in_force(self) -> bool:
        """Whether it is on, and its end has not come; as ``SwitchQuerySet.in_force``."""
        return self.enabled and (self.until is None or self.until > timezone.now())


class SwitchChange(models.Model):
    """That somebody switched full recording on or off. Never changed, only added."""

    scope = models.CharField(_("scope"), max_length=16, choices=Scope)
    key = models.CharField(_("key"), max_length=64, blank=True, default="")
    old_value = models.BooleanField(
        _("old value"),
    )
    new_value = models.BooleanField(
        _("new value"),
    )
    until = models.DateTimeField(
        _("until"),
        null=True,
        help_text=_("The end that it was given; empty: none."),
    )
    changed_by_id = models.CharField(_("person"), max_length=64, blank=True, default="")
    changed_by = models.CharField(
        _("name"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("The name at that time."),
    )
    changed_at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("switch change")
        verbose_name_plural = _("switch changes")
        ordering = ("-changed_at", "-id")
        indexes = [
            # The changes of one switch.
            models.Index(
                fields=["scope", "key", "-changed_at"], name="chatdebug_switch_change"
            ),
            # The admin's list, its filter and its search.
            models.Index(fields=["-changed_at", "-id"], name="chatdebug_change_newest"),
            models.Index(
                fields=["scope", "-changed_at", "-id"], name="chatdebug_change_scope"
            ),
            models.Index(fields=["key", "-changed_at"], name="chatdebug_change_key"),
            models.Index(
                fields=["changed_by", "-changed_at"], name="chatdebug_change_by"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.key}: {self.new_value}"
