"""The recorder's settings: one dict ``CHATDEBUG``, checked as a whole, read as one object.

An unknown key or a value of the wrong type raises ImproperlyConfigured, so that a typo is
an error at start and not a default in production.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from chatdebug.enums import Evidence, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """What a deployment may set. ``BOUNDS`` says within which numbers."""

    DEFAULT_LEVEL: str = Level.ERRORS
    """``errors``, or ``off`` for a deployment that must store nothing."""
    FORCE_FULL: bool = False
    """Record every chat in full, whatever the gate and its owner say."""
    EVIDENCE: str = Evidence.ERROR
    """What a captured failure keeps of its call at the errors level: ``error`` (nothing),
    ``shape`` (the request's structure and lengths) or ``full``."""
    EVIDENCE_CONSENT: bool = False
    """Keep the evidence ``full`` only of chats whose owner has agreed to it; of others the
    shape."""
    EVIDENCE_BYTES: int = 134_217_728
    """How much of requests and responses a process holds at most while calls run, for the
    evidence ``full``. The oldest are let go first."""
    KEEP_LABELS: bool = False
    """Keep ``record_run``'s label, a user's first words, of runs at the errors level too."""
    DATABASE: str = "chatdebug"
    """Alias of ``DATABASES`` that the writer uses, never the request's."""
    SPOOL_DIR: Path | None = None
    """Folder of the journal of error captures; None switches the journal off."""
    ACCESS_POLICY: str = "chatdebug.access.StaffOnly"
    """Dotted path of a ``chatdebug.access.AccessPolicy``: who may read which chat."""
    BASE_TEMPLATE: str = "chatdebug/base.html"
    """Name of the template that the Debug tab's pages extend; its blocks are ``title`` and
    ``content``."""
    SECRETS: str = ""
    """Dotted path of a function without arguments that returns this deployment's secrets
    as an iterable of strings, to be removed from everything that is written. Until it has
    told them, no text is."""
    EXTRA_SECRETS: tuple[str, ...] = ()
    """More secrets, literally."""
    FLUSH_SECONDS: float = 5.0
    """How long the end of a run waits for the writer at most."""
    STALE_SECONDS: float = 300.0
    """A run without heartbeat for this long has lost its process."""
    STORM_FIRST: int = 20
    """Of the same failure, how many runs are stored before most are only counted."""
    STORM_SECONDS: float = 3600.0
    """After this long a failure counts as a new one."""
    STORM_RUNS: int = 2_000
    """How many runs with captured failures a process stores in ``STORM_SECONDS`` at most,
    whatever failed. Repeats take no more than half of them; the last one counts all for
    which there was no room."""
    SPOOL_FILES: int = 10_000
    """How many captures wait in the spool at most; the first ones are kept."""
    QUEUE_ROWS: int = 10_000
    """How many row snapshots wait for the database at most."""
    READINGS_DAYS: int = 365
    """How long it is kept who read what of other people's chats; 0: for ever. Longer than
    runs, so that their owners learn of it when they next look."""
    PLAYED_CALL: str = ""
    """Dotted path of a function that makes a call of a model as the project makes it, from
    a ``chatdebug.testing.PlayedCall``. Failures are played through it; without it, through
    the library that made the call."""
    RELEASE: str = ""
    """The release of the project that runs, such as a version or a commit. Groups of
    failures say in which one they were seen first and last."""
    GROUPS_DAYS: int = 90
    """How long a group of failures is kept after it was last seen; 0: for ever."""
    BASE_URL: str = ""
    """Address of the site, with the path before it if there is one. Alarms have links that
    begin with it; without it they have paths."""
    STATUS_PAGES: dict[str, str] = field(default_factory=dict)
    """Addresses of status pages by the names of providers, beside those that are known."""
    STATISTICS: bool = True
    """Count all turns and calls by the hour, those that go well too: without it there is
    no overview, and nobody knows whether a provider is down."""


BOUNDS: dict[str, tuple[float, float]] = {
    # A turn's end waits: longer than a minute, and people think that it hangs.
    "FLUSH_SECONDS": (0.01, 60.0),
    # Half of it is the heartbeat. A day: later, nobody believes in what is in progress.
    "STALE_SECONDS": (1.0, 86_400.0),
    "STORM_FIRST": (1, 1_000_000),
    # From a second, that one burst is one storm, to a week, as long as runs are kept.
    "STORM_SECONDS": (1.0, 604_800.0),
    # Room for a few kinds of failures, up to what a table can bear in an hour.
    "STORM_RUNS": (10, 1_000_000),
    # In one folder, and in memory.
    "SPOOL_FILES": (1, 1_000_000),
    "QUEUE_ROWS": (1, 1_000_000),
    # From one call to what only a large machine has.
    "EVIDENCE_BYTES": (131_072, 68_719_476_736),
    # Ten years, as for runs. Whoever wants more wants no limit, which is 0.
    "READINGS_DAYS": (0, 3_650),
    "GROUPS_DAYS": (0, 3_650),
}
"""The least and the most of each number; beyond them it makes no sense."""


@cache
def recorder_settings() -> RecorderSettings:
    """Return the checked settings. Raises ImproperlyConfigured for nonsense."""
    given: dict[str, Any] = getattr(settings, "CHATDEBUG", {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(
            f"CHATDEBUG has the wrong type: it is a dict, not {type(given).__name__}."
        )
    known = {one.name for one in fields(RecorderSettings)}
    if unknown := sorted(map(str, given.keys() - known)):
        raise ImproperlyConfigured(
            f"Unknown keys in CHATDEBUG: {', '.join(unknown)}. "
            f"There are: {', '.join(sorted(known))}."
        )
    for name, kind in get_type_hints(RecorderSettings).items():
        if name in given and not _is_a(given[name], kind):
            raise ImproperlyConfigured(
                f"CHATDEBUG[{name!r}] has the wrong type: {_difference(given[name], kind)}."
            )
    for name, (least, most) in BOUNDS.items():
        # Written so that NaN, which is neither less nor more, is refused.
        if name in given and not least <= given[name] <= most:
            raise ImproperlyConfigured(
                f"CHATDEBUG[{name!r}] is a number from {least:,} to {most:,}."
            )
    if given.get("DEFAULT_LEVEL", Level.ERRORS) not in (Level.ERRORS, Level.OFF):
        raise ImproperlyConfigured("CHATDEBUG['DEFAULT_LEVEL'] is 'errors' or 'off'.")
    if given.get("EVIDENCE", Evidence.ERROR) not in Evidence.values:
        raise ImproperlyConfigured(
            "CHATDEBUG['EVIDENCE'] is 'error', 'shape' or 'full'."
        )
    return RecorderSettings(**given)


def _difference(value: object, kind: Any) -> str:
    """Return what a value is and what it should be; never the value, which may be secret."""
    if kind == tuple[str, ...] and isinstance(value, tuple):
        return next(
            f"its item {position} is to be str, not {type(item).__name__}"
            for position, item in enumerate(value)
            if not isinstance(item, str)
        )
    if kind == dict[str, str] and isinstance(value, dict):
        return next(
            f"its {part} {position} is to be str, not {type(item).__name__}"
            for position, pair in enumerate(value.items())
            for part, item in zip(("key", "value"), pair, strict=True)
            if not isinstance(item, str)
        )
    return f"it takes {_named(kind)}, not {type(value).__name__}"


def _named(kind: Any) -> str:
    """Return the name of a type, or of those that a union has."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return " or ".join(one.__name__ for one in kinds)


def _is_a(value: object, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if kind == dict[str, str]:
        return isinstance(value, dict) and all(
            isinstance(item, str) for pair in value.items() for item in pair
        )
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "CHATDEBUG":
        recorder_settings.cache_clear()
