"""Who is recorded in full, by name, for administrators."""

from dataclasses import dataclass
from typing import Self

from chatdebug.conf import recorder_settings
from chatdebug.enums import Evidence, Level
from chatdebug.evidence_limits import default_evidence, needs_consent
from chatdebug.levels import decide_level, default_level
from chatdebug.models import RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.people import Person, names_of, people_like
from chatdebug.services.retention import retention_days

SHOWN = 50
"""Of those who are recorded in full: the list of switches has all."""


@dataclass(frozen=True, slots=True)
class SwitchesByName:
    """The gate, the people whom a search found, and those who are recorded in full."""

    is_forced: bool
    """Whether the deployment records everybody in full, whatever is switched."""
    is_gate_open: bool
    keeps_nothing: bool
    """Whether the deployment records nothing of whom nobody switched on."""
    evidence: Evidence
    """What else is kept of failures that are captured without a switch."""
    asks_owners: bool
    """Whether calls are kept in full only of owners who agreed."""
    days: int
    """How long runs are kept; 0: for ever."""
    found: list[tuple[Person, bool]]
    """Each with whether their switch is on."""
    switched_on: list[Person]
    """Whose switches are on, the newest first; at most ``SHOWN``."""
    has_more: bool

    @classmethod
    def of(cls, text: str) -> Self:
        """Find people by name. A constant number of reads. Raises django.db.Error."""
        found = people_like(text)
        on = RecordingSwitch.objects.filter(scope=Scope.OWNER, enabled=True)
        on_of_found = set(
            on.filter(key__in=[one.id for one in found]).values_list("key", flat=True)
        )
        newest = list(
            on.order_by("-updated_at", "-pk").values_list("key", flat=True)[: SHOWN + 1]
        )
        names = names_of(newest[:SHOWN])
        return cls(
            is_forced=recorder_settings().FORCE_FULL,
            is_gate_open=decide_level().gate_open,
            keeps_nothing=default_level() is Level.OFF,
            evidence=default_evidence(),
            asks_owners=needs_consent(),
            days=retention_days(),
            found=[(person, person.id in on_of_found) for person in found],
            switched_on=[Person(key, names.get(key, key)) for key in newest[:SHOWN]],
            has_more=len(newest) > SHOWN,
        )
