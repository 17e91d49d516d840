"""The flight recorder as a Django app."""

from django.apps import AppConfig

from chatdebug.errors import set_deployment_rules_source


class ChatDebugConfig(AppConfig):
    """chatdebug: runs and steps of failing turns."""

    name = "chatdebug"
    verbose_name = "Chat debug"

    def ready(self) -> None:
        """Let the deployment's own rules decide before the built-in ones."""
        # Models can only be imported once the apps are loaded.
        from chatdebug import checks  # noqa: F401, PLC0415
        from chatdebug.services.rules import loaded_rules  # noqa: PLC0415

        set_deployment_rules_source(loaded_rules.current)
