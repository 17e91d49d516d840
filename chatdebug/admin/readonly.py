"""What is only looked at: written by the recorder, never by hand."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest


class UncountedPaginator(Paginator):
    """Pages of a table that may have millions of rows: it never counts them.

    There always seems to be one page more than those that were asked for; the last pages
    are reached by searching and filtering, not by a number.
    """

    REACH = 100

    @property
    def count(self) -> int:
        """Return how far the list can be leafed through."""
        reach = self.per_page * self.REACH
        queryset: Any = self.object_list
        return len(queryset.order_by().values_list("pk", flat=True)[:reach])


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list and a detail page, and nothing to change; deleting stays possible."""

    show_full_result_count = False
    list_per_page = 50
    paginator = UncountedPaginator
    actions_selection_counter = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the recorder alone."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Evidence is not changed."""
        return False
