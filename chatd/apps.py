"""The chat as a Django app."""

from django.apps import AppConfig


class ChatdConfig(AppConfig):
    """chatd: chats with language models."""

    name = "chatd"
    verbose_name = "Chat"
