"""What the writer of each process says of itself."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WriterState(models.Model):
    """One writer of one process: what waits, what it wrote, and what was lost.

    Written every few seconds while there is something new to say, and with each
    heartbeat, so that every process can show the state of all.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    host = models.CharField(_("host"), max_length=200)
    pid = models.PositiveIntegerField(
        _("process"),
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    seen_at = models.DateTimeField(_("seen"), default=timezone.now)
    queued = models.PositiveIntegerField(
        _("queued"), default=0, help_text=_("Rows that wait for the database.")
    )
    spooled = models.PositiveIntegerField(
        _("in the spool"),
        default=0,
        help_text=_("Captures in the spool that wait for the database."),
    )
    # Null while it is empty, and in rows of earlier releases.
    spooled_since = models.DateTimeField(null=True, editable=False)
    counters = models.JSONField(
        _("counters"), default=dict, help_text=_("Numbers since the process started.")
    )
    last_error = models.CharField(
        _("last error"), max_length=200, blank=True, default=""
    )
    last_error_at = models.DateTimeField(_("last error at"), null=True, blank=True)

    class Meta:
        verbose_name = _("writer")
        verbose_name_plural = _("writers")
        ordering = ("-seen_at", "id")
        indexes = [
            # The status page, and the removal of writers that ended long ago.
            models.Index(fields=["-seen_at", "id"], name="chatdebug_writer_seen")
        ]

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}"

    def counter(self, name: str) -> int:
        """Return a number that the writer reported; 0 for what is none."""
        counters = self.counters if isinstance(self.counters, dict) else {}
        number = counters.get(name)
        return number if isinstance(number, int) else 0
