"""How long runs are kept."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from chatdebug.admin.lookups import NamedLookups
from chatdebug.models import Retention
from chatdebug.presentation.storage import Stored
from chatdebug.services.retention import set_retention_days


@admin.register(Retention)
class RetentionAdmin(NamedLookups, admin.ModelAdmin):
    """The one row; until there is one, the default holds."""

    change_list_template = "chatdebug/admin/retention.html"
    list_display = ("__str__", "updated_at")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what is in force, also where no row says so, and what is stored."""
        context = {"stored": Stored.read()}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row at most."""
        return super().has_add_permission(request) and not Retention.objects.exists()

    def has_delete_permission(
        self, request: HttpRequest, obj: Retention | None = None
    ) -> bool:
        """Nobody deletes it: the number is set to another one."""
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: Retention,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Set the number by its service, which leaves a trace.

        That writes nothing for the default, which whoever adds it wants to be stored.
        """
        set_retention_days(days=obj.days, by=request.user)
        if not change:
            Retention.objects.get_or_create(id=1, defaults={"days": obj.days})
