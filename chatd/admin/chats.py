"""Chats and turns in Django's admin, read-only.

Nothing of what was said is shown, and a chat's title is made of that; so is Django's page
before a deletion. Owners delete their chats themselves.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chatd.models import Chat, Turn
from chatdebug.admin.readonly import ReadOnlyAdmin


@admin.register(Chat)
class ChatAdmin(ReadOnlyAdmin):
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
class TurnAdmin(ReadOnlyAdmin):
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
