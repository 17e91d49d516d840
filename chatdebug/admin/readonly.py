"""Admins of rows that nobody writes by hand: what is recorded, and what people make."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from chatdebug.access import may_read_content
from chatdebug.admin.lookups import NamedLookups
from chatdebug.services.audit import note_reading


class UncountedPaginator(Paginator):
    """Pages of a table that may have millions of rows: it never counts them all.

    It knows of ``REACH`` pages at most. Whoever looks for an older row filters or
    searches for it.
    """

    REACH = 20

    @cached_property
    def count(self) -> int:
        """Return how many rows can be leafed through. A list of several pages asks often."""
        reach = self.per_page * self.REACH
        queryset: Any = self.object_list
        return len(queryset.values_list("pk", flat=True)[:reach])


class ReadOnlyAdmin(NamedLookups, admin.ModelAdmin):
    """A list and a detail page, nothing to change, and no query that reads it all."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    list_per_page = 50
    paginator = UncountedPaginator
    sortable_by = ()  # no other order has an index
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Rows go when they are old, or with what they are about."""
        return False


class ContentAdmin(ReadOnlyAdmin):
    """Detail pages with content for some; that one of them was read leaves a trace."""

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show a row, and leave a trace in the audit."""
        response = super().change_view(request, object_id, *args, **kwargs)
        if isinstance(response, TemplateResponse) and may_read_content(request.user):
            row = (response.context_data or {})["original"]
            note_reading(reader=request.user, address=request.path, row=row)
        return response
