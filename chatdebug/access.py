"""Who may see the evidence of a chat: the host project says.

The recorder knows chats and people only by id. The setting ``ACCESS_POLICY`` names a class
of the host project that knows more.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from chatdebug.conf import recorder_settings
from chatdebug.enums import Evidence
from chatdebug.logs import safe_logger
from chatdebug.payloads.limits import ID_CHARACTERS

if TYPE_CHECKING:
    # Not at run time: a project without accounts can record, too.
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from chatdebug.models import ChatRun

type User = AbstractBaseUser | AnonymousUser


logger = safe_logger(__name__)

METHODS = ("may_read", "may_switch", "owner_id_of", "chat_url")
"""What each policy has."""


class AccessPolicy(Protocol):
    """What the recorder's pages and API ask the host project. Ids are text.

    A policy may also have ``questions_of(chat_id, message_ids)``, as ``StaffOnly`` has it:
    the Debug tab then shows what was asked, which the recorder itself does not keep. And
    if runs of a chat are given an ``evidence``, ``evidence_of(chat_id)``, which returns it.
    """

    def may_read(self, user: User, chat_id: str) -> bool:
        """Return whether this person may read the chat, and so its evidence.

        What was said in somebody else's chat they are shown when they have said why.
        """

    def may_switch(self, user: User, chat_id: str) -> bool:
        """Return whether this person may switch full recording for this one chat."""

    def owner_id_of(self, chat_id: str) -> str:
        """Return the id of the chat's owner; empty if there is no such chat."""

    def chat_url(self, chat_id: str) -> str:
        """Return the address of the chat's page; empty if it has none."""


class StaffOnly:
    """The policy where the host project names none: staff with the permission for content."""

    def may_read(self, user: User, chat_id: str) -> bool:
        """Allow staff who may read recorded content."""
        return may_read_content(user)

    def may_switch(self, user: User, chat_id: str) -> bool:
        """Allow staff who may change switches."""
        return is_staff_with(user, "chatdebug.change_recordingswitch")

    def owner_id_of(self, chat_id: str) -> str:
        """Return whom the chat's runs name; empty if nobody, or not all the same."""
        from chatdebug.models import ChatRun  # noqa: PLC0415 - settings are read before

        of_somebody = ChatRun.objects.of_chat(chat_id).exclude(owner_id="").order_by()
        owner_ids = list(of_somebody.values_list("owner_id", flat=True).distinct()[:2])
        return owner_ids[0] if len(owner_ids) == 1 else ""

    def chat_url(self, chat_id: str) -> str:
        """Know of no page."""
        return ""

    def questions_of(
        self, chat_id: str, message_ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return the text of these messages of the chat by their ids: know of none."""
        return {}


class Nobody:
    """Stands in for a policy that cannot be made: nobody may read, and least is kept."""

    def may_read(self, user: User, chat_id: str) -> bool:
        """Refuse."""
        return False

    def may_switch(self, user: User, chat_id: str) -> bool:
        """Refuse."""
        return False

    def owner_id_of(self, chat_id: str) -> str:
        """Know of nobody."""
        return ""

    def chat_url(self, chat_id: str) -> str:
        """Know of no page."""
        return ""

    def evidence_of(self, chat_id: str) -> Evidence:
        """Keep the error alone."""
        return Evidence.ERROR


def access_policy() -> AccessPolicy:
    """Return the host project's policy; one that lets nobody read if it cannot be made.

    That is logged, and tried again each time.
    """
    try:
        return made_policy()
    except Exception:
        logger.exception("There is no access policy: nobody may read what was recorded")
        return Nobody()


@cache
def made_policy() -> AccessPolicy:
    """Return the host project's policy. Raises whatever keeps it from being made.

    That is TypeError for what has no methods of a policy.
    """
    path = recorder_settings().ACCESS_POLICY
    policy: AccessPolicy = import_string(path)()
    missing = [name for name in METHODS if not callable(getattr(policy, name, None))]
    if missing:
        raise TypeError(f"{path} is no access policy: it has no {', '.join(missing)}")
    return policy


def questions_of(chat_id: str, message_ids: Collection[Any]) -> Mapping[str, str]:
    """Return what the host project knows of the messages that started runs of a chat.

    Only for whoever may read the chat. A policy without ``questions_of`` knows nothing.
    """
    ask = getattr(access_policy(), "questions_of", None)
    wanted = {str(message_id) for message_id in message_ids if message_id is not None}
    return ask(chat_id, wanted) if ask is not None and wanted else {}


def evidence_of(chat_id: str) -> Evidence:
    """Return what the host project lets failing calls of a chat keep at most.

    Of a policy without ``evidence_of`` that is all that the deployment keeps.
    """
    ask = getattr(access_policy(), "evidence_of", None)
    return Evidence.FULL if ask is None else Evidence(ask(chat_id))


def is_impossible(chat_id: str) -> bool:
    """Return whether no chat can have that id: for PostgreSQL it would be an error."""
    return "\0" in chat_id or len(chat_id) > ID_CHARACTERS


def is_own(user: User, chat_id: str) -> bool:
    """Return whether the chat is this person's: they read it without giving a reason."""
    owner_id = owner_id_of(chat_id)
    return bool(owner_id) and owner_id == str(user.pk)


def owner_id_of(chat_id: str) -> str:
    """Return the id of the chat's owner; empty if there is no such chat, or none at all."""
    return access_policy().owner_id_of(chat_id) if chat_id else ""


def owner_of(chat_id: str, run: "ChatRun | None" = None) -> str:
    """Return the id of whoever is told who reads a chat, or one run of it; empty: nobody.

    Of a chat that is gone, or that nobody but the recorder knows, its run knows.
    """
    return owner_id_of(chat_id) or (run.owner_id if run is not None else "")


def may_read_content(user: User) -> bool:
    """Return whether this is a staff member who may read prompts and answers of all chats."""
    return is_staff_with(user, "chatdebug.view_content")


def is_staff_with(user: User, permission: str) -> bool:
    """Return whether this is an active staff member with a permission."""
    is_staff = bool(user.is_active and getattr(user, "is_staff", False))
    return is_staff and bool(getattr(user, "has_perm", bool)(permission))


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "CHATDEBUG":
        made_policy.cache_clear()
