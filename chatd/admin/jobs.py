"""Procrastinate's jobs in the admin, where they wake the workers that run turns."""

from django.contrib import admin
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

from chatdebug.admin.lookups import NamedLookups

admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(NamedLookups, ProcrastinateJobAdmin):
    """Jobs as Procrastinate shows them. Its other filters would list each turn's id."""

    list_filter = ["status", "queue_name", "task_name"]
