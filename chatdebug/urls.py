"""Addresses of the recorder's pages; to be included by the host project."""

from django.urls import path

from chatdebug import views

RUN = "chats/<str:chat_id>/runs/<uuid:run_id>/"

app_name = "chatdebug"

urlpatterns = [
    path("chats/<str:chat_id>/", views.panel, name="panel"),
    path("chats/<str:chat_id>/recording/", views.switch, name="switch"),
    path(RUN, views.run, name="run"),
    path(f"{RUN}steps/<int:step_number>/", views.step, name="step"),
]
