"""What falls under the deployment's own rules: counted by the recorder, kept here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.db import transaction
from django.db.models import F

from chatdebug.enums import RuleMode
from chatdebug.models import ClassificationRule, RuleCause, RuleTally
from chatdebug.models.rules import CAUSES_KNOWN
from chatdebug.services.audit import note_rule_in_shadow


@dataclass(slots=True, kw_only=True)
class SeenCause:
    """How often a cause was seen under a rule, and what the built-in rules call it."""

    title: str
    kind: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1

    def include(self, other: Self) -> None:
        """Add what was seen of the same cause at another time."""
        self.count += other.count
        self.first_seen = min(self.first_seen, other.first_seen)
        self.last_seen = max(self.last_seen, other.last_seen)


@dataclass(slots=True, kw_only=True)
class RuleCount:
    """What fell under one rule, and is not in the database yet."""

    last_seen: datetime
    count: int = 0
    disagreed: int = 0
    recovered: int = 0
    causes: dict[str, SeenCause] = field(default_factory=dict)
    """By fingerprint, at most ``CAUSES_KNOWN``."""

    def include(self, other: Self) -> None:
        """Add what fell under the same rule at another time."""
        self.last_seen = max(self.last_seen, other.last_seen)
        self.count += other.count
        self.disagreed += other.disagreed
        self.recovered += other.recovered
        for fingerprint, cause in other.causes.items():
            if known := self.causes.get(fingerprint):
                known.include(cause)
            elif len(self.causes) < CAUSES_KNOWN:
                self.causes[fingerprint] = cause


def add_rule_counts(*, counts: Mapping[int, RuleCount], using: str) -> None:
    """Add to the rules what fell under them, by their keys, all or nothing.

    A rule that is told to goes back to shadow for a cause that nobody has accepted. What
    is counted of a rule that was deleted is forgotten. Raises django.db.Error.
    """
    with transaction.atomic(using=using):
        rules = ClassificationRule.objects.using(using).select_for_update()
        for rule in rules.filter(pk__in=list(counts)).order_by("pk"):
            _add_numbers(rule, counts[rule.pk], using)
            if _add_causes(rule, counts[rule.pk].causes, using):
                _stop(rule, using)


def _add_numbers(rule: ClassificationRule, found: RuleCount, using: str) -> None:
    tallies = RuleTally.objects.using(using)
    numbers = {
        "count": found.count,
        "disagreed": found.disagreed,
        "recovered": found.recovered,
    }
    more = {name: F(name) + number for name, number in numbers.items()}
    if not tallies.filter(rule=rule).update(**more, last_seen=found.last_seen):
        tallies.create(rule=rule, **numbers, last_seen=found.last_seen)


def _add_causes(
    rule: ClassificationRule, found: Mapping[str, SeenCause], using: str
) -> bool:
    """Add causes; return whether one of them is new to a rule that has others.

    The first causes of a rule that decides are what it was made for.
    """
    if not found:
        return False
    causes = RuleCause.objects.using(using).filter(rule=rule)
    known = {cause.fingerprint: cause for cause in causes}
    seen_again = [known[one] for one in found if one in known]
    for cause in seen_again:
        cause.count = F("count") + found[cause.fingerprint].count
        cause.last_seen = found[cause.fingerprint].last_seen
    causes.bulk_update(seen_again, ["count", "last_seen"])
    is_first = rule.mode == RuleMode.ON and not known
    new = [
        RuleCause(
            rule=rule,
            fingerprint=fingerprint,
            title=seen.title,
            kind=seen.kind,
            is_accepted=is_first,
            count=seen.count,
            first_seen=seen.first_seen,
            last_seen=seen.last_seen,
        )
        for fingerprint, seen in found.items()
        if fingerprint not in known
    ]
    causes.bulk_create(new[: max(0, CAUSES_KNOWN - len(known))])
    return bool(new) and not is_first


def _stop(rule: ClassificationRule, using: str) -> None:
    """Put a rule back to shadow, if it decides and is told to."""
    if rule.mode == RuleMode.ON and rule.back_to_shadow:
        ClassificationRule.objects.using(using).filter(pk=rule.pk).update(
            mode=RuleMode.SHADOW
        )
        note_rule_in_shadow(rule=rule, using=using)
