"""Who changed how long runs are kept; of earlier releases, who read what, too."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chatdebug.admin.readonly import ReadOnlyAdmin
from chatdebug.admin.searches import WholeValueSearch
from chatdebug.models import AuditEntry


@admin.register(AuditEntry)
class AuditAdmin(WholeValueSearch, ReadOnlyAdmin):
    """The audit; its entries outlive whom and what they are about."""

    list_display = (
        *("at", "person_name", "person_id", "action"),
        *("subject", "object_id", "details"),
    )
    list_filter = ("action",)
    ordering = ("-at", "-id")
    search_columns = ("object_id", "person_id", "person_name")
    search_help_text = _(
        "The whole id of a run, a step or a person, or a person's name."
    )
