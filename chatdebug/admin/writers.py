"""How the recorder is, process by process: what waits, what was written, what was lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.conf import recorder_settings
from chatdebug.models import WriterState

COUNTERS = ("written", "imported", "dropped", "refused", "suppressed", "failures")
TITLE = _("Recorder: the writer of each process")


def _counter(name: str) -> Callable[[Any], str]:
    @admin.display(description=name)
    def count(writer: WriterState) -> str:
        return f"{writer.counters.get(name, 0):,}"

    return count


@admin.register(WriterState)
class WriterAdmin(ReadOnlyAdmin):
    """The state that each writer reported last."""

    list_display = (
        "host",
        "pid",
        "is_alive",
        "seen_at",
        "queued",
        "spooled",
        *map(_counter, COUNTERS),
        "last_error",
        "last_error_at",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under a title that says what it is."""
        return super().changelist_view(
            request, {"title": TITLE, **(extra_context or {})}
        )

    @admin.display(description=_("alive"), boolean=True)
    def is_alive(self, writer: WriterState) -> bool:
        """Whether it was heard of as lately as a working process is."""
        limit = timedelta(seconds=recorder_settings().STALE_SECONDS)
        return timezone.now() - writer.seen_at < limit
