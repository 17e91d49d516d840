"""The chat in Django's admin."""

from django.apps import apps
from django.contrib import admin

from chatd.admin.accounts import AccountAdmin, RoleAdmin
from chatd.admin.chats import ChatAdmin, TurnAdmin
from chatd.admin.models import ModelConfigAdmin

__all__ = ["AccountAdmin", "ChatAdmin", "ModelConfigAdmin", "RoleAdmin", "TurnAdmin"]

if apps.is_installed("procrastinate.contrib.django"):
    from chatd.admin import jobs as jobs

admin.site.site_header = admin.site.site_title = "chatd"
admin.site.index_title = "Administration"
admin.site.enable_nav_sidebar = False  # the lists need the width
