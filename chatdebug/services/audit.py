"""Notes that somebody read what other people wrote, or changed a setting."""

from chatdebug.access import User
from chatdebug.models import AuditEntry, ChatRun, ChatStep, Retention
from chatdebug.models.audit import Action

LIST = "A list of runs"


def note_reading(
    *, reader: User, address: str, row: ChatRun | ChatStep | None = None
) -> None:
    """Leave an entry: who read which run or step, where, and when.

    Without a row it was a list of runs. Raises django.db.Error; nothing is to be shown
    then.
    """
    AuditEntry.objects.create(
        person_id=str(reader.pk),
        person_name=str(reader)[:200],
        action=Action.READ,
        subject=LIST if row is None else str(row),
        object_id="" if row is None else str(row.pk),
        details=address,
    )


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
