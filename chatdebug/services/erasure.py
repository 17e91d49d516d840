"""Deletes all that was recorded of a person, who may stay."""

from itertools import batched

from django.db import router, transaction

from chatdebug.access import User
from chatdebug.models import ChatRun
from chatdebug.payloads import storable_id
from chatdebug.querysets import ChatRunQuerySet
from chatdebug.services.audit import note_erasure
from chatdebug.services.forget import (
    delete_of_owner,
    mark_forgotten,
    mark_owner_forgotten,
)

CHATS = 500
"""How many chats are asked for at a time."""


def runs_of_owner(*, owner: str, using: str | None = None) -> ChatRunQuerySet:
    """Return the runs of a person, of whichever chats; none for nobody."""
    owner = storable_id(owner)
    runs = ChatRun.objects.using(using)
    return runs.filter(owner_id=owner) if owner else runs.none()


def erase_owner(*, owner: str, by: User | None) -> int:
    """Delete a person's runs and switches; return how many runs were stored of them.

    They and their chats are marked as forgotten, so that what is on its way goes too; what
    begins a minute later is recorded anew. A chat in which somebody else is named keeps the
    other's runs. It leaves an entry in the audit, before anything goes. Raises
    django.db.Error; with that entry the rest goes nevertheless, a little later.
    """
    owner = storable_id(owner)
    if not owner:
        return 0
    runs = runs_of_owner(owner=owner)
    count = runs.count()
    with transaction.atomic(using=router.db_for_write(ChatRun)):
        mark_owner_forgotten(owner=owner)
        note_erasure(by=by, owner=owner, runs=count)
    chats = runs.exclude(chat_id="").order_by().values_list("chat_id", flat=True)
    for some in batched(list(chats.distinct()), CHATS):
        others = ChatRun.objects.filter(chat_id__in=some)
        others = others.exclude(owner_id__in=["", owner]).order_by()
        shared = set(others.values_list("chat_id", flat=True).distinct())
        for chat in some:
            if chat not in shared:
                with transaction.atomic(using=router.db_for_write(ChatRun)):
                    mark_forgotten(chat=chat)
    with transaction.atomic(using=router.db_for_write(ChatRun)):
        delete_of_owner(owner=owner)
    return count
