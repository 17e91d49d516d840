"""The chat in Django's admin: models to be configured, chats and turns to be looked at."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from chatd.models import Chat, ModelConfig, Turn


@admin.register(ModelConfig)
class ModelConfigAdmin(admin.ModelAdmin):
    """The models that people can pick. Keys are named here, never entered."""

    list_display = ("name", "title", "provider", "model", "enabled", "position")
    list_editable = ("enabled", "position")
    list_filter = ("provider", "enabled")
    search_fields = ("name", "title", "model")
    prepopulated_fields = {"name": ("title",)}


class LookedAt(admin.ModelAdmin):
    """Rows that people make by using the chat: nothing is added or changed here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Nobody changes one."""
        return False


@admin.register(Chat)
class ChatAdmin(LookedAt):
    """Chats without what was said in them."""

    list_display = ("id", "owner", "model", "created_at", "updated_at")
    list_select_related = ("owner", "model")
    search_fields = ("=id", "=owner__username")
    fields = ("id", "owner", "model", "created_at", "updated_at")
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(Turn)
class TurnAdmin(LookedAt):
    """Turns: how they ended, and how long they took."""

    list_display = (
        "id",
        "chat_id",
        "status",
        "created_at",
        "started_at",
        "finished_at",
    )
    list_filter = ("status",)
    search_fields = ("=id", "=chat__id")
    ordering = ("-created_at", "-id")
