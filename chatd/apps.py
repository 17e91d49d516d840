"""The chat as a Django app."""

from django.apps import AppConfig


class ChatdConfig(AppConfig):
    """chatd: chats with language models."""

    name = "chatd"
    verbose_name = "Chat"

    def ready(self) -> None:
        """Register the system checks."""
        from chatd import checks  # noqa: F401, PLC0415 - only once the apps are loaded
