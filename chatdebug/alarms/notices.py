"""Notices: made once for each cause and quiet time, sent until a target took them.

A mark for each thing that a target was told of makes it once, whoever looks how often. What
comes in a quiet time has no mark, so that the first message after it tells of it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation

from chatdebug.alarms.causes import CAUSES
from chatdebug.alarms.channels import reason_of, send
from chatdebug.alarms.messages import Alarm, Document, document_of, test_document
from chatdebug.alarms.window import Window
from chatdebug.enums import AlarmCause, NoticeState
from chatdebug.logs import safe_logger
from chatdebug.models import AlarmMark, AlarmNotice, AlarmTarget
from chatdebug.models.alarms import ERROR_CHARACTERS
from chatdebug.models.runs import new_id

logger = safe_logger("chatdebug.alarms")

LOOKBACK = timedelta(days=1)
"""What happened longer ago is no news, if nobody was there to tell of it."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 8
"""With pauses that double, some three hours."""
LEASE = timedelta(minutes=5)
"""How long a process has for sending a notice; then it is taken for lost."""
TOO_OLD = timedelta(days=1)
"""A message that late, of a target that was switched off or deleted, helps nobody."""
KEPT = timedelta(days=30)


def make_notices(*, using: str) -> int:
    """Make a notice of what each target was not told of yet; return how many.

    A cause that cannot be looked for keeps no other from being told. Raises
    django.db.Error where the targets cannot be read.
    """
    targets = list(AlarmTarget.objects.using(using).filter(enabled=True))
    window = Window(timezone.now() - LOOKBACK, timezone.now(), using)
    made = 0
    for cause in AlarmCause:
        curious = [target for target in targets if cause in target.known_causes]
        if not curious:
            continue
        try:
            # No request says in which language: the deployment's own.
            with translation.override(settings.LANGUAGE_CODE):
                alarms = list(CAUSES[cause](window))
                made += sum(_tell(each, cause, alarms, window) for each in curious)
        except Exception as error:
            logger.warning("Alarms could not be looked for: %s", cause, exc_info=error)
    return made


def due_targets(*, using: str) -> list[int]:
    """Return the keys of targets for which a notice is due. Raises django.db.Error."""
    due = _due(using).filter(target__enabled=True).order_by()
    return list(due.values_list("target_id", flat=True).distinct())


def deliver_due(target_id: int, *, using: str) -> None:
    """Send what is due to a target, the oldest first, until it fails.

    Raises django.db.Error.
    """
    target = AlarmTarget.objects.using(using).filter(pk=target_id, enabled=True).first()
    if target is None:
        return
    for notice in _due(using).filter(target=target).order_by("made_at", "id"):
        if not _claim(notice, using):
            continue
        # No transaction is open and no row is locked while a target is waited for.
        failure = _try_to_send(notice.document, target)
        done = _after_failure(notice.tries) if failure else _after_success()
        AlarmNotice.objects.using(using).filter(pk=notice.pk).update(
            error=failure, **done
        )
        if failure:
            return


def send_test(*, target: AlarmTarget, using: str) -> AlarmNotice:
    """Send a test to a target, whether it is enabled or not; return how that went.

    It is tried once. Raises django.db.Error.
    """
    document = test_document(target.name, id=new_id())
    # Before anything is written: a request may be one transaction, for which all who write
    # wait on SQLite.
    failure = _try_to_send(document, target)
    done = _after_failure(MOST_TRIES) if failure else _after_success()
    notice = _new_notice(target, "", document, tries=1, error=failure, **done)
    notice.save(using=using, force_insert=True)
    return notice


def prune_notices(*, using: str) -> None:
    """Give up what is too old to be sent, and delete what is logged for long.

    Raises django.db.Error.
    """
    now = timezone.now()
    notices = AlarmNotice.objects.using(using)
    late = notices.filter(state=NoticeState.WAITING, made_at__lt=now - TOO_OLD)
    late.update(state=NoticeState.FAILED, next_try_at=None)
    notices.filter(made_at__lt=now - KEPT).delete()
    AlarmMark.objects.using(using).filter(at__lt=now - KEPT).delete()


def _tell(
    target: AlarmTarget, cause: AlarmCause, alarms: Sequence[Alarm], window: Window
) -> bool:
    """Make a notice of the alarms that are news to a target; return whether there is one."""
    news = _unknown(target, cause, alarms, window)
    if not news or _is_quiet(target, cause, window):
        return False
    id = new_id()
    marks = [AlarmMark(target=target, cause=cause, key=alarm.key) for alarm in news]
    notice = _new_notice(target, cause, document_of(cause, news, id=id))
    try:
        with transaction.atomic(using=window.using):
            AlarmMark.objects.using(window.using).bulk_create(marks)
            notice.save(using=window.using, force_insert=True)
    except IntegrityError:  # another process tells, or the target was deleted
        return False
    return True


def _unknown(
    target: AlarmTarget, cause: AlarmCause, alarms: Sequence[Alarm], window: Window
) -> list[Alarm]:
    """Return the alarms that a target has not been told of, each key once."""
    fresh = {alarm.key: alarm for alarm in alarms if alarm.at >= target.since}
    marks = AlarmMark.objects.using(window.using).filter(
        target=target, cause=cause, key__in=fresh.keys()
    )
    known = set(marks.values_list("key", flat=True))
    # What lasts for longer than marks are kept is not told again for that.
    marks.filter(at__lt=window.until - KEPT / 2).update(at=window.until)
    return [alarm for key, alarm in fresh.items() if key not in known]


def _is_quiet(target: AlarmTarget, cause: AlarmCause, window: Window) -> bool:
    since = window.until - timedelta(minutes=target.quiet_minutes)
    notices = AlarmNotice.objects.using(window.using)
    return notices.filter(target=target, cause=cause, made_at__gt=since).exists()


def _new_notice(
    target: AlarmTarget, cause: AlarmCause | str, document: Document, **columns: Any
) -> AlarmNotice:
    """Return a notice that is due now, unless ``columns`` say something else."""
    return AlarmNotice(
        id=document["id"],
        target=target,
        target_name=target.name,
        cause=cause,
        subject=document["subject"],
        document=document,
        **{"next_try_at": timezone.now(), **columns},
    )


def _due(using: str) -> "QuerySet[AlarmNotice]":
    notices = AlarmNotice.objects.using(using)
    return notices.filter(state=NoticeState.WAITING, next_try_at__lte=timezone.now())


def _claim(notice: AlarmNotice, using: str) -> bool:
    """Return whether this process sends a notice: one UPDATE, so that no other one does."""
    mine = _due(using).filter(pk=notice.pk)
    notice.tries += 1
    return bool(mine.update(next_try_at=timezone.now() + LEASE, tries=F("tries") + 1))


def _try_to_send(document: Document, target: AlarmTarget) -> str:
    """Send a message; return why it failed, or nothing."""
    try:
        send(target, document)
    except Exception as error:  # noqa: BLE001 - whatever a channel comes to
        reason = reason_of(error)[:ERROR_CHARACTERS]
        # Not the exception: its text and its frames may hold an address, or a key.
        logger.warning("Alarm target %s was not told: %s", target.pk, reason)
        return reason
    return ""


def _after_success() -> dict[str, object]:
    now = timezone.now()
    return {"state": NoticeState.SENT, "next_try_at": None, "sent_at": now}


def _after_failure(tries: int) -> dict[str, object]:
    """Return the columns of a notice that failed so many times."""
    if tries >= MOST_TRIES:
        return {"state": NoticeState.FAILED, "next_try_at": None}
    pause = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return {"next_try_at": timezone.now() + pause}
