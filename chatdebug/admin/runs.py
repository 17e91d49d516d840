"""Runs in the admin: metadata for staff, content for those who may read it and say why.

Content is what people and models wrote, or may have: labels, the texts of errors, and
all payloads. A list has none of it.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chatdebug.access import access_policy
from chatdebug.admin.addresses import admin_url, debug_tab_url, leads_to
from chatdebug.admin.person_data import PersonData
from chatdebug.admin.readonly import ContentAdmin
from chatdebug.admin.steps import StepInline, shown_causes
from chatdebug.enums import Evidence, Level, Outcome
from chatdebug.errors.provider_names import PROVIDERS
from chatdebug.formats import clock
from chatdebug.models import ChatRun, ErrorGroup
from chatdebug.models.runs import OVERFLOW
from chatdebug.presentation.causes import LikelyCauses
from chatdebug.presentation.groups import GroupLine
from chatdebug.presentation.run_lines import RunLine
from chatdebug.presentation.titles import failure_of
from chatdebug.querysets import ChatRunQuerySet

TITLE = _("Runs of all chats")
FINGERPRINT = re.compile(rf"[0-9a-f]{{6,32}}|{OVERFLOW}")
SEARCHED = 1_000
"""How many runs a search finds by each column: as many as the list has pages for."""
FILTERED = 20_000
"""How many runs a filter looks at; on two cores 20 ms."""
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class RunList(ChangeList):
    """A list whose filters look at the newest runs alone.

    What a filter seldom fits has no index, and would be looked for in the whole table.
    """

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        """Return the runs that are listed."""
        runs = super().get_queryset(request, exclude_parameters)
        if self.query or not self.filter_params:
            return runs
        newest = ChatRun.objects.newest_first().values_list("started_at", flat=True)
        oldest = newest[FILTERED - 1 : FILTERED].first()
        return runs.filter(started_at__gte=oldest) if oldest is not None else runs


class ProviderFilter(admin.SimpleListFilter):
    """By provider; Django's own filter would read the table for the values it has."""

    title = _("provider")
    parameter_name = "provider"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, str]]:
        """Return the providers that are known by name."""
        return [(name, name) for name in PROVIDERS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChatRun]
    ) -> QuerySet[ChatRun]:
        """Return the runs of the chosen provider."""
        value = self.value()
        return queryset.filter(provider=value) if value else queryset


@admin.register(ChatRun)
class RunAdmin(PersonData, ContentAdmin):
    """Runs of all chats, newest first."""

    change_list_template = "chatdebug/admin/runs.html"

    list_filter = ("status", "kind", "level", "error_kind", ProviderFilter)
    search_fields = ("id", "chat_id", "owner_id", "fingerprint")
    search_help_text = _(
        "The whole id of a run, a chat or an owner, or a fingerprint. Without it, the "
        "list reaches back 1,000 runs, and filters look at the newest 20,000."
    )
    ordering = ("-started_at", "-id")
    inlines = (StepInline,)

    list_display = (
        "started",
        "state",
        "kind",
        "failure",
        "provider_and_model",
        "facts",
        "similar",
        "owner_id",
    )

    def run_of(self, row: ChatRun) -> ChatRun:
        """Return the run itself."""
        return row

    def get_fields(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        """Return what this person may see of a run."""
        has_content = self.shows_content(request, obj)
        what: tuple[str, ...] = (
            ("titled", "last_error") if has_content else ("failure",)
        )
        if obj is not None and _keeps_requests(obj):
            what = ("likely_cause", *what)
        sees_groups = leads_to(self.admin_site, request, ErrorGroup)
        return (
            *what,
            ("state", "kind", "level"),
            "provider_and_model",
            ("error_kind", "similar"),
            "started",
            "facts",
            "chat" if may_read_chat(request, obj) else "chat_id",
            "owner_id",
            ("trigger_message_id", "history_tip_message_id"),
            ("fingerprint", "cause") if sees_groups else "fingerprint",
            "id",
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: ChatRun | None = None
    ) -> tuple[str, ...]:
        """Return all of them."""
        rows = self.get_fields(request, obj)
        return tuple(
            name for row in rows for name in ((row,) if isinstance(row, str) else row)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ChatRun], search_term: str
    ) -> tuple[QuerySet[ChatRun], bool]:
        """Find by whole ids; the head of a UUIDv7 is only a time.

        Each column is asked for itself, by its index. Were they joined by OR, a database
        would rather read the table.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        found = [runs for runs in _searches(term) if runs.exists()]
        if len(found) == 1:
            # As many as the list has pages for: as a condition, not as a list of keys,
            # which each query would look up again.
            (runs,) = found
            began = runs.newest_first().values_list("started_at", flat=True)
            oldest = began[SEARCHED - 1 : SEARCHED].first()
            newest = runs if oldest is None else runs.filter(started_at__gte=oldest)
            return queryset & newest, False
        keys = {
            pk
            for runs in found
            for pk in runs.newest_first().values_list("pk", flat=True)[:SEARCHED]
        }
        return queryset.filter(pk__in=keys), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list whose filters are bounded."""
        return RunList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under a title that says what it is."""
        context = {"title": TITLE, "may_see_people": self.may_see_people(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.display(description=_("time"))
    def started(self, run: ChatRun) -> str:
        """When it began, to the second."""
        return clock(run.started_at).replace(" ", NO_BREAK_SPACE)

    @admin.display(description=_("status"))
    def state(self, run: ChatRun) -> str:
        """How it ended."""
        return f"{RunLine(run).icon} {run.outcome.label}"

    @admin.display(description=_("error"))
    def failure(self, run: ChatRun) -> str:
        """What failed, without a word of the error's own text."""
        return failure_of(run) or run.get_error_kind_display()

    @admin.display(description=_("likely cause"))
    def likely_cause(self, run: ChatRun) -> SafeString | str:
        """What may have been wrong with the request that failed last."""
        failed = run.steps.filter(error__isnull=False).without_payloads()
        step = failed.order_by("-step_number").first()
        return shown_causes(LikelyCauses.of(step)) if step is not None else ""

    @admin.display(description=_("title"))
    def titled(self, run: ChatRun) -> SafeString:
        """What failed, and how the question begins where it is kept."""
        line = RunLine(run)
        lines = dict.fromkeys(filter(None, (line.title, line.question)))
        return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in lines))

    @admin.display(description=_("provider, model"))
    def provider_and_model(self, run: ChatRun) -> str:
        """Who answered."""
        return f"{run.provider} {run.model}".strip()

    @admin.display(description=_("steps, time, tokens"))
    def facts(self, run: ChatRun) -> str:
        """Its numbers."""
        return RunLine(run).facts

    @admin.display(description=_("similar"))
    def similar(self, run: ChatRun) -> str:
        """How many more of the same were only counted."""
        return f"+{run.similar_count:,}" if run.similar_count else ""

    @admin.display(description=_("last error"))
    def last_error(self, run: ChatRun) -> str:
        """The first line of it."""
        return RunLine(run).first_error

    @admin.display(description=_("all of its cause"))
    def cause(self, run: ChatRun) -> SafeString | str:
        """The group of its failure, a link."""
        group = ErrorGroup.objects.counting([run.fingerprint]).first()
        if group is None:
            return ""
        url = admin_url(self.admin_site, "chatdebug_errorgroup_change", group.pk)
        line = GroupLine(group)
        count = ngettext("%s time", "%s times", group.count) % f"{group.count:,}"
        return format_html('<a href="{}">{}</a> · {}', url, line.title, count)

    @admin.display(description=_("chat"))
    def chat(self, run: ChatRun) -> SafeString | str:
        """The chat's id, and a link to its Debug tab if there is one."""
        url = debug_tab_url(run)
        if not url:
            return run.chat_id
        return format_html('{} · <a href="{}">{}</a>', run.chat_id, url, _("Debug tab"))


def _keeps_requests(run: ChatRun) -> bool:
    """Return whether a request that failed was kept, or its shape."""
    is_kept = run.level == Level.FULL or run.evidence is not Evidence.ERROR
    return is_kept and run.outcome is Outcome.FAILED


def may_read_chat(request: HttpRequest, run: ChatRun | None) -> bool:
    """Return whether the Debug tab of a run's chat is open to whoever asks."""
    if run is None or not run.chat_id:
        return False
    return access_policy().may_read(request.user, run.chat_id)


def _searches(term: str) -> Iterator[ChatRunQuerySet]:
    """Yield the searches that a term can be meant for, by its shape."""
    runs = ChatRun.objects.all()
    if FINGERPRINT.fullmatch(term):
        group = ErrorGroup.objects.counting([term]).first()
        others = group.fingerprints() if group is not None else []
        for fingerprint in dict.fromkeys([term, *others]):
            yield runs.with_fingerprint(fingerprint)
    if (key := _as_uuid(term)) is not None:
        yield runs.filter(pk=key)
    yield runs.filter(chat_id=term)
    yield runs.filter(owner_id=term)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
