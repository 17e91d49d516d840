"""System checks: a recorder that could not do what it promises says so before it must."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from chatdebug.conf import RecorderSettings, recorder_settings

UNSAFE = "Without a journal, captures are lost with a process whose database is down."


@checks.register("chatdebug")
def check_recorder(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check the setting ``CHATDEBUG`` and what it refers to."""
    try:
        config = recorder_settings()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="chatdebug.E001")]
    return [*_database(config), *_imports(config), *_spool(config)]


def _database(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    alias = config.DATABASE
    if alias not in settings.DATABASES:
        yield checks.Error(
            f"CHATDEBUG['DATABASE'] is {alias!r}, which DATABASES does not have.",
            hint="Add a second entry for the same database, without a pool.",
            id="chatdebug.E002",
        )
    elif alias == "default" or "pool" in settings.DATABASES[alias].get("OPTIONS", {}):
        yield checks.Warning(
            "The recorder takes its connection from a pool, or from the requests' alias.",
            hint="With an alias of its own, an exhausted pool cannot stop a capture.",
            id="chatdebug.W001",
        )


def _imports(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    for name in ("ACCESS_POLICY", "SECRETS"):
        path = getattr(config, name)
        try:
            import_string(path) if path else None
        except ImportError as error:
            yield checks.Error(f"CHATDEBUG[{name!r}]: {error}", id="chatdebug.E003")


def _spool(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    if config.SPOOL_DIR is None:
        yield checks.Warning(
            "CHATDEBUG['SPOOL_DIR'] is not set.",
            hint=UNSAFE,
            id="chatdebug.W002",
        )
    elif not _is_writable(config.SPOOL_DIR):
        # No error: a folder that is full or gone keeps no site from starting.
        yield checks.Warning(
            f"CHATDEBUG['SPOOL_DIR'] cannot be written: {config.SPOOL_DIR}",
            hint=UNSAFE,
            id="chatdebug.W003",
        )


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, or in one that it can be made in."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
