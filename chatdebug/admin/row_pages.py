"""Pages of rows that show more than the row's fields."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class RowPage(Base):
    """Hands the template of a row's page what ``page_context`` finds, for who may see it."""

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page shows of a row besides its fields."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a row, with its context where its reader may see it."""
        row = self.get_object(request, unquote(object_id))
        is_seen = row is not None and self.has_view_permission(request, row)
        context = self.page_context(request, row) if is_seen else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
