"""Admins of rows that nobody writes by hand: what is recorded, and what people make."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.views.decorators.http import require_POST

from chatdebug.access import may_read_content, owner_of
from chatdebug.admin.addresses import admin_url
from chatdebug.admin.lookups import NamedLookups
from chatdebug.models import ChatRun
from chatdebug.readings import is_open, open_content

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


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


class LongList(Base):
    """A list of a table that may be long: no query of it reads it all."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    list_per_page = 50
    paginator = UncountedPaginator
    sortable_by = ()  # no other order has an index


class ReadOnlyAdmin(LongList, NamedLookups, admin.ModelAdmin):
    """A long list and a detail page, and nothing to change."""

    actions: Any = None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under a title that says what it is; nothing is to be selected."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(
            request, {"title": title, **(extra_context or {})}
        )

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


def may_show_content(request: HttpRequest, run: ChatRun) -> bool:
    """Return whether what was said in a run is shown now: to those who may, and said why."""
    return may_read_content(request.user) and is_open(request, run.chat_id, run.pk)


class ContentAdmin(ReadOnlyAdmin):
    """Detail pages of a run, or of a part of one, with content for those who say why.

    Staff who may read content are asked for a reason in its place; one's own needs none.
    """

    change_form_template = "chatdebug/admin/content.html"

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    def run_of(self, row: Any) -> ChatRun:
        """Return the run that a row is, or is a part of."""
        raise NotImplementedError

    def shows_content(self, request: HttpRequest, row: Any) -> bool:
        """Return whether what was said is shown of a row, now."""
        return row is not None and may_show_content(request, self.run_of(row))

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of pages, and the one that takes reasons."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_read"
        read = self.admin_site.admin_view(require_POST(self.read_view))
        return [path("<path:object_id>/reading/", read, name=name), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a row, with a form for the reason where its content is left out."""
        row = self.get_object(request, unquote(object_id))
        asks = may_read_content(request.user) and not self.shows_content(request, row)
        context = {
            "asks_for_reason": asks,
            "has_owner": asks and self._has_owner(row),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def _has_owner(self, row: Any) -> bool:
        """Return whether somebody is told who reads the content of a row."""
        if row is None:
            return False
        run = self.run_of(row)
        return bool(owner_of(run.chat_id, run))

    def read_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the content of a run for a ``reason``; back to the row.

        403 for who may not read content, 404 for a row that there is not.
        """
        row = self.get_object(request, unquote(object_id))
        may_look = self.has_view_permission(request, row)
        if not may_look or not may_read_content(request.user):
            raise PermissionDenied
        if row is None:
            raise Http404
        if not self.shows_content(request, row):
            run, reason = self.run_of(row), request.POST.get("reason", "")
            try:
                open_content(request, run.chat_id, reason=reason, run=run)
            except ValueError as error:
                self.message_user(request, str(error), messages.ERROR)
        name = f"{self.opts.app_label}_{self.opts.model_name}_change"
        return redirect(admin_url(self.admin_site, name, row.pk))
