"""Decides how much is recorded of a chat, and whether its Debug tab is shown.

Everything that needs to know asks here, so that the recorder, the pages and the
configuration endpoints cannot disagree. What a turn asks never raises: ``level_of``, and
the levels that are known for some seconds, for runs that are not given one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import inf
from threading import Lock
from time import monotonic

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import router
from django.db.models import Q
from django.dispatch import receiver

from chatdebug.conf import recorder_settings
from chatdebug.deployment_rules import loaded_rules, read_rules
from chatdebug.enums import Evidence, Level
from chatdebug.evidence_limits import default_evidence, evidence_at, needs_consent
from chatdebug.logs import safe_logger
from chatdebug.models import ChatRun, RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.safety import QUERY_SECONDS, apart, in_event_loop

logger = safe_logger("chatdebug.levels")

KNOWN_SECONDS = 5.0
"""How long a run that is not given a level goes by what the switches said before."""
KNOWN_CHATS = 10_000
"""Of how many chats that is kept while the gate is open."""
ASK_SECONDS = 1.0
"""How long a run waits at its start for the switches, at most."""
WARNING_SECONDS = 60.0

type Key = tuple[str, str]
"""The ids of a chat and of its owner."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The level of a chat and the facts that led to it."""

    level: Level
    gate_open: bool
    owner_opted_in: bool
    chat_switched_on: bool
    owner_agreed: bool = False
    """Whether their failing calls may be kept in full, where that is asked of them."""
    until: datetime | None = None
    """When the full level ends by itself, if nothing is switched; None if it does not."""


def decide_level(*, chat_id: str = "", owner_id: str = "") -> Decision:
    """Return the level of a chat, with one indexed read at most.

    In order: the deployment forces full recording; else the gate is open and the owner
    opted in or this chat was switched on; else the deployment's default level.
    """
    config = recorder_settings()
    default = Level(config.DEFAULT_LEVEL)
    if config.FORCE_FULL:
        return Decision(
            Level.FULL, gate_open=True, owner_opted_in=True, chat_switched_on=True
        )
    wanted = Q(scope=Scope.DEPLOYMENT, key="")
    if owner_id:
        wanted |= Q(scope__in=(Scope.OWNER, Scope.CONSENT), key=owner_id)
    if chat_id:
        wanted |= Q(scope=Scope.CHAT, key=chat_id)
    switches = RecordingSwitch.objects.in_force().filter(wanted)
    ends = dict(switches.values_list("scope", "until"))
    gate, owner, chat = (
        scope in ends for scope in (Scope.DEPLOYMENT, Scope.OWNER, Scope.CHAT)
    )
    full = gate and (owner or chat)
    return Decision(
        Level.FULL if full else default,
        gate_open=gate,
        owner_opted_in=owner,
        chat_switched_on=chat,
        owner_agreed=Scope.CONSENT in ends,
        until=_end_of(ends) if full else None,
    )


def _end_of(ends: Mapping[str, datetime | None]) -> datetime | None:
    """Return when the gate ends, or all that is recorded in full for before that."""
    of_gate = ends[Scope.DEPLOYMENT]
    rest = [ends[scope] for scope in (Scope.OWNER, Scope.CHAT) if scope in ends]
    lasting = [end for end in rest if end is not None]
    of_rest = max(lasting) if len(lasting) == len(rest) else None
    return min(filter(None, (of_gate, of_rest)), default=None)


def level_of(*, chat_id: object, owner_id: object = "") -> Level:
    """Return how much is recorded of this chat from now on. Never raises.

    Asks the database. If that does not answer it is the deployment's default, with a
    warning. Inside an event loop, where it must not be asked, it is what is known.
    """
    key = _key(chat_id, owner_id)
    if in_event_loop():
        return level_at_once(*key)
    return _ask(key)


def known_level(chat_id: str, owner_id: str, given: Level | None) -> Level | None:
    """Return a run's level if that takes no query, else None.

    A level that is given counts, except in a deployment whose default is ``off``: there
    it takes a switch of the deployment's own to record anything.
    """
    default = default_level()
    if given is not None and (given is Level.OFF or default is not Level.OFF):
        return given
    if default is Level.FULL:
        return default
    return _known.level((chat_id, owner_id), default)


def level_at_once(chat_id: str, owner_id: str) -> Level:
    """Return a run's level without waiting for other threads.

    Inside an event loop it is what is known, or else the default; the database is then
    asked behind the back of this run, for the next one.
    """
    key, default = (chat_id, owner_id), default_level()
    if not in_event_loop():
        return _ask_once(key)
    level = _known.level(key, default)
    if level is None:
        level = _known.last(key, default)
        _known.keep(key, level)  # nobody else needs to ask
        with suppress(RuntimeError):  # the loop is about to end
            asyncio.get_running_loop().run_in_executor(None, _ask, key)
    return level


async def ask_level(chat_id: str, owner_id: str) -> Level:
    """Return a run's level from the database; the event loop goes on meanwhile."""
    key = (chat_id, owner_id)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await asyncio.to_thread(_ask_once, key)
    except Exception as error:  # noqa: BLE001 - nothing here may break a turn
        return _without_answer(key, error)


@contextmanager
def closed_gate() -> Iterator[None]:
    """Take the gate for closed inside the block, without a query: tests count theirs.

    The deployment's rules stay as they are.
    """
    _known.keep_closed_gate(inf)
    try:
        with loaded_rules.kept():
            yield
    finally:
        _known.forget()


def forget_levels() -> None:
    """Let this process ask the switches again: one was changed."""
    _known.forget()


@cache
def default_level() -> Level:
    """Return the deployment's level where no switch is on. Never raises.

    With settings that are nonsense, which ``manage.py check`` refuses, it is ``off``: a
    recorder ends no site. The log says so once in each process.
    """
    try:
        config = recorder_settings()
    except ImproperlyConfigured as error:
        logger.error("Nothing is recorded: %s", error)  # noqa: TRY400 - it says it all
        return Level.OFF
    if config.FORCE_FULL:
        return Level.FULL
    return Level.OFF if config.DEFAULT_LEVEL == Level.OFF else Level.ERRORS


def evidence_of_run(
    level: Level, chat_id: str, owner_id: str, at_most: Evidence
) -> Evidence:
    """Return what the captured failures of a run keep of their calls. Asks no database.

    Where its owner has to agree, it is known since the level of the chat was asked for;
    if it is not known, they have not.
    """
    if default_evidence() is Evidence.ERROR:  # nobody can narrow that
        return Evidence.ERROR
    if not needs_consent():
        return evidence_at(level, at_most)
    has_agreed = _known.has_agreed((chat_id, owner_id))
    return evidence_at(level, at_most, has_agreed=has_agreed)


@dataclass(frozen=True, slots=True)
class DebugTab:
    """What the page of a chat says of its recording."""

    is_shown: bool
    """Whether the chat has a Debug tab: it has runs, or it is recorded in full."""
    is_recorded_in_full: bool
    keeps_failures_in_full: bool = False
    """Whether the calls of failures that are captured are kept with what was said."""


def debug_tab(
    *,
    chat_id: object,
    owner_id: object = "",
    evidence: Evidence | str = Evidence.FULL,
) -> DebugTab:
    """Return what the page of a chat shows, with two indexed reads at most.

    ``evidence`` is what the host project lets runs of this chat keep at most. Raises
    ValueError for one that there is not.
    """
    key = _key(chat_id, owner_id)
    level = level_of(chat_id=chat_id, owner_id=owner_id)
    is_full = level is Level.FULL
    has_runs = is_full or ChatRun.objects.filter(chat_id=str(chat_id)).exists()
    return DebugTab(
        is_shown=has_runs,
        is_recorded_in_full=is_full,
        keeps_failures_in_full=evidence_of_run(level, *key, Evidence(evidence))
        is Evidence.FULL,
    )


class _KnownLevels:
    """What the switches said within the last seconds. Any thread may ask and keep.

    While the gate is closed one fact is true of all chats, so that one read serves them.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._gate_closed_until = 0.0
        self._levels: dict[Key, tuple[float, Level, bool]] = {}

    def level(self, key: Key, default: Level) -> Level | None:
        now = monotonic()
        if now < self._gate_closed_until:
            return default
        until, level, _ = self._levels.get(key, (0.0, default, False))
        return level if now < until else None

    def last(self, key: Key, default: Level) -> Level:
        return self._levels.get(key, (0.0, default, False))[1]

    def has_agreed(self, key: Key) -> bool:
        until, _, has_agreed = self._levels.get(key, (0.0, Level.OFF, False))
        return has_agreed and monotonic() < until

    def keep(self, key: Key, level: Level, *, has_agreed: bool = False) -> None:
        if len(self._levels) >= KNOWN_CHATS:
            self._levels = {}
        self._levels[key] = (monotonic() + KNOWN_SECONDS, level, has_agreed)

    def keep_closed_gate(self, seconds: float = KNOWN_SECONDS) -> None:
        self._levels = {}
        self._gate_closed_until = monotonic() + seconds


_known = _KnownLevels()
_asking = Lock()
"""Held while one thread asks for all that begin at the same time."""
_last_warning = 0.0


def _ask_once(key: Key) -> Level:
    """Ask the database, unless another thread has done so meanwhile. Never raises."""
    if not _asking.acquire(timeout=ASK_SECONDS):
        return default_level()
    try:
        return _known.level(key, default_level()) or _ask(key)
    finally:
        _asking.release()


def _ask(key: Key) -> Level:
    """Ask the database, and keep the answer for a while. Never raises.

    The deployment's own rules are read along, for the errors of the run.
    """
    read_rules()
    try:
        with apart(router.db_for_read(RecordingSwitch), at_most=QUERY_SECONDS):
            decision = decide_level(chat_id=key[0], owner_id=key[1])
    except Exception as error:  # noqa: BLE001 - nothing here may break a turn
        return _without_answer(key, error)
    if decision.gate_open or needs_consent():
        _known.keep(key, decision.level, has_agreed=decision.owner_agreed)
    else:
        _known.keep_closed_gate()
    return decision.level


def _without_answer(key: Key, error: Exception) -> Level:
    _warn(error)
    level = default_level()
    _known.keep(key, level)  # a database that is in trouble is not asked by every turn
    return level


def _warn(error: Exception) -> None:
    """Log at most once a minute: every turn may come by here."""
    global _last_warning
    now = monotonic()
    if now - _last_warning >= WARNING_SECONDS or not _last_warning:
        _last_warning = now
        logger.warning(
            "How much to record is not known (%s); the default counts",
            type(error).__name__,
            exc_info=error,
        )


def _key(chat_id: object, owner_id: object) -> Key:
    return ("" if chat_id is None else str(chat_id)), (
        "" if owner_id is None else str(owner_id)
    )


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "CHATDEBUG":
        default_level.cache_clear()
        _known.forget()
