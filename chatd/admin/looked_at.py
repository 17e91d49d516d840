"""Chats and turns in Django's admin, to be looked at.

Nothing of what was said is shown, and a chat's title is made of that.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from chatd.models import Chat, Turn
from chatdebug.admin.lookups import NamedLookups


class LookedAt(NamedLookups, admin.ModelAdmin):
    """Rows that people make by using the chat: nothing is added, changed or removed."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by = ()
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Owners delete their chats; Django's page for it would show what was said."""
        return False


@admin.register(Chat)
class ChatAdmin(LookedAt):
    """Chats without what was said in them."""

    list_display = fields = ("id", "owner", "model", "created_at", "updated_at")
    list_select_related = ("owner", "model")
    search_fields = ("=id", "=owner__username")
    search_help_text = "The whole id of a chat, or the name of its owner."
    ordering = ("-updated_at", "-id")

    def get_object(self, *args: Any, **kwargs: Any) -> Chat | None:
        """Return a chat that is called by its id, in the page's head as well."""
        chat = super().get_object(*args, **kwargs)
        if chat is not None:
            chat.title = f"Chat {chat.pk}"
        return chat


@admin.register(Turn)
class TurnAdmin(LookedAt):
    """Turns: how they ended and how long they took, without the text of an error."""

    list_display = ("id", "chat_id", "status", "error_kind", "created_at")
    fields = (
        "id",
        "chat_id",
        "status",
        "error_kind",
        "error_rule",
        "epoch",
        "created_at",
        "started_at",
        "stop_requested_at",
        "finished_at",
    )
    list_filter = ("status",)
    search_fields = ("=id", "=chat__id")
    search_help_text = "The whole id of a turn or of a chat."
    ordering = ("-created_at", "-id")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Turn | None = None
    ) -> tuple[str, ...]:
        """Return all fields: some are no columns."""
        return self.fields

    @admin.display(description="error")
    def error_kind(self, turn: Turn) -> str:
        """What kind of error ended it."""
        return str((turn.error or {}).get("kind", ""))

    @admin.display(description="rule")
    def error_rule(self, turn: Turn) -> str:
        """Which rule decided that."""
        return str((turn.error or {}).get("rule", ""))
