"""Moments that can be stored, shown and handed on again, wherever that is."""

from datetime import UTC, datetime

from django.utils import timezone

YEARS = range(1000, 2500)
"""In UTC. Beyond them a moment is none, and databases, zones and OTLP each fail in their
own way."""


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; one without a zone is in the project's own.

    Raises ValueError for one that nobody recorded, as its year tells. Its own zone may put
    it in another year than it is in everywhere else, so that is asked in UTC.
    """
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(moment) from error
    if moment.year not in YEARS:
        raise ValueError(moment)
    return moment
