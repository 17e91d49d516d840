"""Who read what was said in other people's chats, and why."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.admin.searches import WholeValueSearch
from chatdebug.models import ContentReading


@admin.register(ContentReading)
class ReadingAdmin(WholeValueSearch, ReadOnlyAdmin):
    """The readings; they outlive their readers and what was read."""

    list_display = (
        *("at", "reader_name", "reader_id", "reason"),
        *("run_id", "chat_id", "owner_id"),
    )
    list_filter = ("is_staff",)
    ordering = ("-at", "-id")
    search_columns = ("run_id", "chat_id", "owner_id", "reader_id", "reader_name")
    search_help_text = _(
        "The whole id of a run, a chat, its owner or a reader, or a reader's name."
    )
