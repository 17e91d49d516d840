"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from chatd.views import account, chats, site, streams, turns

TURN = "chats/<uuid:chat_id>/turns/<uuid:turn_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="chat-list")),
    path("accounts/login/", site.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/password/", account.ChangePassword.as_view(), name="password"),
    path("account/tokens/revoke/", account.tokens_revoke, name="tokens-revoke"),
    path("chats/", chats.chat_list, name="chat-list"),
    path("chats/<uuid:chat_id>/", chats.chat_detail, name="chat"),
    path("chats/<uuid:chat_id>/rename/", chats.chat_rename, name="chat-rename"),
    path("chats/<uuid:chat_id>/delete/", chats.chat_delete, name="chat-delete"),
    path("chats/<uuid:chat_id>/messages/", turns.message_send, name="message-send"),
    path(TURN, turns.turn_detail, name="turn"),
    path(f"{TURN}stream/", streams.turn_stream, name="turn-stream"),
    path(f"{TURN}stop/", turns.turn_stop, name="turn-stop"),
    path("debug/", include("chatdebug.urls")),
    path("api/v1/", include("chatd.api.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", site.favicon),
    path("healthz", site.healthz, name="healthz"),
]
