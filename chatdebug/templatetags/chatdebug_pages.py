"""How the recorder's values read for people."""

import json
from datetime import timedelta
from typing import Any

from django import template

from chatdebug.enums import Status

register = template.Library()

ICONS = {
    Status.IN_PROGRESS: "◌",
    Status.COMPLETED: "✓",
    Status.ERROR: "✕",
    Status.INTERRUPTED: "◼",
}


@register.filter
def pretty(value: Any) -> str:
    """Return a payload as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def status_icon(status: str) -> str:
    """Return a sign for a status; the word stands beside it."""
    return ICONS[Status(status)]


@register.filter
def seconds(duration: timedelta | None) -> str:
    """Return a duration in words: ``850 ms``, ``1.2 s``, ``3 min 5 s``."""
    if duration is None:
        return ""
    total = duration.total_seconds()
    if total < 1:
        return f"{total * 1000:.0f} ms"
    if total < 60:
        return f"{total:.1f} s"
    return f"{total // 60:.0f} min {total % 60:.0f} s"
