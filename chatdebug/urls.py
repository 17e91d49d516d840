"""Addresses of the recorder's pages; to be included by the host project."""

from django.urls import path

from chatdebug import views

app_name = "chatdebug"

urlpatterns = [
    path("chats/<str:chat_id>/", views.panel, name="panel"),
    path("chats/<str:chat_id>/runs/<uuid:run_id>/", views.run, name="run"),
]
