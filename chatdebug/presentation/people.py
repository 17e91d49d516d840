"""Who is recorded in full, by name, for administrators."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from django.db.models import Count
from django.utils import timezone

from chatdebug.access import is_impossible
from chatdebug.conf import recorder_settings
from chatdebug.enums import Evidence, Level
from chatdebug.evidence_limits import default_evidence, needs_consent
from chatdebug.formats import last_day, local
from chatdebug.levels import default_level
from chatdebug.models import ChatRun, RecordingSwitch
from chatdebug.models.switches import Scope
from chatdebug.people import Person, names_of, people_like
from chatdebug.services.retention import retention_days

type PersonWithRuns = tuple[Person, int]
"""Somebody, and how many runs are stored of them."""

SUGGESTED = timedelta(days=7)
"""What is not looked at within a week is looked at by nobody."""
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
    gate_until: str
    """The last day on which the gate is open; empty if it has no end."""
    found: list[tuple[Person, bool, str]]
    """Each with whether their switch is on, and its last day."""
    switched_on: list[tuple[Person, str]]
    """Whose switches are on, with their last days, the newest first; at most ``SHOWN``."""
    has_more: bool
    suggested: date
    """A last day for whoever is switched on now."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Find people by name. A constant number of reads. Raises django.db.Error."""
        found = people_like(text)
        switches = RecordingSwitch.objects.in_force()
        gate = switches.filter(scope=Scope.DEPLOYMENT).first()
        on = switches.filter(scope=Scope.OWNER)
        ends_of_found = dict(
            on.filter(key__in=[one.id for one in found]).values_list("key", "until")
        )
        newest = list(
            on.order_by("-updated_at", "-pk").values_list("key", "until")[: SHOWN + 1]
        )
        names = names_of([key for key, _ in newest[:SHOWN]])
        return cls(
            is_forced=recorder_settings().FORCE_FULL,
            is_gate_open=gate is not None or recorder_settings().FORCE_FULL,
            gate_until=last_day(gate.until) if gate is not None else "",
            keeps_nothing=default_level() is Level.OFF,
            evidence=default_evidence(),
            asks_owners=needs_consent(),
            days=retention_days(),
            found=[
                (one, one.id in ends_of_found, last_day(ends_of_found.get(one.id)))
                for one in found
            ],
            switched_on=[
                (Person(key, names.get(key, key)), last_day(until))
                for key, until in newest[:SHOWN]
            ],
            has_more=len(newest) > SHOWN,
            suggested=local(timezone.now()).date() + SUGGESTED,
        )


def people_with_runs(text: str) -> list[PersonWithRuns]:
    """Find people by name, and the one whose id it is.

    A constant number of reads. Raises django.db.Error.
    """
    found = people_like(text)
    text = text.strip()
    if text not in {one.id for one in found}:
        known = person_with_runs(text)
        found += [known[0]] if known is not None else []
    counts = _counts(one.id for one in found)
    return [(one, counts.get(one.id, 0)) for one in found]


def person_with_runs(owner_id: str) -> PersonWithRuns | None:
    """Return whose id that is, or was when runs were stored; None if it is nobody's.

    Raises django.db.Error.
    """
    if not owner_id or is_impossible(owner_id):
        return None
    name = names_of([owner_id]).get(owner_id, "")
    count = _counts([owner_id]).get(owner_id, 0)
    return (Person(owner_id, name or owner_id), count) if name or count else None


def _counts(owner_ids: Iterable[str]) -> dict[str, int]:
    runs = ChatRun.objects.filter(owner_id__in=[id for id in owner_ids if id])
    return dict(runs.order_by().values_list("owner_id").annotate(Count("pk")))
