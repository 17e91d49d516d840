"""The deployment's own classification rules: made, watched, switched on, handed on."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from chatdebug.access import may_read_content
from chatdebug.admin.addresses import admin_url, leads_to
from chatdebug.admin.lookups import NamedLookups
from chatdebug.admin.pages import admin_page
from chatdebug.admin.regrouping import as_key
from chatdebug.admin.row_pages import RowPage
from chatdebug.deployment_rules import loaded_rules
from chatdebug.enums import RuleMode
from chatdebug.models import ChatRun, ClassificationRule, ErrorGroup
from chatdebug.presentation.rules import PreviewLines, RulePage
from chatdebug.services.rule_files import (
    MAX_BYTES,
    RuleFileError,
    export_rules,
    import_rules,
)
from chatdebug.services.rules import (
    Proposal,
    accept_causes,
    forget_rule_numbers,
    preview_rule,
    propose_rule,
    set_rule_mode,
)

CONDITION = ("provider", "status_code", "code", "text")
FIELDS = ("note", "position", *CONDITION, "kind", "retryable", "back_to_shadow")
SAYS = {*CONDITION, "kind", "retryable"}
"""What a rule is; it is another one when one of these changes."""
ConditionForm = forms.modelform_factory(ClassificationRule, fields=CONDITION)


class UploadForm(forms.Form):
    """A file of rules."""

    file = forms.FileField(label=_("File"), help_text=_("Exported rules, as JSON."))


@admin.register(ClassificationRule)
class RuleAdmin(RowPage, NamedLookups, admin.ModelAdmin):
    """Rules, in the order in which they are tried.

    One that is new, or says something else now, is in shadow: it decides when somebody
    switches it on, which holds in this process at once, in the others after some seconds.
    """

    change_form_template = "chatdebug/admin/rule.html"
    change_list_template = "chatdebug/admin/rules.html"
    list_display = (
        *("position", "__str__", "provider", "status_code", "code", "text"),
        *("kind", "retryable", "mode", "times", "news"),
    )
    list_display_links = ("__str__",)
    list_filter = ("kind", "mode")
    actions = ("export_as_json",)
    fieldsets = (
        (None, {"fields": ("note", "position")}),
        (_("An error"), {"fields": CONDITION}),
        (None, {"fields": ("kind", "retryable", "back_to_shadow")}),
    )

    class Media:
        css = {"all": ("chatdebug/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClassificationRule]:
        """Return the rules with their numbers."""
        news = Count("causes", filter=Q(causes__is_accepted=False))
        rules: QuerySet[ClassificationRule] = super().get_queryset(request)
        return rules.select_related("tally").annotate(news=news)

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of Django's pages, of modes and of files."""
        view, name = self.admin_site.admin_view, "chatdebug_classificationrule_"
        return [
            path("import/", view(self.import_view), name=f"{name}import"),
            path(
                "<path:object_id>/mode/",
                view(require_POST(self.mode_view)),
                name=f"{name}mode",
            ),
            *super().get_urls(),
        ]

    @admin.display(description=_("errors"))
    def times(self, rule: ClassificationRule) -> str:
        """How many errors fell under it."""
        tally = getattr(rule, "tally", None)
        return f"{tally.count:,}" if tally is not None else "0"

    @admin.display(description=_("new causes"))
    def news(self, rule: Any) -> str:
        """How many causes fall under it that nobody has accepted."""
        return f"{rule.news:,}"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the way to an import for who may add rules."""
        context = {"may_import": self.has_add_permission(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form of a new rule: ``?group=`` filled in for a group.

        A condition in the address is filled in too, and what it would take is shown; so is
        what the condition of a form would take that is refused for something else.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST" and "_preview" in request.POST:
            asked = {name: request.POST.get(name, "") for name in FIELDS}
            kept = {
                name: request.GET[name] for name in ("group",) if name in request.GET
            }
            return redirect(f"{request.path}?{urlencode(kept | asked)}")
        context: dict[str, Any] = {}
        if request.method == "GET":
            context = self._proposed(request) or self._asked(request, request.GET)
        context |= extra_context or {}
        response = super().add_view(request, form_url, context)
        if request.method == "POST" and isinstance(response, TemplateResponse):
            shown = self._shown_again(request)
            response.context_data = {**(response.context_data or {}), **shown}
        return response

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new rule's form begins with."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        group = self._group(request)
        if group is None:
            return initial
        known = {"note": group.title, "back_to_shadow": True}
        if any(name in initial for name in CONDITION):  # somebody has changed it
            return known | initial
        condition = _proposal(request, group).condition
        if condition is None:
            return known | {
                "provider": group.provider,
                "status_code": group.status_code,
            }
        return known | {name: getattr(condition, name) for name in CONDITION}

    def page_context(
        self, request: HttpRequest, row: ClassificationRule
    ) -> dict[str, Any]:
        """Return a rule's mode and numbers, and what it takes of the stored errors."""
        return {
            "page": RulePage.of(row),
            "may_see_groups": self._may_see_groups(request),
            "may_switch": self.has_change_permission(request, row),
            **self._taken(request, row),
        }

    def mode_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Switch a rule on, off or to shadow, ``mode``; back to its page.

        403 for who may not, 404 for a rule or a mode that there is not.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        rule = self.get_object(request, unquote(object_id))
        mode = request.POST.get("mode", "")
        if rule is None or mode not in RuleMode.values:
            raise Http404
        if set_rule_mode(rule=rule, mode=RuleMode(mode)):
            what = gettext("Mode: %s.") % RuleMode(mode).label
            self.log_change(request, rule, what)
            self.message_user(request, what)
        _load_soon()
        name = "chatdebug_classificationrule_change"
        return redirect(admin_url(self.admin_site, name, rule.pk))

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Take in a file of rules, ``file``; they are in shadow. 403 for who may not add."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                content = form.cleaned_data["file"].read(MAX_BYTES + 1)
                imported = import_rules(content=content)
            except RuleFileError as error:
                form.add_error("file", str(error))
            else:
                self._note_import(request, imported.rules, imported.known)
                name = "chatdebug_classificationrule_changelist"
                return redirect(admin_url(self.admin_site, name))
        context = {
            "title": _("Import rules"),
            "form": form,
        }
        return admin_page(self, request, "rule_import.html", context)

    @admin.action(description=_("Export as JSON"), permissions=["view"])
    def export_as_json(
        self, request: HttpRequest, queryset: QuerySet[ClassificationRule]
    ) -> HttpResponse | None:
        """Hand rules on, without ids, notes and numbers; say how many cannot be.

        That stands above the next page, and above the list at once if there is no file.
        """
        exported = export_rules(rules=queryset)
        if exported.note:
            self.message_user(request, exported.note, messages.WARNING)
        if not exported.rules:
            return None
        response = HttpResponse(exported.text, content_type="application/json")
        response["Content-Disposition"] = 'attachment; filename="chatdebug-rules.json"'
        LogEntry.objects.log_actions(
            str(request.user.pk), exported.rules, CHANGE, gettext("Exported.")
        )
        return response

    def save_model(
        self,
        request: HttpRequest,
        obj: ClassificationRule,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Save, in shadow if it says something new, and take the rules over."""
        is_other = change and not SAYS.isdisjoint(form.changed_data)
        if is_other and obj.mode == RuleMode.ON:
            obj.mode = RuleMode.SHADOW
        super().save_model(request, obj, form, change)
        if is_other:
            forget_rule_numbers(rule=obj)
        if not change and (group := self._group(request)):
            accept_causes(rule=obj, groups=[group])
        _load_soon()

    def delete_model(self, request: HttpRequest, obj: ClassificationRule) -> None:
        """Delete, and take the rules over."""
        super().delete_model(request, obj)
        _load_soon()

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[ClassificationRule]
    ) -> None:
        """Delete, and take the rules over."""
        super().delete_queryset(request, queryset)
        _load_soon()

    def _proposed(self, request: HttpRequest) -> dict[str, Any]:
        """Return what is shown of the proposal for a group, where one was asked for."""
        group = self._group(request)
        if group is None or any(name in request.GET for name in CONDITION):
            return {}
        proposal = _proposal(request, group)
        context = {"group": group, "proposal": proposal}
        return context | self._shown(request, proposal.preview)

    def _shown_again(self, request: HttpRequest) -> dict[str, Any]:
        """Return what was shown beside a form that is refused: for its own condition."""
        group = self._group(request)
        if group is not None:
            condition = _proposal(request, group).condition
            sent = {name: request.POST.get(name, "").strip() for name in CONDITION}
            proposed = {
                name: getattr(condition, name, None) or "" for name in CONDITION
            }
            if sent == {name: str(value) for name, value in proposed.items()}:
                return self._proposed(request)
        shown = self._asked(request, request.POST)
        shown.pop("refused", None)  # the form says so itself
        return shown

    def _asked(self, request: HttpRequest, asked: QueryDict) -> dict[str, Any]:
        """Return what a condition that somebody sent takes, for those who may know it."""
        if not any(asked.get(name) for name in CONDITION):
            return {}
        form = ConditionForm(asked)
        if not form.is_valid():
            return {
                "refused": [str(e) for errors in form.errors.values() for e in errors]
            }
        return self._taken(request, form.instance)

    def _taken(self, request: HttpRequest, rule: ClassificationRule) -> dict[str, Any]:
        """Return what a rule takes; with any words one could ask what was said."""
        if not may_read_content(request.user):
            return {}
        try:
            preview = preview_rule(rule=rule.as_rule(), reads_text=bool(rule.text))
        except ValueError as error:  # a row that no form has let through
            return {"refused": [str(error)]}
        return self._shown(request, preview)

    def _shown(self, request: HttpRequest, preview: Any) -> dict[str, Any]:
        if preview is None:
            return {}
        sees_runs = leads_to(self.admin_site, request, ChatRun)
        return {
            "preview": PreviewLines(preview),
            "may_see_runs": sees_runs and may_read_content(request.user),
            "may_see_groups": self._may_see_groups(request),
        }

    def _may_see_groups(self, request: HttpRequest) -> bool:
        return leads_to(self.admin_site, request, ErrorGroup)

    def _group(self, request: HttpRequest) -> ErrorGroup | None:
        """Return the group that a rule is made of; None for who may not see groups."""
        if not self._may_see_groups(request):
            return None
        asked = request.GET.get("group", "")
        groups = ErrorGroup.objects.select_related("merged_into")
        group = groups.filter(pk=as_key(asked)).first()
        return group.whole if group is not None else None

    def _note_import(
        self, request: HttpRequest, rules: list[ClassificationRule], known: int
    ) -> None:
        LogEntry.objects.log_actions(
            str(request.user.pk), rules, ADDITION, gettext("Imported.")
        )
        _load_soon()
        words = ngettext(
            "%(count)s rule is in shadow now; %(known)s were there already.",
            "%(count)s rules are in shadow now; %(known)s were there already.",
            len(rules),
        )
        numbers = {"count": len(rules), "known": known}
        self.message_user(request, words % numbers, messages.SUCCESS)


def _proposal(request: Any, group: ErrorGroup) -> Proposal:
    """Return the proposal for a group, found once for each request."""
    if not hasattr(request, "chatdebug_proposal"):
        request.chatdebug_proposal = propose_rule(group=group)
    proposal: Proposal = request.chatdebug_proposal
    return proposal


def _load_soon() -> None:
    using = router.db_for_write(ClassificationRule)
    transaction.on_commit(partial(loaded_rules.load, using=using), using=using)
