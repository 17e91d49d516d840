"""System checks: a recorder that could not do what it promises says so before it must."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks, mail
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, router, transaction
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from chatdebug.access import made_policy
from chatdebug.alarms.channels import has_apprise
from chatdebug.conf import RecorderSettings, recorder_settings
from chatdebug.enums import AlarmChannel, Evidence
from chatdebug.models import AlarmTarget, ChatRun
from chatdebug.writer import Writer, writer
from chatdebug.writer.locks import can_lock_in

UNSAFE = "Without a spool, captures are lost with a process whose database is down."
A_SPOOL = "CHATDEBUG = {'SPOOL_DIR': BASE_DIR / 'var' / 'chatdebug'} names a folder."
BASE_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
STATUS_PAGE = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?")
ONE_ENTRY = (
    "DATABASES['chatdebug'] = chatdebug.databases.recorder_database("
    "DATABASES['default']) makes an entry that is right."
)


@checks.register("chatdebug")
def check_recorder(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check the setting ``CHATDEBUG`` and what it refers to."""
    try:
        config = recorder_settings()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="chatdebug.E001")]
    return [
        *_database(config),
        *_imports(config),
        *_spool(config),
        *_pages(config),
        *_base_url(config),
        *_consent(config),
        *_status_pages(config),
    ]


@checks.register(checks.Tags.database)
def check_alarms(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Check what targets of alarms need. Asked of a database, as with ``migrate``."""
    read = router.db_for_read(AlarmTarget)
    if read not in (databases or ()):
        return []
    by_apprise = AlarmTarget.objects.using(read).filter(
        enabled=True, channel=AlarmChannel.APPRISE
    )
    try:
        with transaction.atomic(using=read):  # a failed query would end the caller's
            needs_it = not has_apprise() and by_apprise.exists()
    except Error:  # before its first migration
        return []
    if not needs_it:
        return []
    return [
        checks.Warning(
            "A target of alarms is told by Apprise, which is not installed.",
            hint="Install the extra: chatdebug[apprise].",
            id="chatdebug.W009",
        )
    ]


@checks.register(checks.Tags.database)
def check_tests(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that tests of ``manage.py test`` keep what they record to themselves.

    Django asks this where it is about to use databases. In its tests, and nowhere else,
    mail goes to a list.
    """
    if not hasattr(mail, "outbox") or type(writer()) is not Writer:
        return []
    return [
        checks.Warning(
            "What is recorded in these tests goes to the project's own spool, and from "
            "there to its database.",
            hint="TEST_RUNNER = 'chatdebug.testing.Runner' keeps it in memory.",
            id="chatdebug.W008",
        )
    ]


def _database(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    alias = config.DATABASE
    if alias not in settings.DATABASES:
        yield checks.Error(
            f"CHATDEBUG['DATABASE'] is {alias!r}, which DATABASES does not have.",
            hint=ONE_ENTRY,
            id="chatdebug.E002",
        )
        return
    entry = settings.DATABASES[alias]
    if alias == "default" or "pool" in entry.get("OPTIONS", {}):
        yield checks.Warning(
            "The recorder takes its connection from a pool, or from the requests' alias.",
            hint=f"An exhausted pool or a broken transaction stops it. {ONE_ENTRY}",
            id="chatdebug.W001",
        )
    elif entry.get("ATOMIC_REQUESTS"):
        yield checks.Warning(
            f"DATABASES[{alias!r}] has ATOMIC_REQUESTS: each request opens a second "
            "transaction, and no asynchronous view works.",
            hint=ONE_ENTRY,
            id="chatdebug.W004",
        )
    yield from _place(alias)


def _place(alias: str) -> Iterator[checks.CheckMessage]:
    """Check that what is written is where it is looked for, by every process."""
    read = router.db_for_read(ChatRun)
    if _where(alias) != _where(read):
        yield checks.Warning(
            f"The recorder writes to the database of {alias!r}, and its pages read from "
            f"that of {read!r}: nobody will see what it records.",
            hint="Name the same database, or add 'chatdebug.databases.RecorderRouter' "
            "to DATABASE_ROUTERS.",
            id="chatdebug.W005",
        )
    elif _is_in_memory(alias):
        yield checks.Warning(
            f"DATABASES[{alias!r}] is in memory: each connection of each process has a "
            "database of its own.",
            hint="Name a file.",
            id="chatdebug.W005",
        )


def _where(alias: str) -> tuple[str, ...]:
    """Return what tells databases apart; other options do not."""
    entry = settings.DATABASES[alias]
    return tuple(
        str(entry.get(key) or "") for key in ("ENGINE", "NAME", "HOST", "PORT")
    )


def _is_in_memory(alias: str) -> bool:
    engine, name, *_ = _where(alias)
    return engine.endswith("sqlite3") and (
        name in ("", ":memory:") or "mode=memory" in name
    )


def _imports(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    makers: dict[str, Callable[[], object]] = {
        "ACCESS_POLICY": made_policy,
        "PLAYED_CALL": lambda: _function(config.PLAYED_CALL),
        "SECRETS": lambda: _function(config.SECRETS),
    }
    for name, make in makers.items():
        try:
            make()
        except Exception as error:  # noqa: BLE001 - what is imported may raise anything
            says = error if isinstance(error, ImportError) else repr(error)
            yield checks.Error(f"CHATDEBUG[{name!r}]: {says}", id="chatdebug.E003")


def _function(path: str) -> None:
    """Raise what keeps a function from being imported, and TypeError for anything else."""
    if path and not callable(import_string(path)):
        raise TypeError(f"{path} is no function")


def _spool(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    if config.SPOOL_DIR is None:
        yield checks.Warning(
            "CHATDEBUG['SPOOL_DIR'] is not set.",
            hint=f"{UNSAFE} {A_SPOOL}",
            id="chatdebug.W002",
        )
    elif not _is_writable(config.SPOOL_DIR):
        # No error: a folder that is full or gone keeps no site from starting.
        yield checks.Warning(
            f"CHATDEBUG['SPOOL_DIR'] cannot be written: {config.SPOOL_DIR}",
            hint=UNSAFE,
            id="chatdebug.W003",
        )
    elif not config.SPOOL_DIR.is_absolute():
        yield checks.Warning(
            f"CHATDEBUG['SPOOL_DIR'] is relative: {config.SPOOL_DIR}",
            hint="Processes that start in different folders would have one each, and none "
            "would find what another one left.",
            id="chatdebug.W003",
        )
    elif not can_lock_in(_nearest(config.SPOOL_DIR)):
        yield checks.Warning(
            f"Nothing can be locked in CHATDEBUG['SPOOL_DIR']: {config.SPOOL_DIR}",
            hint="What a lost process leaves there waits for a minute before another one "
            "imports it. A folder on a local disk, or a volume of one, knows locks.",
            id="chatdebug.W007",
        )


def _pages(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return  # a project of workers
    if not _has_addresses():
        yield checks.Warning(
            "The recorder's pages have no address: chatdebug.urls is not included.",
            hint="path('debug/', include('chatdebug.urls')) in the project's URLs gives "
            "each chat a Debug tab. The admin works without; a project that wants no "
            "tab names this check in SILENCED_SYSTEM_CHECKS.",
            id="chatdebug.W006",
        )
        return
    for name in {"chatdebug/panel.html", config.BASE_TEMPLATE}:
        try:
            get_template(name)
        except TemplateDoesNotExist:
            yield checks.Error(
                f"The template {name} cannot be found.",
                hint="The recorder's pages come with the package and extend "
                "CHATDEBUG['BASE_TEMPLATE']; TEMPLATES needs APP_DIRS to find them.",
                id="chatdebug.E004",
            )


def _base_url(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    if config.BASE_URL and not BASE_URL.fullmatch(config.BASE_URL):
        yield checks.Error(
            f"CHATDEBUG['BASE_URL'] is no address of a site: {config.BASE_URL!r}",
            hint="Such as https://chat.example.org, with the path before the site if "
            "there is one, and without ? and #.",
            id="chatdebug.E005",
        )


def _consent(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    if config.EVIDENCE_CONSENT and config.EVIDENCE != Evidence.FULL:
        yield checks.Warning(
            "CHATDEBUG['EVIDENCE_CONSENT'] asks nobody for anything.",
            hint="Owners agree to the evidence 'full'; CHATDEBUG['EVIDENCE'] is "
            f"{config.EVIDENCE!r}.",
            id="chatdebug.W010",
        )


def _status_pages(config: RecorderSettings) -> Iterator[checks.CheckMessage]:
    for provider, page in config.STATUS_PAGES.items():
        if not STATUS_PAGE.fullmatch(page):
            yield checks.Error(
                f"CHATDEBUG['STATUS_PAGES'][{provider!r}] is no address: {page!r}",
                hint="It begins with https:// or http://.",
                id="chatdebug.E006",
            )


def _has_addresses() -> bool:
    try:
        reverse("chatdebug:panel", args=["any"])
    except NoReverseMatch:
        return False
    return True


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, or in one that it can be made in."""
    there = _nearest(folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _nearest(folder: Path) -> Path:
    """Return the folder, or if there is none yet that in which it would be made."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    return folder
