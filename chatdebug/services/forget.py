"""Deletes what was recorded of a chat or an owner, and what of it is still on its way."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from time import monotonic

from django.db import router, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.models import ChatRun, ForgottenChat, GroupAffected, RecordingSwitch
from chatdebug.models.forgotten import MARGIN
from chatdebug.models.switches import Scope
from chatdebug.payloads import storable_id
from chatdebug.services.groups import forget_affected

BATCH_RUNS = 500
CHATS = 500
"""How many chats are asked for at a time."""
BUDGET_SECONDS = 1.0
"""How long whoever deletes a chat waits for its runs to go; writers delete the rest."""
KEPT = timedelta(days=90)
"""How long the rows of a deleted chat may come back from the journal of a lost host."""


def mark_forgotten(*, chat: str) -> None:
    """Mark a chat as forgotten, and delete its runs when that is committed.

    Raises django.db.Error; nothing is marked then.
    """
    chat = storable_id(chat)  # as the writer stores it
    ForgottenChat.objects.update_or_create(
        chat_id=chat, defaults={"forgotten_at": timezone.now()}
    )
    RecordingSwitch.objects.filter(scope=Scope.CHAT, key=chat).delete()
    forget_affected(what=GroupAffected.What.CHAT, key=chat)
    transaction.on_commit(
        partial(delete_forgotten, chats=[chat], budget=BUDGET_SECONDS),
        using=router.db_for_write(ForgottenChat),
        robust=True,  # the writers do it, if it does not work now
    )


def delete_of_owner(*, owner: str) -> None:
    """Delete an owner's switches, and their runs of chats that are not forgotten.

    The runs of forgotten chats are not waited for: they may be many, and go by themselves.
    Raises django.db.Error; whoever opened a transaction decides what becomes of it.
    """
    owner = storable_id(owner)
    if not owner:
        return  # nobody: these runs may be anybody's
    marks = ForgottenChat.objects.filter(
        chat_id=OuterRef("chat_id"), forgotten_at__gte=OuterRef("started_at")
    )
    left = ChatRun.objects.filter(~Exists(marks), owner_id=owner).order_by()
    while batch := list(left.values_list("pk", flat=True)[:BATCH_RUNS]):
        ChatRun.objects.filter(pk__in=batch).delete()
    RecordingSwitch.objects.filter(
        scope__in=(Scope.OWNER, Scope.CONSENT), key=owner
    ).delete()
    forget_affected(what=GroupAffected.What.PERSON, key=owner)


def delete_forgotten(
    *,
    chats: Collection[str] | None = None,
    since: datetime | None = None,
    budget: float = BUDGET_SECONDS,
    using: str | None = None,
) -> bool:
    """Delete the runs of forgotten chats, in batches; return whether all of them are gone.

    Looks at these ``chats``, or at those that were forgotten ``since`` then, or at all.
    ``budget`` is in seconds. Raises django.db.Error.
    """
    using = using or recorder_settings().DATABASE
    forgotten = ForgottenChat.objects.using(using)
    if chats is not None:
        forgotten = forgotten.filter(chat_id__in=chats)
    if since is not None:
        forgotten = forgotten.filter(forgotten_at__gte=since)
    ends = monotonic() + budget
    marks = list(forgotten.order_by("pk").values_list("chat_id", "forgotten_at"))
    for some in batched(marks, CHATS):
        for _ in _delete_runs(dict(some), using):
            if monotonic() > ends:
                return False
    return True


def remove_old_marks(*, using: str) -> None:
    """Remove the marks of chats that were forgotten long ago. Raises django.db.Error."""
    old = timezone.now() - KEPT
    ForgottenChat.objects.using(using).filter(forgotten_at__lt=old).delete()


def _delete_runs(forgotten: dict[str, datetime], using: str) -> Iterator[int]:
    """Delete batch after batch, and yield how many rows each was."""
    runs = ChatRun.objects.using(using).order_by()
    found = runs.filter(chat_id__in=forgotten)
    old = [
        pk
        for pk, chat, began in found.values_list("pk", "chat_id", "started_at")
        if began <= forgotten[chat] + MARGIN
    ]
    for batch in batched(old, BATCH_RUNS):
        # Their steps go with them in the database.
        yield runs.filter(pk__in=batch).delete()[0]
