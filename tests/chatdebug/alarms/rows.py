"""Groups and hours, as the writer keeps them of failures that it counted."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from chatdebug.models import ErrorGroup, GroupHour
from tests.factories import ErrorGroupFactory

HOUR = timedelta(hours=1)


def counted_group(**facts: Any) -> ErrorGroup:
    """Return a group that was counted since now."""
    return ErrorGroupFactory(**{"counted_since": timezone.now(), **facts})


def this_hour() -> datetime:
    """Return when the hour began that it is."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def add_hours(group: ErrorGroup, *, back: int, count: int, hours: int = 1) -> None:
    """Let a group have been seen so often in each of these hours, the last one so far back."""
    GroupHour.objects.bulk_create(
        GroupHour(group=group, hour=this_hour() - HOUR * (back + number), count=count)
        for number in range(hours)
    )
