"""Readings of what other people wrote: each is noted with its reason, before it begins."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext

from chatdebug.access import User, owner_of
from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun, ContentReading
from chatdebug.models.readings import REASON_CHARACTERS
from chatdebug.payloads import clean
from chatdebug.redaction import redact_text

NAME_CHARACTERS = 200


def note_reading(
    *, reader: User, chat_id: str, reason: str, run: ChatRun | None = None
) -> ContentReading:
    """Note who is about to read which run of somebody else's chat, and why.

    Without a run it is all runs of the chat. Secrets are removed of the reason. Raises
    ValueError for a reason that says nothing, and django.db.Error; nothing is to be shown
    then.
    """
    return _note(
        reader,
        reason,
        owner_id=owner_of(chat_id, run),
        chat_id=chat_id,
        run_id="" if run is None else str(run.pk),
    )


def note_reading_of_owner(
    *, reader: User, owner_id: str, reason: str
) -> ContentReading:
    """Note who is about to read all that is recorded of somebody, and why.

    Raises like ``note_reading``.
    """
    return _note(reader, reason, owner_id=owner_id)


def tidy_reason(*, reason: str) -> str:
    """Return a reason as it is stored: one line without secrets; empty if it says nothing."""
    return redact_text(clean(" ".join(reason.split())))[:REASON_CHARACTERS]


def prune_readings(*, using: str) -> int:
    """Delete the readings that are kept no longer; return how many.

    Raises django.db.Error.
    """
    days = recorder_settings().READINGS_DAYS
    if not days:
        return 0
    before = timezone.now() - timedelta(days=days)
    return ContentReading.objects.using(using).filter(at__lt=before).delete()[0]


def _note(reader: User, reason: str, **what: str) -> ContentReading:
    said = tidy_reason(reason=reason)
    if not said:
        raise ValueError(gettext("Say why you need to read it."))
    return ContentReading.objects.create(
        reader_id=str(reader.pk),
        reader_name=str(reader)[:NAME_CHARACTERS],
        is_staff=bool(getattr(reader, "is_staff", False)),
        reason=said,
        **what,
    )
