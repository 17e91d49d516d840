"""The flight recorder as a Django app."""

from django.apps import AppConfig


class ChatDebugConfig(AppConfig):
    """chatdebug: runs and steps of failing turns."""

    name = "chatdebug"
    verbose_name = "Chat debug"
