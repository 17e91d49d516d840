"""The chat as a Django app."""

from django.apps import AppConfig


class ChatdConfig(AppConfig):
    """chatd: chats with language models."""

    name = "chatd"
    verbose_name = "Chat"

    def ready(self) -> None:
        """Register the system checks, and what chatdebug calls our providers."""
        # Only once the apps are loaded:
        from chatd import checks  # noqa: F401, PLC0415
        from chatd.llm.providers import PROVIDERS  # noqa: PLC0415
        from chatdebug.errors import add_provider  # noqa: PLC0415

        for provider in PROVIDERS.values():
            if provider.subject:
                add_provider(
                    provider.name, subject=provider.subject, mentions=provider.mentions
                )
