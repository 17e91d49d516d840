"""Merging groups in the admin, and splitting them again."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chatdebug.admin.addresses import admin_url
from chatdebug.admin.pages import admin_page
from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.admin.row_pages import RowPage
from chatdebug.models import ErrorGroup
from chatdebug.presentation.regrouping import Merge, SimilarLine
from chatdebug.querysets import ErrorGroupQuerySet
from chatdebug.services.regrouping import RegroupingError, merge_groups, split_group
from chatdebug.services.similar_groups import similar_groups

MOST_AT_ONCE = 50


class RegroupingAdmin(RowPage, ReadOnlyAdmin):
    """Groups that can be merged; of a merged one the page is that of its whole."""

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Who may say what is done about a group."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, and the one that merges."""
        merge = self.admin_site.admin_view(self.merge_view)
        name = "chatdebug_errorgroup_merge"
        return [path("merge/", merge, name=name), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return groups by what they are called, or what one that was merged into them is.

        An address or an export may name a group by a fingerprint that was merged since.
        It is looked once, for as many as a list has pages for: a list asks for its rows,
        and for how many there are.
        """
        every = ErrorGroup.objects.annotate(seen_in=Coalesce("merged_into", "pk"))
        found, _ = super().get_search_results(
            request, every.order_by("-last_seen"), search_term
        )
        if not search_term.strip():
            return queryset, False
        keys = found.filter(seen_in__in=queryset.order_by().values("pk"))
        reach = self.list_per_page * self.paginator.REACH
        whole = keys.values_list("seen_in", flat=True)[:reach]
        return queryset.filter(pk__in=set(whole)), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a group; from the address of a merged one go to its whole's."""
        row = self.get_object(request, unquote(object_id))
        if (
            row is not None
            and row.merged_into_id
            and self.has_view_permission(request, row)
        ):
            return redirect(self.page_of(row.merged_into_id))
        return super().change_view(request, object_id, form_url, extra_context)

    def log(
        self, request: HttpRequest, groups: Iterable[ErrorGroup], what: str
    ) -> None:
        """Note in the history of these groups who did what."""
        LogEntry.objects.log_actions(str(request.user.pk), groups, CHANGE, what)

    def page_of(self, key: int) -> str:
        """Return the address of the page of a group."""
        return admin_url(self.admin_site, "chatdebug_errorgroup_change", key)

    @admin.action(description=_("Merge…"), permissions=["handle"])
    def merge(self, request: HttpRequest, queryset: ErrorGroupQuerySet) -> HttpResponse:
        """Ask which of these groups stays, before they are merged."""
        keys = queryset.order_by().values_list("pk", flat=True)[:MOST_AT_ONCE]
        return redirect(self.merge_url(keys))

    def merge_url(self, keys: Iterable[int], *, into: int = 0) -> str:
        """Return where these groups are merged."""
        asked = QueryDict(mutable=True)
        asked.setlist("group", [str(key) for key in keys])
        if into:
            asked["into"] = str(into)
        url = admin_url(self.admin_site, "chatdebug_errorgroup_merge")
        return f"{url}?{asked.urlencode()}"

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Merge groups, ``group`` each, into one of them, ``into``; asked first.

        403 for who may not.
        """
        if not self.has_handle_permission(request):
            raise PermissionDenied
        asked = request.POST if request.method == "POST" else request.GET
        keys = {key for text in asked.getlist("group") if (key := as_key(text))}
        found = ErrorGroup.objects.not_merged().filter(pk__in=keys)
        groups = list(found[:MOST_AT_ONCE])
        if len(groups) < 2:
            words = gettext("Two groups or more are needed for a merge.")
            self.message_user(request, words, messages.WARNING)
            name = "chatdebug_errorgroup_changelist"
            return redirect(admin_url(self.admin_site, name))
        merge = Merge.of(groups, into=as_key(asked.get("into", "")))
        if request.method == "POST":
            return self._merged(request, merge)
        context = {
            "title": _("Merge groups"),
            "merge": merge,
        }
        return admin_page(self, request, "merge.html", context)

    def similar(self, request: HttpRequest, group: ErrorGroup) -> list[dict[str, Any]]:
        """Return similar groups, and for who may merge where that is done."""
        may_merge = self.has_handle_permission(request)
        return [
            {
                "line": SimilarLine(one),
                "url": self.page_of(one.group.pk),
                "merge_url": self.merge_url([group.pk, one.group.pk], into=group.pk)
                if may_merge
                else "",
            }
            for one in similar_groups(group=group)
        ]

    def split(self, request: HttpRequest, group: ErrorGroup) -> None:
        """Let a part, ``part``, leave a group."""
        key = as_key(request.POST.get("part", ""))
        part = group.parts.filter(pk=key).first()
        try:
            if part is None:
                raise RegroupingError(gettext("It is a group of its own already."))
            part = split_group(part=part, by=request.user)
        except RegroupingError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.log(request, [group, part], gettext("Split: %s.") % part.fingerprint)
        words = gettext("It is a group of its own again: %s") % part
        self.message_user(request, words, messages.SUCCESS)

    def _merged(self, request: HttpRequest, merge: Merge) -> HttpResponse:
        into, groups = merge.into.group, [line.group for line in merge.lines]
        try:
            merged = merge_groups(into=into, others=groups, by=request.user)
        except RegroupingError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log(request, groups, gettext("Merged into %s.") % into.fingerprint)
            words = ngettext("%s group was merged.", "%s groups were merged.", merged)
            self.message_user(request, words % merged, messages.SUCCESS)
        return redirect(self.page_of(into.pk))


def as_key(text: str) -> int:
    """Return the key of a row that somebody sent; 0 for what is none."""
    is_key = text.isascii() and text.isdecimal() and len(text) < len(str(2**63))
    return int(text) if is_key else 0
