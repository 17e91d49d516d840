"""The flight recorder as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from chatdebug.errors import set_deployment_rules_source


class ChatDebugConfig(AppConfig):
    """chatdebug: runs and steps of failing turns."""

    name = "chatdebug"
    verbose_name = _("Chat debug")
    # Of its migrations: else a project with another one would be told to add its own.
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the deployment's own rules decide before the built-in ones."""
        # Models can only be imported once the apps are loaded.
        from chatdebug import checks  # noqa: F401, PLC0415
        from chatdebug.deployment_rules import loaded_rules  # noqa: PLC0415
        from chatdebug.levels import default_level  # noqa: PLC0415
        from chatdebug.writer.lifespan import watch_for_lifespan  # noqa: PLC0415

        default_level()  # servers run no checks: what is nonsense is in the log at once
        set_deployment_rules_source(loaded_rules.current)
        watch_for_lifespan()
