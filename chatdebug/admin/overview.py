"""The first page of the recorder in the admin. It shows numbers, and no content."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chatdebug.admin.addresses import admin_url, leads_to
from chatdebug.admin.pages import admin_page
from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.models import (
    ErrorGroup,
    Overview,
    RecordingSwitch,
    Retention,
    WriterState,
)
from chatdebug.presentation import overview

RANGE = "range"
LINKED = {
    "groups": ErrorGroup,
    "switches": RecordingSwitch,
    "retention": Retention,
    "writers": WriterState,
}
"""The pages that this one leads to, where the site has them and the reader may."""


@admin.register(Overview)
class OverviewAdmin(ReadOnlyAdmin):
    """One page in the place of a list: no row is shown, and none can be looked up."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the last 24 hours; the last 14 days with ``?range=weeks``.

        403 for who may not see it, 400 for a look at single rows by their columns.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.GET.keys() - {RANGE}:
            raise DisallowedModelAdminLookup("The overview has no rows to filter.")
        links = {
            name: admin_url(
                self.admin_site, f"chatdebug_{model._meta.model_name}_changelist"
            )
            for name, model in LINKED.items()
            if leads_to(self.admin_site, request, model)
        }
        page = overview.Overview.read(
            is_weeks=request.GET.get(RANGE) == "weeks",
            with_groups="groups" in links,
        )
        context = {
            "title": _("Overview"),
            "page": page,
            "links": links,
            "groups": [(line, self._group_url(line.group.pk)) for line in page.groups],
            **(extra_context or {}),
        }
        return admin_page(self, request, "overview.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show nothing: a number of one hour has no page."""
        raise Http404

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show nothing: nobody changes a number."""
        raise Http404

    def _group_url(self, pk: int) -> str:
        return admin_url(self.admin_site, "chatdebug_errorgroup_change", pk)
