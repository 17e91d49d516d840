"""The deployment's own classification rules."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatdebug.access import may_read_content
from chatdebug.admin.addresses import admin_url
from chatdebug.admin.lookups import NamedLookups
from chatdebug.deployment_rules import loaded_rules
from chatdebug.formats import clock
from chatdebug.models import ClassificationRule
from chatdebug.services.rules import preview_rule

SHOWN = 20


@admin.register(ClassificationRule)
class RuleAdmin(NamedLookups, admin.ModelAdmin):
    """Rules, in the order in which they are tried.

    What is saved holds in this process at once, in the others after some seconds.
    """

    list_display = (
        *("position", "__str__", "provider", "status_code", "code", "text"),
        *("kind", "retryable", "mode"),
    )
    list_display_links = ("__str__",)
    list_filter = ("kind", "mode")
    readonly_fields = ("preview",)

    def get_fieldsets(
        self, request: HttpRequest, obj: ClassificationRule | None = None
    ) -> Any:
        """Return the form; what stored texts match is for those who may read them."""
        preview = ("preview",) if may_read_content(request.user) else ()
        return [
            (None, {"fields": ("note", "mode", "back_to_shadow", "position")}),
            (_("An error"), {"fields": ("provider", "status_code", "code", "text")}),
            (None, {"fields": ("kind", "retryable", *preview)}),
        ]

    @admin.display(description=_("would have matched"))
    def preview(self, rule: ClassificationRule) -> str | SafeString:
        """Which stored runs the rule as it was saved would have decided."""
        if rule.pk is None:
            return gettext(
                "Save the rule first; while it is not enabled, it decides nothing."
            )
        preview = preview_rule(rule=rule.as_rule(), reads_text=bool(rule.text))
        summary = gettext("%(runs)s runs, of the newest %(errors)s stored errors") % {
            "runs": len(preview.runs),
            "errors": preview.looked_at,
        }
        links = format_html_join(
            "",
            '<li><a href="{}">{}</a> {}</li>',
            (
                (
                    admin_url(self.admin_site, "chatdebug_chatrun_change", run.pk),
                    clock(run.started_at),
                    run.get_error_kind_display(),
                )
                for run in preview.runs[:SHOWN]
            ),
        )
        return format_html("<p>{}</p><ul>{}</ul>", summary, links)

    def save_model(
        self,
        request: HttpRequest,
        obj: ClassificationRule,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Save, and take the rules over."""
        super().save_model(request, obj, form, change)
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


def _load_soon() -> None:
    using = router.db_for_write(ClassificationRule)
    transaction.on_commit(partial(loaded_rules.load, using=using), using=using)
