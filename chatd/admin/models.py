"""Model configurations in Django's admin."""

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from chatd.forms import ModelConfigForm
from chatd.models import ModelConfig
from chatdebug.admin.lookups import NamedLookups

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

LOGGED = ("base_url", "api_key_variable")
"""What leads prompts and keys elsewhere: told with the old and the new value."""


@admin.register(ModelConfig)
class ModelConfigAdmin(NamedLookups, admin.ModelAdmin):
    """The models that people can pick. Keys are named here, never entered."""

    form = ModelConfigForm
    list_display = ("name", "title", "provider", "model", "enabled", "position")
    list_editable = ("enabled", "position")
    list_filter = ("provider", "enabled")
    search_fields = ("name", "title", "model")
    prepopulated_fields = {"name": ("title",)}
    # A model in use cannot be deleted; the chats that use it are not listed by title.
    delete_confirmation_max_display = 0

    def get_form(
        self,
        request: HttpRequest,
        obj: ModelConfig | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> type[forms.ModelForm]:
        """Return the form, which lets superusers alone send a key to a new place."""
        base = super().get_form(request, obj, change, **kwargs)
        may_confirm = bool(getattr(request.user, "is_superuser", False))
        return type(base.__name__, (base,), {"may_confirm": may_confirm})

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> list[dict[str, dict[str, Any]]]:
        """Return the entry of the log, with the old and the new address."""
        message: Any = super().construct_change_message(request, form, formsets, add)
        changes = [
            f"{form.fields[name].label} from {_shown(form.initial.get(name, ''))} to "
            f"{_shown(form.cleaned_data[name])}"
            for name in LOGGED
            if name in form.changed_data
        ]
        if changes:
            user: User | Any = request.user
            logger.info("%s of model %s by %s", "; ".join(changes), form.instance, user)
            message.append({"changed": {"fields": changes}})
        return list(message)


def _shown(value: str) -> str:
    """Return a value without the name and password that an old address may hold."""
    url = urlsplit(value)
    host = url.netloc.rpartition("@")[2]
    return f"{url.scheme}://{host}{url.path}" if url.netloc else value or "none"
