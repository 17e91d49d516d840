"""Notes that somebody changed a setting, or erased what was recorded of a person."""

from chatdebug.access import User
from chatdebug.models import AuditEntry, ClassificationRule, Retention
from chatdebug.models.audit import Action


def note_change(*, by: User, row: Retention, old: str, new: str) -> None:
    """Leave an entry: who changed a setting, from what to what."""
    AuditEntry.objects.create(
        person_id=str(by.pk),
        person_name=str(by)[:200],
        action=Action.CHANGED,
        subject=f"{row._meta.verbose_name}".capitalize(),
        object_id=str(row.pk),
        details=f"Changed from {old} to {new}.",
    )


def note_erasure(*, by: User | None, owner: str, runs: int) -> None:
    """Leave an entry: who deleted all that was recorded of a person, by the person's id."""
    AuditEntry.objects.create(
        person_id="" if by is None else str(by.pk),
        person_name=str(by or "")[:200],
        action=Action.ERASED,
        subject="Runs of a person",
        object_id=owner,
        details=f"Runs: {runs}.",
    )


def note_rule_in_shadow(*, rule: ClassificationRule, using: str) -> None:
    """Leave an entry, in nobody's name: a rule has stopped deciding by itself."""
    AuditEntry.objects.using(using).create(
        action=Action.CHANGED,
        subject=f"{rule._meta.verbose_name}".capitalize(),
        object_id=str(rule.pk),
        details="Back to shadow: another cause fell under it.",
    )
