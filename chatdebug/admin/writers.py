"""How the recorder is, process by process."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin

from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.models import WriterState

COUNTERS = ("written", "journaled", "imported", "dropped", "suppressed", "refused")


def _counter(name: str) -> Callable[[Any], str | bool]:
    @admin.display(description=name)
    def count(writer: WriterState) -> str:
        return str(writer.counters.get(name, 0))

    return count


@admin.register(WriterState)
class WriterAdmin(ReadOnlyAdmin):
    """What waits, what was written and what was lost."""

    list_display = (
        "host",
        "pid",
        "seen_at",
        "queued",
        "spooled",
        *map(_counter, COUNTERS),
        "last_error",
        "last_error_at",
    )
