"""What an address of a list may ask the database: what the list's filters ask.

Django lets an address filter by any column of the table, and by keys and parts of it. The
number of rows then tells what a column holds that nobody is shown: passwords' hashes,
titles, the texts of errors. A regular expression from an address can also occupy SQLite,
and with it the process, for ever.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

OF_A_FILTER = ("", "__exact", "__isnull", "__isempty", "__gte", "__lt")
"""What Django's own filters put behind a field's name."""


class NamedLookups(Base):
    """Lets an address filter by what ``list_filter`` names, and by nothing else."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether one of the list's own filters asks that."""
        listed = self.get_list_filter(request)
        return any(lookup in self._asks(item) for item in listed)

    def _asks(self, item: Any) -> Iterator[str]:
        if isinstance(item, type) and issubclass(item, admin.SimpleListFilter):
            yield str(item.parameter_name)
            return
        path = item if isinstance(item, str) else item[0]
        yield from (f"{path}{ending}" for ending in OF_A_FILTER)
        field: Any = get_fields_from_path(self.model, path)[-1]
        if field.is_relation:
            yield f"{path}__{field.target_field.name}__exact"
