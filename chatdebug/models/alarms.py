"""Alarms: who is told of what, what was sent, and of what they know already.

No column holds a word of a chat, nor the id of a person.
"""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatdebug.enums import AlarmCause, AlarmChannel, NoticeState
from chatdebug.models.runs import new_id

LEAST_QUIET, MOST_QUIET = 5, 10_080
"""Minutes: a shorter time makes nobody quiet, a week is for who looks by themselves."""
NAME_CHARACTERS = 100
SUBJECT_CHARACTERS = 200
ERROR_CHARACTERS = 200
KEY_CHARACTERS = 100


class AlarmTarget(models.Model):
    """Somebody, or something, that is told of alarms, and how."""

    name = models.CharField(_("name"), max_length=NAME_CHARACTERS)
    enabled = models.BooleanField(_("enabled"), default=True)
    channel = models.CharField(_("by"), max_length=16, choices=AlarmChannel)
    address = models.TextField(
        _("address"),
        max_length=2_000,
        blank=True,
        default="",
        help_text=_(
            "E-mail: addresses, one a line. Webhook: its address, with https://."
        ),
    )
    # The key of a webhook, or the whole address of Apprise. No form and no page has it.
    secret = models.TextField(max_length=2_000, blank=True, default="", editable=False)
    causes = models.JSONField(_("tells of"), default=list)
    quiet_minutes = models.PositiveIntegerField(
        _("quiet for minutes"),
        default=60,
        validators=[MinValueValidator(LEAST_QUIET), MaxValueValidator(MOST_QUIET)],
        help_text=_(
            "After a message, the next one about the same cause comes so much later, and "
            "holds all that happened meanwhile."
        ),
    )
    # What happened before then is no news to it.
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("alarm target")
        verbose_name_plural = _("alarm targets")
        ordering = ("name", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=AlarmChannel.values),
                name="chatdebug_target_channel",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def known_causes(self) -> list[AlarmCause]:
        """What it is told of, as far as this release knows it."""
        chosen = self.causes if isinstance(self.causes, list) else []
        return [cause for cause in AlarmCause if cause.value in chosen]


class AlarmNotice(models.Model):
    """One message to one target about alarms of one cause, and how its sending stands.

    What was sent is the log of it. A notice outlives its target by name.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    target = models.ForeignKey(
        AlarmTarget,
        null=True,
        on_delete=models.DB_SET_NULL,
        related_name="notices",
        db_index=False,
        verbose_name=_("target"),
    )
    target_name = models.CharField(_("to"), max_length=NAME_CHARACTERS)
    cause = models.CharField(  # empty: a test
        _("cause"), max_length=32, blank=True, default="", choices=AlarmCause
    )
    subject = models.CharField(_("message"), max_length=SUBJECT_CHARACTERS)
    document = models.JSONField(_("content"), default=dict)
    state = models.CharField(
        _("state"), max_length=16, choices=NoticeState, default=NoticeState.WAITING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # While a process sends it, until when no other one may.
    next_try_at = models.DateTimeField(_("next try"), null=True)
    error = models.CharField(
        _("last failure"), max_length=ERROR_CHARACTERS, blank=True, default=""
    )
    made_at = models.DateTimeField(_("time"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("alarm that was sent")
        verbose_name_plural = _("alarms that were sent")
        ordering = ("-made_at", "-id")
        indexes = [
            # The admin's list, and the removal of old ones.
            models.Index(fields=["-made_at", "-id"], name="chatdebug_notice_newest"),
            # Of a target: its page, and whether it is to be left quiet.
            models.Index(fields=["target", "-made_at"], name="chatdebug_notice_target"),
            # The admin's filters.
            models.Index(
                fields=["state", "-made_at", "-id"], name="chatdebug_notice_by_state"
            ),
            models.Index(
                fields=["cause", "-made_at", "-id"], name="chatdebug_notice_by_cause"
            ),
            # What is due; nearly all are sent.
            models.Index(
                fields=["next_try_at"],
                name="chatdebug_notice_due",
                condition=Q(state=NoticeState.WAITING),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=NoticeState.values), name="chatdebug_notice_state"
            )
        ]

    def __str__(self) -> str:
        return self.subject


class AlarmMark(models.Model):
    """That a target was told of one thing. Whoever adds it is the one that tells."""

    target = models.ForeignKey(
        AlarmTarget, on_delete=models.DB_CASCADE, related_name="marks", db_index=False
    )
    cause = models.CharField(max_length=32)
    key = models.CharField(max_length=KEY_CHARACTERS)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("mark of an alarm")
        verbose_name_plural = _("marks of alarms")
        constraints = [
            # Two processes that tell at once would tell twice.
            models.UniqueConstraint(
                fields=["target", "cause", "key"], name="chatdebug_alarm_once"
            )
        ]
        indexes = [
            # The removal of old ones.
            models.Index(fields=["at"], name="chatdebug_mark_old")
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.key}"
