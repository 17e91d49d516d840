"""How long the numbers of turns and calls are kept."""

from datetime import timedelta

from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.formats import local
from chatdebug.models import CallMinute, DayCount, HourCount, ProviderOutage
from chatdebug.models.groups import TREND_KEPT
from chatdebug.models.statistics import MINUTES_KEPT

AN_HOUR = timedelta(hours=1)
"""The one that has begun is counted from its beginning."""


def prune_statistics(*, using: str | None = None) -> None:
    """Delete the numbers that no page shows any more. Raises django.db.Error."""
    using, now = using or recorder_settings().DATABASE, timezone.now()
    oldest = now - TREND_KEPT - AN_HOUR
    HourCount.objects.using(using).filter(hour__lt=oldest).delete()
    DayCount.objects.using(using).filter(day__lt=local(oldest).date()).delete()
    CallMinute.objects.using(using).filter(minute__lt=now - MINUTES_KEPT).delete()
    ProviderOutage.objects.using(using).filter(seen_at__lt=oldest).delete()
