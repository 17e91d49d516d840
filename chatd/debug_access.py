"""What the recorder has to know of this project: who may read a chat, and its secrets."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Left
from django.urls import reverse

from chatd.models import Chat, ChatMessage
from chatdebug.access import User, may_read_content
from chatdebug.enums import Evidence

SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)(?:_\d+)?$")
QUESTION_CHARACTERS = 300
MESSAGE_ID = re.compile(r"[0-9]{1,18}")
"""Of a row that there can be. What came from elsewhere may be any number, and SQLite fails
on those that have no place in its columns."""
MIN_VALUE = 8
"""A shorter value of such a variable is a flag or a name."""


class ChatAccess:
    """The owner of a chat may read its evidence; staff with the permission for content too."""

    def may_read(self, user: User, chat_id: str) -> bool:
        """Return whether this person may read the chat, and so its evidence."""
        return self.may_switch(user, chat_id) or may_read_content(user)

    def may_switch(self, user: User, chat_id: str) -> bool:
        """Return whether this is the chat's owner."""
        owner_id = self.owner_id_of(chat_id)
        return bool(owner_id) and owner_id == str(user.pk)

    def owner_id_of(self, chat_id: str) -> str:
        """Return the id of the chat's owner; empty if there is no such chat."""
        key = _as_uuid(chat_id)
        if key is None:
            return ""
        owner = Chat.objects.filter(pk=key).values_list("owner_id", flat=True).first()
        return "" if owner is None else str(owner)

    def chat_url(self, chat_id: str) -> str:
        """Return the address of the chat's page."""
        key = _as_uuid(chat_id)
        return reverse("chat", args=[key]) if key is not None else ""

    def questions_of(
        self, chat_id: str, message_ids: Collection[str]
    ) -> Mapping[str, str]:
        """Return how these messages of the chat begin, by their ids."""
        key = _as_uuid(chat_id)
        numbers = [
            int(number) for number in message_ids if MESSAGE_ID.fullmatch(number)
        ]
        if key is None:
            return {}
        found = ChatMessage.objects.filter(chat=key, pk__in=numbers)
        beginnings = found.values_list("pk", Left("text", QUESTION_CHARACTERS))
        return {str(number): text for number, text in beginnings}

    def evidence_of(self, chat_id: str) -> str:
        """Return what the chat's model lets a failing call keep at most."""
        key = _as_uuid(chat_id)
        if key is None:
            return Evidence.FULL
        kept = Chat.objects.filter(pk=key).values_list("model__evidence", flat=True)
        return kept.first() or Evidence.FULL


def deployment_secrets() -> Iterator[str]:
    """Yield what no record may hold. Reads no database, so any thread may ask.

    That is: Django's keys, the databases' passwords, and the values of environment
    variables with telling names. A provider's key is added when it is first used.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield key if isinstance(key, str) else key.decode(errors="replace")
    for database in settings.DATABASES.values():
        yield str(database.get("PASSWORD") or "")
    for name, value in os.environ.items():
        if SECRET_VARIABLE.search(name) and len(value) >= MIN_VALUE:
            yield value


def _as_uuid(chat_id: str) -> UUID | None:
    """Return the key of a chat by the one id that its runs and switches know it by.

    In capitals or without dashes it would be the same chat here, and another one there.
    """
    try:
        key = UUID(chat_id)
    except ValueError:
        return None
    return key if str(key) == chat_id else None
