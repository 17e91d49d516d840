"""Writes about chats."""

from typing import TYPE_CHECKING

from django.db import transaction

from chatd.models import MAX_TITLE_CHARACTERS, Chat, ModelConfig
from chatdebug.recorder import forget_chat

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def create_chat(*, owner: "User", model: ModelConfig, title: str = "") -> Chat:
    """Open an empty chat. Without a title it gets one from its first message."""
    return Chat.objects.create(
        owner=owner, model=model, title=title.strip()[:MAX_TITLE_CHARACTERS]
    )


def rename_chat(*, chat: Chat, title: str) -> None:
    """Give a chat another title; its place in the list stays."""
    chat.title = title.strip()[:MAX_TITLE_CHARACTERS]
    chat.save(update_fields=["title"])


def delete_chat(*, chat: Chat) -> None:
    """Delete a chat with its turns and messages, and all that was recorded of it."""
    chat_id = chat.pk
    with transaction.atomic():
        chat.delete()
        forget_chat(chat_id)
