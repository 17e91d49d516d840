"""Addresses of the API, under ``/api/v1/``."""

from django.urls import include, path

from chatd.api import tokens, views

app_name = "api"

TURN = "chats/<uuid:chat_id>/turns/<uuid:turn_id>/"

urlpatterns = [
    path("schema/", views.SchemaView.as_view(), name="schema"),
    path("token/", tokens.TokenView.as_view(), name="token"),
    path("tokens/", tokens.TokenList.as_view(), name="token-list"),
    path("models/", views.ModelList.as_view(), name="model-list"),
    path("chats/", views.ChatList.as_view(), name="chat-list"),
    path("chats/<uuid:chat_id>/", views.ChatDetail.as_view(), name="chat"),
    path(
        "chats/<uuid:chat_id>/messages/",
        views.MessageList.as_view(),
        name="message-list",
    ),
    path(TURN, views.TurnDetail.as_view(), name="turn"),
    path(f"{TURN}stop/", views.TurnStop.as_view(), name="turn-stop"),
    path("", include("chatdebug.api.urls")),
]
