"""The front door for a host project that deletes a chat or an account."""

from chatdebug.evidence.changes import last_good_calls
from chatdebug.models import ChatRun
from chatdebug.services.forget import delete_of_owner, mark_forgotten


def forget_chat(chat_id: object) -> None:
    """Delete all runs of a chat, those that are still on their way, and its switch.

    For the host project, when it deletes a chat, in the same transaction: it commits both
    or neither. The runs go when it has committed, within a second or, of a chat with very
    many, a little later by the recorder's writers, which also delete what comes after.
    Runs of other chats that name this one as parent or root stay: forget those chats too.
    Raises django.db.Error, and ValueError for an empty id, which is that of no chat;
    nothing is forgotten then::

        with transaction.atomic():
            forget_chat(chat.pk)
            chat.delete()
    """
    if chat_id == "":
        raise ValueError("An empty id is that of no chat: its runs are not forgotten")
    mark_forgotten(chat=str(chat_id))
    last_good_calls.forget_one(str(chat_id))


def count_runs(chat_id: object) -> int:
    """Return how many runs of a chat are stored, for the question before it is deleted."""
    return ChatRun.objects.filter(chat_id=str(chat_id)).count()


def forget_owner(owner_id: object) -> None:
    """Delete an owner's runs, of whichever chats, and their switch.

    For the host project, when it deletes an account, in the same transaction and after it
    has forgotten the account's chats. What is on its way goes too, by the same marks.
    Raises django.db.Error; nothing is forgotten then::

        with transaction.atomic():
            forget_owner(user.pk)
            user.delete()
    """
    delete_of_owner(owner=str(owner_id))
    last_good_calls.forget()  # whose they are is not known of these
