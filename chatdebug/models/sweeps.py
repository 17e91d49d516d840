"""Which process tidies up for the whole deployment."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SweepClaim(models.Model):
    """The one row that says who sweeps, and until when nobody else may.

    Times are the database's own, so that hosts whose clocks differ agree on them.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    holder = models.UUIDField(editable=False)  # a ``WriterState``, maybe not stored yet
    until = models.DateTimeField(null=True, editable=False)  # null: it was given up

    class Meta:
        verbose_name = verbose_name_plural = _("sweep")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="chatdebug_sweep_is_one_row")
        ]

    def __str__(self) -> str:
        return str(self.holder)
