"""Addresses of a project whose one admin site is not Django's own."""

from django.contrib.admin import AdminSite
from django.urls import path

from chatdebug.admin import AlarmNoticeAdmin, AlarmTargetAdmin, GroupAdmin
from chatdebug.models import AlarmNotice, AlarmTarget, ErrorGroup

office = AdminSite(name="office")
office.register(AlarmTarget, AlarmTargetAdmin)
office.register(AlarmNotice, AlarmNoticeAdmin)
office.register(ErrorGroup, GroupAdmin)

urlpatterns = [path("office/", office.urls)]
