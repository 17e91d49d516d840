"""The recorder's entry in ``DATABASES``, and a router for one that is kept elsewhere."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from chatdebug.conf import recorder_settings

CONNECT_SECONDS = 3
"""The writer tries again, and nobody waits longer for it."""


def recorder_database(default: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry for the recorder's alias, made from the one of the requests.

    In a settings module::

        DATABASES["chatdebug"] = recorder_database(DATABASES["default"])

    It names the same database, and leaves out what would let a request stop a capture, or
    the recorder cost each request a transaction: the pool and ``ATOMIC_REQUESTS``. In
    tests it is the requests' database, too.
    """
    options = {
        name: value
        for name, value in default.get("OPTIONS", {}).items()
        if name != "pool"
    }
    if str(default.get("ENGINE", "")).endswith(("postgresql", "postgis")):
        options.setdefault("connect_timeout", CONNECT_SECONDS)
    return {
        **default,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": options,
        "TEST": {"MIRROR": "default"},
    }


class RecorderRouter:
    """Keeps the recorder's tables in the database of its alias, and nothing else there.

    For deployments whose alias names another database than the requests' one::

        DATABASE_ROUTERS = ["chatdebug.databases.RecorderRouter"]

    Then ``migrate --database chatdebug`` makes the tables.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the recorder's alias for its own models; no opinion on others."""
        return recorder_settings().DATABASE if _is_ours(model._meta.app_label) else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return whether an app's tables belong there; no opinion on others elsewhere."""
        is_recorders = db == recorder_settings().DATABASE
        if _is_ours(app_label):
            return is_recorders
        return False if is_recorders else None


def _is_ours(app_label: str) -> bool:
    return app_label == "chatdebug"
