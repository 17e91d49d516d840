"""A deployment's own rules: what one would decide, and what it is allowed to decide."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import router, transaction

from chatdebug.enums import RuleMode
from chatdebug.errors import Rule
from chatdebug.errors.proposal import Condition, propose
from chatdebug.models import (
    ClassificationRule,
    ErrorGroup,
    RuleCause,
    RuleTally,
)
from chatdebug.models.rules import CAUSES_KNOWN
from chatdebug.services.stored_errors import (
    StoredError,
    errors_of_group,
    errors_of_other_groups,
    newest_errors,
)


@dataclass(frozen=True, slots=True)
class Preview:
    """Which of the stored errors that were looked at a rule holds for."""

    runs: tuple[UUID, ...]
    """Their keys, newest first: there may be hundreds, of which a page shows some."""
    groups: tuple[ErrorGroup, ...]
    known: int
    """How many of these errors the built-in rules know already."""
    looked_at: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """The smallest condition that tells a group from all others, if there is one."""

    condition: Condition | None
    errors: int
    """How many stored errors of the group it was made of."""
    preview: Preview | None
    """What it takes; None without a condition."""


def preview_rule(*, rule: Rule, reads_text: bool = False) -> Preview:
    """Return what a rule would have decided of the stored errors, newest first.

    Looked at are the newest errors, and one of each group that has none among them. A
    rule that reads their text is not tried on runs of the full level: those may quote
    what people said, and which of them hold a word is told for a reason alone.
    """
    return _preview(rule, _all_errors(), reads_text=reads_text)


def propose_rule(*, group: ErrorGroup) -> Proposal:
    """Return the condition that holds for all stored errors of a group and no others.

    Errors that a rule decides already are nobody's: that rule is tried before a new one.
    """
    fingerprints = group.fingerprints()
    own = errors_of_group(fingerprints=fingerprints)
    errors = list(_all_errors())
    deciding = _deciding_rules()
    # Those of an earlier release, which knew another fingerprint, are mine by this.
    mine = {error.own_fingerprint for error in own}.union(fingerprints)
    # What says the same has the same facts: each is tried once.
    others = {
        id(error.facts): error.facts
        for error in errors
        if error.group not in fingerprints or error.own_fingerprint not in mine
    }
    undecided = [
        facts
        for facts in others.values()
        if not any(rule.holds(facts) for rule in deciding)
    ]
    condition = propose([error.facts for error in own], undecided)
    if condition is None:
        return Proposal(None, len(own), None)
    preview = _preview(condition.as_rule(), errors, reads_text=bool(condition.text))
    return Proposal(condition, len(own), preview)


def set_rule_mode(*, rule: ClassificationRule, mode: RuleMode) -> bool:
    """Let a rule decide, watch or do nothing; return whether that is a change.

    What falls under it when it is switched on is accepted with that.
    """
    using = router.db_for_write(ClassificationRule)
    with transaction.atomic(using=using):
        rules = ClassificationRule.objects.using(using).filter(pk=rule.pk)
        is_changed = rules.exclude(mode=mode).update(mode=mode) == 1
        rule.mode = mode
        if mode == RuleMode.ON:
            RuleCause.objects.using(using).filter(rule=rule).update(is_accepted=True)
            accept_causes(rule=rule, groups=_groups_under(rule), using=using)
    return is_changed


def accept_causes(
    *, rule: ClassificationRule, groups: Iterable[ErrorGroup], using: str | None = None
) -> None:
    """Take these groups as what a rule is for: seen under it, they are no news.

    With all that was merged into them.
    """
    known = RuleCause.objects.using(using).filter(rule=rule)
    room = CAUSES_KNOWN - known.count()
    families = ErrorGroup.objects.families(group.pk for group in groups)
    causes = [
        RuleCause(
            rule=rule,
            fingerprint=group.fingerprint,
            title=group.title,
            kind=group.kind,
            is_accepted=True,
        )
        for group in families
    ]
    known.bulk_create(causes[: max(0, room)], ignore_conflicts=True)


def forget_rule_numbers(*, rule: ClassificationRule) -> None:
    """Begin to count anew: the rule says something else now."""
    RuleTally.objects.filter(rule=rule).delete()
    RuleCause.objects.filter(rule=rule).delete()


def _groups_under(rule: ClassificationRule) -> tuple[ErrorGroup, ...]:
    with suppress(ValueError):
        return preview_rule(rule=rule.as_rule(), reads_text=bool(rule.text)).groups
    return ()  # nobody can go by such a row


def _deciding_rules() -> list[Rule]:
    rules = []
    for row in ClassificationRule.objects.filter(mode=RuleMode.ON):
        with suppress(ValueError):  # nobody can go by such a row, which the log says
            rules.append(row.as_rule())
    return rules


def _all_errors() -> Iterable[StoredError]:
    newest = list(newest_errors())
    yield from newest
    yield from errors_of_other_groups(seen={error.group for error in newest})


def _preview(rule: Rule, errors: Iterable[StoredError], *, reads_text: bool) -> Preview:
    keys: dict[UUID, None] = {}
    fingerprints: dict[str, None] = {}
    known = looked_at = 0
    for error in errors:
        if reads_text and error.is_full:
            continue
        looked_at += 1
        if rule.holds(error.facts):
            keys.setdefault(error.run.id)
            known += not error.group
            fingerprints.setdefault(error.group)
    groups = ErrorGroup.objects.counting(fingerprints)
    return Preview(tuple(keys), tuple(groups), known, looked_at)
