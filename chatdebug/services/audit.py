"""Notes that somebody read what other people wrote, or changed a setting."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from chatdebug.access import User
from chatdebug.models import ChatRun, ChatStep, Retention

LIST = "A list of runs"
READ_CONTENT = "Read the recorded content:"


def note_reading(
    *, reader: User, address: str, row: ChatRun | ChatStep | None = None
) -> None:
    """Leave an entry in the admin's log: who read which run or step, where, and when.

    Without a row it was a list of runs with their labels. Raises django.db.Error; nothing
    is to be shown then.
    """
    LogEntry.objects.create(
        user_id=str(reader.pk),
        content_type=ContentType.objects.get_for_model(row or ChatRun),
        object_id=None if row is None else str(row.pk),
        object_repr=LIST if row is None else str(row),
        action_flag=CHANGE,
        change_message=f"{READ_CONTENT} {address}",
    )


def note_change(*, by: User, row: Retention, old: str, new: str) -> None:
    """Leave an entry in the admin's log: who changed a setting, from what to what."""
    LogEntry.objects.create(
        user_id=str(by.pk),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=CHANGE,
        change_message=f"Changed from {old} to {new}.",
    )
