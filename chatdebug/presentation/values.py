"""Stored JSON as it is read: by the shape it should have, whatever is really there.

Rows may be of older releases or come from elsewhere. What does not fit is not an error
here, and is never taken for something that it is not.
"""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

LONGEST = 10_000_000_000
"""Milliseconds, four months: nothing that a run does takes longer."""


def as_dict(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return text; nothing for anything else."""
    return value if isinstance(value, str) else ""


def as_number(value: Any) -> int | None:
    """Return a whole number; None for anything else, and for True and False."""
    return value if type(value) is int else None


def as_seconds(milliseconds: Any) -> float | None:
    """Return a number of milliseconds in seconds; None for what is no length of time."""
    if type(milliseconds) not in (int, float) or not 0 <= milliseconds < LONGEST:
        return None
    return float(milliseconds) / 1000


def as_moment(value: Any) -> datetime | None:
    """Return a moment, stored as such or as RFC 3339; None for what is none.

    Always with a time zone: of a project without, its own; of a text without, UTC.
    """
    if isinstance(value, datetime):
        return value if timezone.is_aware(value) else timezone.make_aware(value)
    try:
        moment = parse_datetime(as_text(value))
    except ValueError:  # as 30 February
        return None
    if moment is None or timezone.is_aware(moment):
        return moment
    return moment.replace(tzinfo=UTC)
