"""Who switched full recording on, and when."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chatdebug.admin.lookups import NamedLookups
from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope
from chatdebug.services.switches import set_switch


class SwitchForm(forms.ModelForm):
    """A switch; a new one is on, because off is what holds without any."""

    def clean(self) -> dict[str, Any]:
        """Say in plain words what the database would refuse, or what has no effect."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.instance.pk:
            if not cleaned.get("enabled"):
                self.add_error("enabled", _("Without a switch it is off already."))
            if (cleaned.get("scope") == Scope.DEPLOYMENT) == bool(cleaned.get("key")):
                self.add_error(
                    "key", _("Give the id of an owner or chat, and only then.")
                )
        return cleaned


@admin.register(RecordingSwitch)
class SwitchAdmin(NamedLookups, admin.ModelAdmin):
    """The switches. Every change is audited, so none is deleted: it is switched off."""

    form = SwitchForm
    list_display = ("scope", "key", "enabled", "updated_at")
    list_display_links = ("scope", "key")
    list_filter = ("scope", "enabled")
    search_fields = ("=key",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: RecordingSwitch | None = None
    ) -> tuple[str, ...]:
        """What a switch is about never changes."""
        return ("updated_at",) if obj is None else ("scope", "key", "updated_at")

    def has_delete_permission(
        self, request: HttpRequest, obj: RecordingSwitch | None = None
    ) -> bool:
        """Nobody deletes one: that would leave no trace."""
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: RecordingSwitch,
        form: forms.ModelForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Set the switch by its service, which leaves a trace."""
        scope = Scope(obj.scope)
        set_switch(scope=scope, key=obj.key, enabled=obj.enabled, by=request.user)
        obj.pk = RecordingSwitch.objects.get(scope=scope, key=obj.key).pk


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
