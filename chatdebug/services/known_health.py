"""Is it them? Asked by all that shows a failure, so that the answer is kept for a while.

It is kept in the memory of each process: however many people look at failures, a process
asks the database at most every ``KNOWN_SECONDS``.
"""

import logging
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import TypedDict

from django.db import router

from chatdebug.errors.sentences import Owner
from chatdebug.models import CallMinute
from chatdebug.safety import apart
from chatdebug.services.health import Health, read_health

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 5.0
NOT_THEIRS = (Owner.SETTINGS, Owner.REQUEST, Owner.SITE)
"""Whose failures have nothing to do with how a provider is."""


class Them(TypedDict):
    """What is said of a provider beside a failure."""

    sentence: str
    status_page: str
    """Its address; empty where none is known."""


def provider_health() -> Health:
    """Return how the providers do. Kept for a few seconds; two queries at most.

    Raises django.db.Error.
    """
    known = _known.health
    if known is None or not _known.is_fresh:
        known = read_health()
        _known.keep(known)
    return known


def is_it_them(
    *, provider: str, failed_at: datetime | None, owner: str = ""
) -> Them | None:
    """Return what is wrong with a provider since before a failure; None if nothing is.

    ``owner`` is whose the failure is, as far as that is known. Never raises, and nobody
    waits for somebody else's question: of a process one thread asks at a time, with two
    queries, and the others get what was known before.
    """
    if failed_at is None or owner in NOT_THEIRS:
        return None
    health = _known.ask()
    failing = health.of(provider) if health is not None else None
    if health is None or failing is None or failing.failing_since is None:
        return None
    if failing.failing_since > failed_at:
        return None
    sentence = health.sentence_of(failing)
    return Them(sentence=sentence, status_page=failing.status_page)


def forget_health() -> None:
    """Let this process ask the database again."""
    _known.forget()


class _KnownHealth:
    """What was read within the last seconds. Any thread may ask."""

    def __init__(self) -> None:
        self._asking = Lock()
        self.forget()

    def forget(self) -> None:
        self.health: Health | None = None
        self._until = 0.0

    @property
    def is_fresh(self) -> bool:
        return monotonic() < self._until

    def keep(self, health: Health | None) -> None:
        self.health, self._until = health, monotonic() + KNOWN_SECONDS

    def ask(self) -> Health | None:
        if self.is_fresh or not self._asking.acquire(blocking=False):
            return self.health
        try:
            with apart(router.db_for_read(CallMinute)):
                self.keep(read_health())
        except Exception as error:
            self.keep(None)  # a database in trouble is not asked by everybody
            logger.warning("How the providers do is not known", exc_info=error)
        finally:
            self._asking.release()
        return self.health


_known = _KnownHealth()
