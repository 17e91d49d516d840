"""A chat that is deleted takes with it all that was recorded of it."""

import pytest
from django.test import Client
from django.urls import reverse

from chatd.models import Chat
from chatd.services.chats import delete_chat
from chatdebug.models import ChatRun, ChatStep, ForgottenChat
from tests.factories import ChatFactory, ChatRunFactory, ChatStepFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_runs_of_a_chat_go_with_it() -> None:
    chat, other = ChatFactory(), ChatFactory()
    for each in (chat, other):
        ChatStepFactory(run=ChatRunFactory(chat_id=str(each.pk)))
    client = Client()
    client.force_login(chat.owner)
    client.post(reverse("chat-delete", args=[chat.pk]))
    assert Chat.objects.get() == other
    assert ChatRun.objects.get().chat_id == str(other.pk)
    assert ChatStep.objects.count() == 1


def test_a_chat_that_could_not_be_deleted_keeps_its_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = ChatFactory()
    ChatRunFactory(chat_id=str(chat.pk))

    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("not now")

    monkeypatch.setattr(Chat, "delete", refuse)
    with pytest.raises(RuntimeError):
        delete_chat(chat=chat)
    assert ChatRun.objects.exists()
    assert not ForgottenChat.objects.exists()
