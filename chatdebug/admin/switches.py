"""Who switched full recording on, and when."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch


@admin.register(RecordingSwitch)
class SwitchAdmin(admin.ModelAdmin):
    """The switches. Every change is audited."""

    list_display = ("scope", "key", "enabled", "updated_at")
    list_filter = ("scope", "enabled")
    search_fields = ("=key",)
    readonly_fields = ("updated_at",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: RecordingSwitch | None = None
    ) -> tuple[str, ...]:
        """What a switch is about never changes."""
        return ("updated_at",) if obj is None else ("scope", "key", "updated_at")

    def save_model(
        self,
        request: HttpRequest,
        obj: RecordingSwitch,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Set the switch by its service, which leaves a trace."""
        set_switch(
            scope=Scope(obj.scope), key=obj.key, enabled=obj.enabled, by=request.user
        )
        obj.pk = RecordingSwitch.objects.get(scope=Scope(obj.scope), key=obj.key).pk


@admin.register(SwitchChange)
class SwitchChangeAdmin(ReadOnlyAdmin):
    """The audit of the switches."""

    list_display = (
        "changed_at",
        "changed_by",
        "scope",
        "key",
        "old_value",
        "new_value",
    )
    list_filter = ("scope",)
    search_fields = ("=key", "=changed_by")

    def has_delete_permission(
        self, request: HttpRequest, obj: SwitchChange | None = None
    ) -> bool:
        """An audit is not deleted by hand."""
        return False
