"""Deletes what was recorded of a chat or an owner, and what of it is still on its way."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import batched
from time import monotonic

from django.db import router, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from chatdebug.conf import recorder_settings
from chatdebug.models import (
    ChatRun,
    ForgottenChat,
    ForgottenOwner,
    GroupAffected,
    RecordingSwitch,
)
from chatdebug.models.forgotten import MARGIN
from chatdebug.models.switches import Scope
from chatdebug.payloads import storable_id
from chatdebug.services.groups import forget_affected

BATCH_RUNS = 500
MARKS = 500
"""Of how many chats or owners runs are asked for at a time."""
BUDGET_SECONDS = 1.0
"""How long whoever deletes a chat waits for its runs to go; writers delete the rest."""
KEPT = timedelta(days=90)
"""How long rows of what was forgotten may come back from the journal of a lost host."""

type Mark = type[ForgottenChat | ForgottenOwner]


def mark_forgotten(*, chat: str) -> None:
    """Mark a chat as forgotten, and delete its runs when that is committed.

    Raises django.db.Error; nothing is marked then.
    """
    chat = storable_id(chat)  # as the writer stores it
    _mark(ForgottenChat, chat)
    RecordingSwitch.objects.filter(scope=Scope.CHAT, key=chat).delete()
    forget_affected(what=GroupAffected.What.CHAT, key=chat)
    _forget_at_commit(GroupAffected.What.CHAT, chat, chats=[chat])


def mark_owner_forgotten(*, owner: str) -> None:
    """Mark an owner as forgotten: writers delete their runs, whatever comes next.

    Raises django.db.Error; whoever opened a transaction decides what becomes of it.
    """
    _mark(ForgottenOwner, storable_id(owner))


def delete_of_owner(*, owner: str) -> None:
    """Delete an owner's switches, and their runs of chats that are not forgotten.

    The runs of forgotten chats are not waited for: they may be many, and go by themselves,
    as does what is still on its way.
    Raises django.db.Error; whoever opened a transaction decides what becomes of it.
    """
    owner = storable_id(owner)
    if not owner:
        return  # nobody: these runs may be anybody's
    mark_owner_forgotten(owner=owner)
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
    _forget_at_commit(GroupAffected.What.PERSON, owner, owners=[owner])


def delete_forgotten(
    *,
    chats: Collection[str] | None = None,
    owners: Collection[str] | None = None,
    since: datetime | None = None,
    budget: float = BUDGET_SECONDS,
    using: str | None = None,
) -> bool:
    """Delete the runs of forgotten chats and owners, in batches; return whether all are gone.

    Looks at these ``chats`` and ``owners``, or at those that were forgotten ``since`` then,
    or at all. ``budget`` is in seconds. Raises django.db.Error.
    """
    using = using or recorder_settings().DATABASE
    is_about_some = chats is not None or owners is not None
    ends = monotonic() + budget
    named: list[tuple[Mark, Collection[str] | None]] = [
        (ForgottenChat, chats),
        (ForgottenOwner, owners),
    ]
    for model, keys in named:
        forgotten = model.objects.using(using)
        if is_about_some:
            forgotten = forgotten.filter(pk__in=keys or ())
        if since is not None:
            forgotten = forgotten.filter(forgotten_at__gte=since)
        marks = list(forgotten.order_by("pk").values_list("pk", "forgotten_at"))
        for some in batched(marks, MARKS):
            for _ in _delete_runs(model._meta.pk.name, dict(some), using):
                if monotonic() > ends:
                    return False
    return True


def remove_old_marks(*, using: str) -> None:
    """Remove the marks of what was forgotten long ago. Raises django.db.Error."""
    old = timezone.now() - KEPT
    for model in (ForgottenChat, ForgottenOwner):
        model.objects.using(using).filter(forgotten_at__lt=old).delete()


def _mark[M: (ForgottenChat, ForgottenOwner)](model: type[M], key: str) -> None:
    """Mark it by one write: SQLite lets nobody write who has read before others wrote."""
    model.objects.bulk_create(
        [model(pk=key, forgotten_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=["forgotten_at"],
    )


def _forget_at_commit(
    what: GroupAffected.What,
    key: str,
    *,
    chats: Collection[str] = (),
    owners: Collection[str] = (),
) -> None:
    def forget() -> None:
        # Again: a writer cannot know of a mark before it is committed.
        forget_affected(what=what, key=key)
        delete_forgotten(chats=chats, owners=owners, budget=BUDGET_SECONDS)

    transaction.on_commit(
        forget,
        using=router.db_for_write(ForgottenChat),
        robust=True,  # the writers delete the runs, if it does not work now
    )


def _delete_runs(
    column: str, forgotten: dict[str, datetime], using: str
) -> Iterator[int]:
    """Delete batch after batch, and yield how many rows each was."""
    runs = ChatRun.objects.using(using).order_by()
    found = runs.filter(
        **{f"{column}__in": forgotten},
        started_at__lte=max(forgotten.values()) + MARGIN,
    )
    old = [
        pk
        for pk, key, began in found.values_list("pk", column, "started_at")
        if began <= forgotten[key] + MARGIN
    ]
    for batch in batched(old, BATCH_RUNS):
        # Their steps go with them in the database.
        yield runs.filter(pk__in=batch).delete()[0]
