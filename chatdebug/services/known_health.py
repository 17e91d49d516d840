"""Is it them? Asked by all that shows a failure, so that the answer is kept for a while.

It is kept in the memory of each process: however many people look at failures, a process
asks the database at most every ``KNOWN_SECONDS``.
"""

from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import Literal, TypedDict

from django.db import router
from django.utils import timezone
from django.utils.translation import gettext

from chatdebug.errors.sentences import Cause, Owner
from chatdebug.logs import safe_logger
from chatdebug.models import CallMinute
from chatdebug.safety import QUERY_SECONDS, apart
from chatdebug.services.health import (
    WINDOW,
    Health,
    ModelHealth,
    ProviderHealth,
    read_health,
)

logger = safe_logger(__name__)

KNOWN_SECONDS = 5.0
NOT_THEIRS = (Owner.SETTINGS, Owner.REQUEST, Owner.SITE)
"""Whose failures have nothing to do with how a provider is."""
NO_OUTAGE = (Cause.ANSWER_BLOCKED,)
"""Failures of a provider that works as it should."""


class Them(TypedDict):
    """What is said of a provider beside a failure of one of its models."""

    sentence: str
    status_page: str
    """Its address; empty where none is known, or the provider does not fail as a whole."""
    who_may_answer: Literal["other_models", "other_providers", "nobody"]
    """Instead of the model that failed, as far as is known."""


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
    *,
    provider: str,
    failed_at: datetime | None,
    model: str = "",
    owner: str = "",
    cause: str = "",
) -> Them | None:
    """Return whether a failure is its model's alone, or its provider's; None if unknown.

    By the calls of the last ``WINDOW``, if the provider fails since before ``failed_at``;
    no other model is named. ``owner`` and ``cause`` are whose the failure is and what
    happened, as far as that is known. Never raises, and nobody waits for somebody else's
    question: of a process one thread asks at a time, with two queries, and the others get
    what was known before.
    """
    if failed_at is None or owner in NOT_THEIRS or cause in NO_OUTAGE:
        return None
    health = _known.ask()
    if health is None:
        return None
    theirs = next((one for one in health.providers if one.provider == provider), None)
    if theirs is None:
        return None
    fails = theirs.failing_since is not None and theirs.failing_since <= failed_at
    if fails and health.are_all_down:
        return _everybody(health, theirs)
    others = [one for one in theirs.models if one.name != model]
    if any(one.fails for one in others):
        return _provider(theirs, others, model) if fails else None
    is_recent = failed_at > timezone.now() - WINDOW
    return _model_alone(theirs, others) if is_recent else None


def _everybody(health: Health, theirs: ProviderHealth) -> Them:
    words = gettext(
        "All %(count)s providers that were used since %(time)s have been failing: most "
        "likely it is this site's own network."
    )
    names = {"count": len(health.providers), "time": _clock(timezone.now() - WINDOW)}
    return Them(
        sentence=words % names,
        status_page=theirs.status_page,
        who_may_answer="nobody",
    )


def _provider(
    theirs: ProviderHealth, others: list[ModelHealth], model: str
) -> Them | None:
    """Return that most models fail, the one of the failure among them; else None."""
    failing = sum(one.fails for one in others) + _fails(theirs, model)
    used = len(others) + 1
    if failing * 2 <= used:
        return None
    words = gettext(
        "Not only this model: %(count)s of the %(used)s models of %(provider)s that were "
        "used since %(time)s have been failing."
    )
    names = {
        "count": failing,
        "used": used,
        "provider": theirs.name,
        "time": _clock(timezone.now() - WINDOW),
    }
    return Them(
        sentence=words % names,
        status_page=theirs.status_page,
        who_may_answer="other_providers",
    )


def _model_alone(theirs: ProviderHealth, others: list[ModelHealth]) -> Them | None:
    """Return that other models answer, if most calls of one of them went well."""
    if not any(one.is_known and not one.fails for one in others):
        return None
    words = gettext("Other models of %(provider)s have answered since %(time)s.")
    names = {"provider": theirs.name, "time": _clock(timezone.now() - WINDOW)}
    return Them(sentence=words % names, status_page="", who_may_answer="other_models")


def _fails(theirs: ProviderHealth, model: str) -> bool:
    """Return whether the model that failed just now fails, with that failure counted.

    Its own may not be in the database yet: then it counts for itself.
    """
    own = next((one for one in theirs.models if one.name == model), None)
    return own is None or (own.failed + 1) * 2 >= own.calls + 1


def _clock(moment: datetime) -> str:
    """Return a time of day: what is said is kept, and read in any zone."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


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
            with apart(router.db_for_read(CallMinute), at_most=QUERY_SECONDS):
                self.keep(read_health())
        except Exception as error:
            self.keep(None)  # a database in trouble is not asked by everybody
            logger.warning("How the providers do is not known", exc_info=error)
        finally:
            self._asking.release()
        return self.health


_known = _KnownHealth()
