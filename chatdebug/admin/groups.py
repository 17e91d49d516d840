"""Groups of failures in the admin: what broke, how often, and what is done about it.

Nothing here is content: titles are made without it. What was said in a run is on the run's
own page, for a reason.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chatdebug.admin.addresses import admin_url, leads_to
from chatdebug.admin.group_tests import CassetteDownload
from chatdebug.admin.regrouping import RegroupingAdmin
from chatdebug.admin.runs import ProviderFilter
from chatdebug.formats import local
from chatdebug.models import ChatRun, ClassificationRule, ErrorGroup
from chatdebug.presentation.groups import GroupLine, GroupPage, Trend, trends_of
from chatdebug.presentation.run_lines import RunLine
from chatdebug.querysets import ErrorGroupQuerySet
from chatdebug.services.groups import (
    assign_groups,
    ignore_groups,
    reopen_groups,
    resolve_groups,
)
from chatdebug.services.known_health import provider_health

TITLE = _("What broke, by cause")
RUNS_SHOWN = 10
RULES_SHOWN = 10
LAST_PAGE = 100
"""Whoever looks for a run further away searches the list of runs for the fingerprint."""
IGNORED_DAYS = 7
MOST_DAYS = 3_650
MOST_TIMES = 10**12


class GroupList(ChangeList):
    """The list of groups that are no part of another one, each with its trend."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        """Return the groups that are listed."""
        groups = super().get_queryset(request, exclude_parameters)
        return groups.filter(merged_into__isnull=True)

    def get_results(self, request: HttpRequest) -> None:
        """Read a page of groups, and the trends for it at once."""
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        now = timezone.now()
        hours = trends_of(self.result_list, now=now)
        for group in self.result_list:
            group.day = Trend.of_day(hours[group.pk], now=now)
            group.weeks = Trend.of_weeks(hours[group.pk], now=now)


class NoteForm(forms.ModelForm):
    """What people write about a group."""

    class Meta:
        model = ErrorGroup
        fields = ("note", "ticket")
        widgets = {"note": forms.Textarea(attrs={"rows": 4})}

    ticket = forms.CharField(
        label=_("Ticket"),
        required=False,
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"])],
        widget=forms.URLInput(attrs={"class": "vTextField"}),
    )


class IgnoreForm(forms.Form):
    """For how long a group is left alone; without either for ever."""

    days = forms.IntegerField(
        label=_("For days"), required=False, min_value=1, max_value=MOST_DAYS
    )
    times = forms.IntegerField(
        label=_("Until so many more"), required=False, min_value=1, max_value=MOST_TIMES
    )


@admin.register(ErrorGroup)
class GroupAdmin(CassetteDownload, RegroupingAdmin):
    """Groups, the one that was seen last first."""

    change_form_template = "chatdebug/admin/group.html"
    list_display = (
        *("what", "badge", "last_day", "last_weeks"),
        *("times", "affected", "last", "first", "assignee_name"),
    )
    list_display_links = None
    list_per_page = 25  # of which each has two charts
    list_filter = ("state", "kind", ProviderFilter, "last_seen")
    search_fields = ("title", "fingerprint")
    search_help_text = _("Words of the title, or a fingerprint.")
    ordering = ("-last_seen", "-id")
    actions = ("resolve", "reopen", "ignore", "assign_to_me", "merge")

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Who may say what is done about a group."""
        return request.user.has_perm("chatdebug.change_errorgroup")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows trends."""
        return GroupList

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, and the one that takes decisions."""
        handle = self.admin_site.admin_view(require_POST(self.handle_view))
        name = "chatdebug_errorgroup_handle"
        return [
            path("<path:object_id>/handle/", handle, name=name),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under a title that says what it is."""
        return super().changelist_view(
            request, {"title": TITLE, **(extra_context or {})}
        )

    def page_context(self, request: HttpRequest, row: ErrorGroup) -> dict[str, Any]:
        """Return a group; ``?runs=oldest`` its oldest runs first, ``?page=`` more of them."""
        page = GroupPage.of(row)
        health = provider_health()
        failing = health.of(row.provider)
        return {
            "page": page,
            "them": health.sentence_of(failing) if failing is not None else "",
            "title": page.line.title,
            "subtitle": "",
            "runs": self._runs(request, page),
            "rule_url": self._rule_url(request, row),
            "rules": self._rules(request, page),
            "similar": self.similar(request, row),
            "may_handle": self.has_handle_permission(request),
            "may_make_test": self.may_make_test(request),
            "note_form": NoteForm(instance=row),
            "ignore_form": IgnoreForm(initial={"days": IGNORED_DAYS}),
        }

    def handle_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take what somebody decides about a group, ``do``; back to its page.

        403 for who may not, 404 for a group that there is not.
        """
        if not self.has_handle_permission(request):
            raise PermissionDenied
        group = self.get_object(request, unquote(object_id))
        if group is None:
            raise Http404
        group = group.whole  # it may have been merged while its page was open
        groups = ErrorGroup.objects.filter(pk=group.pk)
        match request.POST.get("do"):
            case "note":
                self._note(request, group)
            case "ignore":
                self._ignore(request, group, groups)
            case "release":
                assign_groups(groups=groups, to=None)
                self.log(request, groups, gettext("Assigned to nobody."))
            case "split":
                self.split(request, group)
            case "resolve" | "reopen" | "assign_to_me" as name:
                getattr(self, name)(request, groups)
        return redirect(self.page_of(group.pk))

    @admin.action(description=_("Resolve"), permissions=["handle"])
    def resolve(self, request: HttpRequest, queryset: ErrorGroupQuerySet) -> None:
        """Take groups as mended, until they are seen again."""
        self._change(request, queryset, resolve_groups, gettext("Resolved."))

    @admin.action(description=_("Open again"), permissions=["handle"])
    def reopen(self, request: HttpRequest, queryset: ErrorGroupQuerySet) -> None:
        """Take groups as known and not mended."""
        self._change(request, queryset, reopen_groups, gettext("Opened."))

    @admin.action(description=_("Ignore for a week"), permissions=["handle"])
    def ignore(self, request: HttpRequest, queryset: ErrorGroupQuerySet) -> None:
        """Leave groups alone for a week."""

        def for_a_week(*, groups: ErrorGroupQuerySet) -> int:
            until = timezone.now() + timedelta(days=IGNORED_DAYS)
            return ignore_groups(groups=groups, until=until)

        self._change(request, queryset, for_a_week, gettext("Ignored."))

    @admin.action(description=_("Assign to me"), permissions=["handle"])
    def assign_to_me(self, request: HttpRequest, queryset: ErrorGroupQuerySet) -> None:
        """Say that whoever asks looks after these groups."""

        def to_me(*, groups: ErrorGroupQuerySet) -> int:
            return assign_groups(groups=groups, to=request.user)

        what = gettext("Assigned to %s.") % request.user
        self._change(request, queryset, to_me, what)

    @admin.display(description=_("what failed"))
    def what(self, group: ErrorGroup) -> SafeString:
        """Its title, a link to its page, and the facts below."""
        url = self.page_of(group.pk)
        line = GroupLine(group)
        return format_html(
            '<a class="group__title" href="{}" dir="auto">{}</a>'
            '<div class="group__facts">{}</div>',
            *(url, line.title, line.facts),
        )

    @admin.display(description=_("state"))
    def badge(self, group: ErrorGroup) -> SafeString:
        """Its state, and until when that holds."""
        return render_to_string(
            "chatdebug/admin/badge.html", {"line": GroupLine(group)}
        )

    @admin.display(description=_("24 hours"))
    def last_day(self, group: Any) -> SafeString:
        """Its failures of a day."""
        return _chart(group.day)

    @admin.display(description=_("14 days"))
    def last_weeks(self, group: Any) -> SafeString:
        """Its failures of two weeks."""
        return _chart(group.weeks)

    @admin.display(description=_("times"))
    def times(self, group: ErrorGroup) -> str:
        """How often it was seen."""
        return f"{group.count:,}"

    @admin.display(description=_("chats, people"))
    def affected(self, group: ErrorGroup) -> str:
        """Whom it affected."""
        line = GroupLine(group)
        return f"{line.chats}, {line.people}"

    @admin.display(description=_("first seen"))
    def first(self, group: ErrorGroup) -> SafeString:
        """When it was seen first, and in which release."""
        day = date_format(local(group.first_seen), "SHORT_DATE_FORMAT")
        return _moment(day, group.first_release)

    @admin.display(description=_("last seen"))
    def last(self, group: ErrorGroup) -> SafeString:
        """How long ago it was seen."""
        return _moment(GroupLine(group).seen, group.last_release)

    def _rule_url(self, request: HttpRequest, group: ErrorGroup) -> str:
        """Return where a rule is made of a group; nothing for who may not make rules."""
        if not leads_to(self.admin_site, request, ClassificationRule, "add"):
            return ""
        url = admin_url(self.admin_site, "chatdebug_classificationrule_add")
        return f"{url}?group={group.pk}"

    def _rules(
        self, request: HttpRequest, page: GroupPage
    ) -> list[tuple[ClassificationRule, str]]:
        """Return the rules that the group's errors fall under, for who may see rules."""
        if not leads_to(self.admin_site, request, ClassificationRule):
            return []
        name = "chatdebug_classificationrule_change"
        rules = ClassificationRule.objects.filter(
            causes__fingerprint__in=page.fingerprints
        )
        return [
            (rule, admin_url(self.admin_site, name, rule.pk))
            for rule in rules.distinct()[:RULES_SHOWN]
        ]

    def _runs(self, request: HttpRequest, page: GroupPage) -> dict[str, Any]:
        """Return one page of the stored runs, and where the pages beside it are."""
        if not leads_to(self.admin_site, request, ChatRun):
            return {}
        is_oldest = request.GET.get("runs") == "oldest"
        asked = request.GET.get("page", "")
        is_number = asked.isascii() and asked.isdecimal() and len(asked) < len("1000")
        number = min(max(int(asked) if is_number else 1, 1), LAST_PAGE)
        start = (number - 1) * RUNS_SHOWN
        end = start + RUNS_SHOWN + 1
        keys = ChatRun.objects.newest_keys(
            page.fingerprints, most=end, is_reversed=is_oldest
        )[start:]
        runs = ChatRun.objects.in_bulk(keys)
        found = [runs[key] for key in keys if key in runs]
        lines = [
            (
                RunLine(run),
                admin_url(self.admin_site, "chatdebug_chatrun_change", run.pk),
            )
            for run in found[:RUNS_SHOWN]
        ]
        has_more = len(found) > RUNS_SHOWN and number < LAST_PAGE
        return {
            "lines": lines,
            "order": "oldest" if is_oldest else "newest",
            "is_oldest": is_oldest,
            "previous": number - 1,
            "next": number + 1 if has_more else 0,
        }

    def _change(
        self,
        request: HttpRequest,
        groups: ErrorGroupQuerySet,
        change: Callable[..., int],
        what: str,
    ) -> None:
        """Change groups, note who did, and say how many there were."""
        keys = list(groups.values_list("pk", flat=True))
        chosen = ErrorGroup.objects.filter(pk__in=keys)
        changed = change(groups=chosen)
        self.log(request, chosen, what)
        words = ngettext(
            "%(count)s group: %(what)s", "%(count)s groups: %(what)s", changed
        )
        self.message_user(request, words % {"count": changed, "what": what})

    def _note(self, request: HttpRequest, group: ErrorGroup) -> None:
        form = NoteForm(request.POST, instance=group)
        if not form.is_valid():
            self._refuse(request, form)
            return
        # These two alone: a writer may be counting at this moment.
        ErrorGroup.objects.filter(pk=group.pk).update(**form.cleaned_data)
        self.log_change(request, group, gettext("Note and ticket."))
        self.message_user(request, gettext("Saved."))

    def _ignore(
        self, request: HttpRequest, group: ErrorGroup, groups: ErrorGroupQuerySet
    ) -> None:
        form = IgnoreForm(request.POST)
        if not form.is_valid():
            self._refuse(request, form)
            return
        days, times = form.cleaned_data["days"], form.cleaned_data["times"]
        ignore_groups(
            groups=groups,
            until=timezone.now() + timedelta(days=days) if days else None,
            until_count=group.count + times if times else None,
        )
        self.log(request, groups, gettext("Ignored."))

    def _refuse(self, request: HttpRequest, form: forms.BaseForm) -> None:
        for errors in form.errors.values():
            for error in errors:
                self.message_user(request, str(error), messages.ERROR)


def _chart(trend: Trend) -> SafeString:
    return format_html(
        '{}<div class="group__facts" aria-hidden="true">{}</div>',
        trend.chart,
        trend.total,
    )


def _moment(when: str, release: str) -> SafeString:
    return format_html('{}<div class="group__facts">{}</div>', when, release)
