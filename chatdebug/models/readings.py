"""Who read what was recorded of other people's chats, and why."""

from django.db import models
from django.utils.translation import gettext_lazy as _

REASON_CHARACTERS = 300


class ContentReading(models.Model):
    """That somebody was shown what was said in a chat of somebody else. Only ever added.

    People, chats and runs are named by text and without constraints: a reading outlives
    them all. It is kept for the setting ``READINGS_DAYS``.
    """

    reader_id = models.CharField(_("reader"), max_length=64)
    reader_name = models.CharField(
        _("name"), max_length=200, help_text=_("The name at that time.")
    )
    is_staff = models.BooleanField(
        _("staff"), help_text=_("Whether the reader was staff at that time.")
    )
    owner_id = models.CharField(
        _("owner"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("Of the chat; empty where nobody knows it."),
    )
    chat_id = models.CharField(_("chat"), max_length=64, blank=True, default="")
    run_id = models.CharField(
        _("run"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("Empty for all runs of the chat at once."),
    )
    reason = models.CharField(_("reason"), max_length=REASON_CHARACTERS)
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("reading of content")
        verbose_name_plural = _("readings of content")
        ordering = ("-at", "-id")
        indexes = [
            # The admin's list, and the removal of old ones.
            models.Index(fields=["-at", "-id"], name="chatdebug_reading_newest"),
            # The admin's filter.
            models.Index(
                fields=["is_staff", "-at", "-id"], name="chatdebug_reading_by_staff"
            ),
            # What a chat's owner sees: in the chat's Debug tab, and of all their chats.
            models.Index(fields=["chat_id", "-at"], name="chatdebug_reading_chat"),
            models.Index(fields=["owner_id", "-at"], name="chatdebug_reading_owner"),
            # The admin's search: who read this run, and what did this person read.
            models.Index(fields=["run_id", "-at"], name="chatdebug_reading_run"),
            models.Index(fields=["reader_id", "-at"], name="chatdebug_reading_reader"),
            models.Index(fields=["reader_name", "-at"], name="chatdebug_reading_name"),
        ]

    def __str__(self) -> str:
        return f"{self.reader_name}: {self.reason}"
