"""Who changed how it is recorded; of earlier releases, who read what other people wrote."""

from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _


class Action(TextChoices):
    """What somebody did. That somebody read is a ``ContentReading`` now."""

    READ = "read", _("Read")
    CHANGED = "changed", _("Changed")
    ERASED = "erased", _("Erased")


class AuditEntry(models.Model):
    """That somebody read recorded content, or changed a setting. Only ever added.

    People and rows are named by text and without constraints: an entry outlives both.
    """

    person_id = models.CharField(_("person"), max_length=64, blank=True, default="")
    person_name = models.CharField(
        _("name"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("The name at that time."),
    )
    action = models.CharField(_("action"), max_length=16, choices=Action)
    subject = models.CharField(
        _("subject"), max_length=200, help_text=_("Such as a run or a list.")
    )
    object_id = models.CharField(
        _("object"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("The id of the run or step; empty for a list."),
    )
    details = models.TextField(
        _("details"), help_text=_("The address, or the old and the new value.")
    )
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-at", "-id")
        indexes = [
            # The admin's list.
            models.Index(fields=["-at", "-id"], name="chatdebug_audit_newest"),
            # Who read this run, and what did this person read.
            models.Index(fields=["object_id", "-at"], name="chatdebug_audit_object"),
            models.Index(fields=["person_id", "-at"], name="chatdebug_audit_person"),
            models.Index(fields=["person_name", "-at"], name="chatdebug_audit_name"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=Action.values), name="chatdebug_audit_action"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_name}: {self.get_action_display()} {self.subject}"
