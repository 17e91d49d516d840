"""The addresses of a project without pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
