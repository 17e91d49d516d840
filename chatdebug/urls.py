"""Addresses of the recorder's pages; to be included by the host project."""

from django.urls import path

from chatdebug import views

CHAT = "chats/<str:chat_id>/"
RUN = f"{CHAT}runs/<uuid:run_id>/"

app_name = "chatdebug"

urlpatterns = [
    path("recording/", views.opt_in, name="opt-in"),
    path(CHAT, views.panel, name="panel"),
    path(f"{CHAT}recording/", views.switch, name="switch"),
    path(RUN, views.run, name="run"),
    path(f"{CHAT}export/<slug:form>/", views.export, name="export"),
    path(f"{RUN}export/<slug:form>/", views.export, name="run-export"),
    path(f"{RUN}compare/", views.compare, name="compare"),
    path(f"{RUN}share/", views.share, name="share"),
    path(f"{RUN}steps/<int:step_number>/", views.step, name="step"),
]
