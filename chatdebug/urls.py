"""Addresses of the recorder's pages; to be included by the host project."""

from django.urls import path

from chatdebug import switch_views, views

CHAT = "chats/<str:chat_id>/"
RUN = f"{CHAT}runs/<uuid:run_id>/"

app_name = "chatdebug"

urlpatterns = [
    path("recording/", switch_views.opt_in, name="opt-in"),
    path(CHAT, views.panel, name="panel"),
    path(f"{CHAT}recording/", switch_views.switch, name="switch"),
    path(f"{CHAT}reading/", views.read, name="read"),
    path(RUN, views.run, name="run"),
    path(f"{RUN}reading/", views.read, name="run-read"),
    path(f"{CHAT}export/<slug:form>/", views.export, name="export"),
    path(f"{RUN}export/<slug:form>/", views.export, name="run-export"),
    path(f"{RUN}curl/", views.curl, name="curl"),
    path(f"{RUN}compare/", views.compare, name="compare"),
    path(f"{RUN}share/", views.share, name="share"),
    path(f"{RUN}steps/<int:step_number>/", views.step, name="step"),
]
