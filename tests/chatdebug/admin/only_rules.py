"""Addresses of a project with one admin site of its own, which knows rules and nothing else."""

from django.contrib.admin import AdminSite
from django.urls import path

from chatdebug.admin.rules import RuleAdmin
from chatdebug.models import ClassificationRule

office = AdminSite(name="office")
office.register(ClassificationRule, RuleAdmin)

urlpatterns = [path("office/", office.urls)]
