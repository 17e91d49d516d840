"""Notes that somebody changed a setting."""

from chatdebug.access import User
from chatdebug.models import AuditEntry, Retention
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
