"""How the recorder itself is, in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from chatdebug.conf import recorder_settings
from chatdebug.formats import local
from chatdebug.models import WriterState

WRITERS_READ = 500
"""The newest ones, also of processes that have ended."""
TROUBLE = timedelta(minutes=10)
"""For so long after an error a writer is not called well."""
LOSSES = ("dropped", "refused", "unsafe", "journal_failures")
"""Counters of what may be lost, or was shown before it was safe."""
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RecorderHealth:
    """The writers of all processes, as far as they have said."""

    alive: int
    well: int
    waiting: int
    waiting_since: datetime | None
    """Since when captures wait, for the longest; None if none do."""
    queued: int
    losses: Mapping[str, int]
    """By the counters of ``LOSSES``, of the writers of a week."""
    since: datetime | None
    """Since when losses are known; None without any writer."""

    @classmethod
    def read(cls, *, now: datetime | None = None) -> Self:
        """Read what the writers said last. One query. Raises django.db.Error."""
        now = now or timezone.now()
        newest = WriterState.objects.filter(seen_at__gt=now - A_WEEK)
        writers = list(newest.order_by("-seen_at", "id")[:WRITERS_READ])
        lease = timedelta(seconds=recorder_settings().STALE_SECONDS)
        alive = [one for one in writers if now - one.seen_at < lease]
        well = [
            one
            for one in alive
            if one.last_error_at is None or now - one.last_error_at > TROUBLE
        ]
        return cls(
            alive=len(alive),
            well=len(well),
            # Processes that share a folder all count the same files.
            waiting=max((one.spooled for one in alive), default=0),
            waiting_since=min(
                (one.spooled_since for one in alive if one.spooled_since), default=None
            ),
            queued=sum(one.queued for one in alive),
            losses={name: sum(one.counter(name) for one in writers) for name in LOSSES},
            since=min((one.started_at for one in writers), default=None),
        )

    @property
    def lost(self) -> int:
        """How many rows or captures were lost, or not safe in time."""
        return sum(self.losses.values())

    @property
    def is_well(self) -> bool:
        """Whether somebody writes, and there is nothing to look at."""
        is_troubled = self.well < self.alive or self.waiting or self.lost
        return self.alive > 0 and not is_troubled

    @property
    def sentence(self) -> str:
        """Such as: All 3 writers are well; 0 captures wait; nothing was dropped since …"""
        return "; ".join(filter(None, (self._writers, self._waiting, self._lost))) + "."

    @property
    def _writers(self) -> str:
        if not self.alive:
            return gettext("No process writes at the moment")
        if self.well < self.alive:
            words = ngettext(
                "%(well)s of %(alive)s writer is well",
                "%(well)s of %(alive)s writers are well",
                self.alive,
            )
        else:
            words = ngettext(
                "The only writer is well", "All %(alive)s writers are well", self.alive
            )
        return words % {"well": self.well, "alive": self.alive}

    @property
    def _waiting(self) -> str:
        if not self.alive:
            return ""
        waiting = ngettext("%s capture waits", "%s captures wait", self.waiting)
        return waiting % f"{self.waiting:,}"

    @property
    def _lost(self) -> str:
        if self.since is None:
            return ""
        since = date_format(local(self.since), "l")
        if not self.lost:
            return gettext("nothing was dropped since %s") % since
        lost = ngettext(
            "%(count)s row or capture was lost or not safe in time since %(day)s",
            "%(count)s rows or captures were lost or not safe in time since %(day)s",
            self.lost,
        )
        return lost % {"count": f"{self.lost:,}", "day": since}
