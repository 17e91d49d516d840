"""The operator's first page: what broke, is it them, how is the recorder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from chatdebug.conf import recorder_settings
from chatdebug.enums import GroupState
from chatdebug.formats import last_day
from chatdebug.models import ErrorGroup, RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.people import names_of
from chatdebug.presentation.groups import GroupLine
from chatdebug.presentation.recorder import RecorderHealth
from chatdebug.presentation.statistics import Numbers
from chatdebug.presentation.storage import Stored
from chatdebug.services.health import Health
from chatdebug.services.known_health import provider_health

NAMES_SHOWN = 5
GROUPS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class FullRecording:
    """Who is recorded in full now."""

    is_forced: bool
    is_gate_open: bool
    gate_until: str
    """The last day on which the gate is open; empty if it has no end."""
    people: Sequence[tuple[str, str]]
    """The names of those whose switch is on, with its last day, the newest first."""
    has_more: bool
    chats: int
    """Whose own switch is on; one more than ``NAMES_SHOWN`` stands for any number."""

    @classmethod
    def read(cls) -> "FullRecording":
        """Read the switches. A constant number of reads. Raises django.db.Error."""
        on = RecordingSwitch.objects.in_force().order_by("-updated_at", "-pk")
        people = on.filter(scope=Scope.OWNER).values_list("key", "until")
        newest = list(people[: NAMES_SHOWN + 1])
        names = names_of([key for key, _ in newest[:NAMES_SHOWN]])
        gate = on.filter(scope=Scope.DEPLOYMENT).first()
        chats = on.filter(scope=Scope.CHAT).values_list("pk", flat=True)
        return cls(
            is_forced=recorder_settings().FORCE_FULL,
            is_gate_open=gate is not None,
            gate_until=last_day(gate.until) if gate is not None else "",
            people=[
                (names.get(key, key), last_day(until))
                for key, until in newest[:NAMES_SHOWN]
            ],
            has_more=len(newest) > NAMES_SHOWN,
            chats=len(chats[: NAMES_SHOWN + 1]),
        )

    @property
    def sentence(self) -> str:
        """For whom the gate is open, and until when."""
        if self.is_forced:
            return gettext("Everybody, as long as the deployment's settings say so.")
        if not self.is_gate_open:
            return gettext("Nobody: the gate is closed.")
        if not self.people and not self.chats:
            return gettext("Nobody. The gate is open: people may switch it on.")
        if self.gate_until:
            return gettext("Until %s, when the gate closes:") % self.gate_until
        return gettext("Until they or an administrator switch it off:")

    @property
    def chats_sentence(self) -> str:
        """How many chats are recorded in full beside those of these people."""
        if not self.chats:
            return ""
        if self.chats > NAMES_SHOWN:
            return gettext("more than %s single chats") % NAMES_SHOWN
        return ngettext("%s single chat", "%s single chats", self.chats) % self.chats


@dataclass(frozen=True, slots=True)
class Overview:
    """All of the page, at the same cost however many runs there are."""

    is_weeks: bool
    until: datetime
    numbers: Numbers
    health: Health
    recorder: RecorderHealth
    stored: Stored
    recording: FullRecording
    groups: Sequence[GroupLine]
    is_counted: bool
    """Whether turns and calls are counted here."""

    @classmethod
    def read(cls, *, is_weeks: bool, with_groups: bool) -> "Overview":
        """Read the last 24 hours, or 14 days. Raises django.db.Error."""
        now = timezone.now()
        trouble = (GroupState.NEW, GroupState.REAPPEARED)
        seen = ErrorGroup.objects.not_merged()
        groups = seen.filter(state__in=trouble).order_by("-last_seen")
        return cls(
            is_weeks=is_weeks,
            until=now,
            numbers=Numbers.read(now=now, is_weeks=is_weeks),
            health=provider_health(),
            recorder=RecorderHealth.read(now=now),
            stored=Stored.read(),
            recording=FullRecording.read(),
            groups=[GroupLine(one) for one in groups[:GROUPS_SHOWN]]
            if with_groups
            else [],
            is_counted=recorder_settings().STATISTICS,
        )
