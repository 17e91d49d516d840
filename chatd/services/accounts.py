"""Writes about accounts."""

from typing import TYPE_CHECKING

from django.db import transaction

from chatd.models import ApiToken, Chat
from chatd.services.chats import delete_chat
from chatdebug.recorder import forget_owner

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_TOKENS = 20
"""Of one person. A program that signs in each time pushes out its own oldest ones."""


def create_token(*, user: "User") -> tuple[ApiToken, str]:
    """Make a token of the API; return it with its text, which is stored nowhere."""
    with transaction.atomic():
        stamp = user.get_session_auth_hash()
        token, text = ApiToken.objects.create(user=user, stamp=stamp)
        kept = ApiToken.objects.valid_of(user).values_list("pk", flat=True)[:MAX_TOKENS]
        ApiToken.objects.filter(user=user).exclude(pk__in=list(kept)).delete()
    return token, text


def revoke_tokens(*, user: "User") -> None:
    """End all of a person's tokens."""
    ApiToken.objects.filter(user=user).delete()


def delete_account(*, user: "User") -> None:
    """Delete an account with its chats, their evidence, its tokens and sessions.

    Chat by chat, so that no transaction grows with what somebody wrote; an account that is
    gone in the end has nothing left, and one that could not be deleted can be again.
    """
    for chat in Chat.objects.owned_by(user).iterator():
        delete_chat(chat=chat)
    with transaction.atomic():
        forget_owner(
            user.pk
        )  # also of chats that are gone without having been forgotten
        user.delete()
