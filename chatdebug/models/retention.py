"""How long runs are kept."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

# A failure is looked into within days; what is kept longer is somebody's decision.
DEFAULT_DAYS = 7
# Ten years. Whoever wants more wants no limit, which is 0.
MAX_DAYS = 3650


class Retention(models.Model):
    """The one row that says how long runs are kept; without it the default holds."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    days = models.PositiveSmallIntegerField(
        _("days"),
        default=DEFAULT_DAYS,
        validators=[MaxValueValidator(MAX_DAYS)],
        help_text=_("Runs are deleted so many days after their last change; 0: never."),
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = _("retention")
        constraints = [
            models.CheckConstraint(
                condition=Q(id=1), name="chatdebug_retention_is_one_row"
            ),
            models.CheckConstraint(
                condition=Q(days__lte=MAX_DAYS), name="chatdebug_retention_days"
            ),
        ]

    def __str__(self) -> str:
        if not self.days:
            return gettext("kept for ever")
        return ngettext("%s day", "%s days", self.days) % self.days
