"""Addresses of the recorder's API; to be included where the host project's API is."""

from django.urls import path

from chatdebug.api import exports, views

CHAT = "chats/<str:chat_id>/debug/"
RUN = f"{CHAT}runs/<str:run_id>/"

urlpatterns = [
    path(f"{CHAT}runs/", views.RunList.as_view(), name="run-list"),
    path(f"{CHAT}runs/export/", exports.ChatExport.as_view(), name="run-list-export"),
    path(RUN, views.RunDetail.as_view(), name="run"),
    path(f"{RUN}export/", exports.RunExport.as_view(), name="run-export"),
    path(f"{RUN}receipt/", exports.RunReceipt.as_view(), name="run-receipt"),
    path(f"{CHAT}logging/", views.ChatSwitchView.as_view(), name="chat-logging"),
    path("providers/health/", views.HealthView.as_view(), name="provider-health"),
    path("config/debug-logging/", views.GateView.as_view(), name="debug-logging"),
    path(
        "config/debug-retention-days/",
        views.RetentionView.as_view(),
        name="debug-retention-days",
    ),
    path(
        "config/user-debug-logging/",
        views.OptInView.as_view(),
        name="user-debug-logging",
    ),
]
