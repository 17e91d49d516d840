"""Searches of long lists: for whole values, each column by its own index."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

SEARCHED = 1_000
"""How many rows a search finds by each column: as many as a list has pages for."""


class WholeValueSearch(Base):
    """Finds the newest rows that have what is searched for in one of ``search_columns``.

    Each column is asked for itself. Were they joined by OR, or upper and lower case taken
    for the same, a database would read the whole table.
    """

    search_columns: tuple[str, ...]

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Return what lets Django's list have a form to search."""
        return self.search_columns

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return those of the rows that were found; all of them for an empty term."""
        term = search_term.strip()
        if not term:
            return queryset, False
        rows = self.model._default_manager.all()
        found = [
            name for name in self.search_columns if rows.filter(**{name: term}).exists()
        ]
        if len(found) == 1:
            # As a condition, not as a list of keys, which each query would look up again.
            return queryset.filter(**{found[0]: term}), False
        newest = rows.order_by(*self.get_ordering(request))
        keys = {
            key
            for name in found
            for key in newest.filter(**{name: term}).values_list("pk", flat=True)[
                :SEARCHED
            ]
        }
        return queryset.filter(pk__in=keys), False
