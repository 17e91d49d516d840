"""Documents of another deployment, stored here to be looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext

from chatdebug.conf import recorder_settings
from chatdebug.enums import Level, Status
from chatdebug.exports.canonical import utc
from chatdebug.exports.reading import Document, UnreadableDocument, check_document
from chatdebug.exports.restored import Rows, UnreadableRun, restored
from chatdebug.models import ChatRun, ChatStep
from chatdebug.payloads import storable_id
from chatdebug.redaction import configured_secrets, redact_json, redact_text

BATCH_RUNS = 10
"""Runs in memory at a time: a step of each may hold some megabytes."""
PREFIX = "imported-"
"""Before the id of a chat: it must not become one of the chats of this deployment."""
RAN_ON = "It was exported while it was running."
COMPARED = (
    *("status", "error_kind", "fingerprint", "provider", "model", "similar_count"),
    *("started_at", "finished_at"),
)
"""What tells whether a run that is here is the same as in the document."""
PAYLOADS = ("normalized_request", "normalized_response", "usage", "attempts")


@dataclass(slots=True)
class Imported:
    """What became of the runs of a document."""

    stored: int = 0
    known: int = 0
    """Were here already, and were left as they are."""
    differing: int = 0
    """Those of them that the document has otherwise: from a later export, say."""


def import_document(
    document: Document,
    *,
    using: str,
    chat_id: str = "",
    owner_id: str = "",
    on_progress: Callable[[int], object] = lambda count: None,
) -> Imported:
    """Store the runs of a document with their own ids; all of them, or none.

    Their chat is ``chat_id``, else one that nobody has here, named after their own; their
    owner ``owner_id``, else nobody. A run whose id is here stays as it is, so that twice
    does no harm. Raises UnreadableDocument for a document that was changed, or a run that
    cannot be stored, and while it is not known what has to be removed: all of it would be
    replaced by notes, for good. ``on_progress`` is told how many runs are done.
    """
    if not configured_secrets.are_known():
        raise UnreadableDocument(
            f"This deployment's secrets are not known: {configured_secrets.failure()}"
        )
    # What this release's own redaction lets through is no fault of the document.
    findings = [each for each in check_document(document) if each.check != "canary"]
    if broken := [each.says for each in findings if not each.holds]:
        raise UnreadableDocument(" ".join(broken))
    imported = Imported()
    now = timezone.now()
    try:
        with transaction.atomic(using=using):
            for batch in batched(document.runs(), BATCH_RUNS, strict=False):
                rows = [_rows(run, chat_id=chat_id, owner_id=owner_id) for run in batch]
                _store(rows, imported, now=now, using=using)
                on_progress(imported.stored + imported.known)
    except (UnreadableRun, DatabaseError) as error:
        number = imported.stored + imported.known + 1
        says = str(error).partition("\n")[0]
        if isinstance(error, DatabaseError):
            says = f"{type(error).__name__}: {says}"
        words = gettext("Nothing was imported. From run %(number)s on: %(says)s")
        raise UnreadableDocument(words % {"number": number, "says": says}) from error
    return imported


def _rows(document: dict[str, Any], *, chat_id: str, owner_id: str) -> Rows:
    run, steps = restored(document)
    for name in ("chat_id", "root_chat_id", "parent_chat_id"):
        if own := getattr(run, name):
            setattr(run, name, storable_id(PREFIX + own.removeprefix(PREFIX)))
    run.chat_id = chat_id or run.chat_id or PREFIX.rstrip("-")
    run.owner_id = owner_id
    for step in steps:
        step.chat_id = run.chat_id
        _fit(step, run)
    _fit(run, run)
    return run, steps


def _fit(row: ChatRun | ChatStep, run: ChatRun) -> None:
    """Make a row of a run one of this deployment: redacted, finished, of the run's level."""
    if row.status == Status.IN_PROGRESS:
        row.status = Status.INTERRUPTED
        if isinstance(row, ChatRun):
            row.summary["note"] = RAN_ON
    row.finished_at = row.finished_at or row.updated_at
    if run.level != Level.FULL:
        _drop_content(row, run)
    for field in row._meta.concrete_fields:
        name = field.attname
        if isinstance(field, models.JSONField):
            setattr(row, name, redact_json(getattr(row, name)))
        elif isinstance(field, models.DateTimeField):
            setattr(row, name, _in_zone(getattr(row, name)))
        elif name in ("provider", "model"):
            setattr(row, name, redact_text(getattr(row, name))[: field.max_length])


def _drop_content(row: ChatRun | ChatStep, run: ChatRun) -> None:
    """Take away what a run of its level does not have, whatever its document says."""
    if isinstance(row, ChatRun):
        if not recorder_settings().KEEP_LABELS:
            row.summary.pop("first_message", None)
        return
    if run.has_payloads:
        return
    empty = ChatStep()
    for name in PAYLOADS:
        setattr(row, name, getattr(empty, name))


def _in_zone(moment: datetime) -> datetime:
    """Return a moment as this project's database has it."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def _store(rows: list[Rows], imported: Imported, *, now: datetime, using: str) -> None:
    ids = [run.pk for run, _ in rows]
    stored = ChatRun.objects.using(using).filter(pk__in=ids)
    known = {pk: told for pk, *told in stored.values_list("pk", *COMPARED)}
    imported.differing += sum(
        known[run.pk] != [getattr(run, name) for name in COMPARED]
        for run, _ in rows
        if run.pk in known
    )
    new = [(run, steps) for run, steps in rows if run.pk not in known]
    for run, steps in new:
        run.summary["imported_at"] = utc(now)
        # They are kept as long as what was recorded here today.
        run.updated_at = now
        for step in steps:
            step.updated_at = now
    _refuse_others_steps([step for _, steps in new for step in steps], using=using)
    ChatRun.objects.using(using).bulk_create([run for run, _ in new])
    ChatStep.objects.using(using).bulk_create(
        [step for _, steps in new for step in steps]
    )
    imported.stored += len(new)
    imported.known += len(known)


def _refuse_others_steps(steps: list[ChatStep], *, using: str) -> None:
    """Raise UnreadableRun if a step is here already, of another run."""
    here = ChatStep.objects.using(using).filter(pk__in=[step.pk for step in steps])
    if (found := here.values_list("pk", "run_id").first()) is not None:
        words = gettext("Its step %(step)s is here already, as one of the run %(run)s.")
        raise UnreadableRun(words % {"step": found[0], "run": found[1]})
