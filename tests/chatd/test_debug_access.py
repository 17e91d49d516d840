"""What the recorder is told of chats, whatever it asks for."""

import pytest
from django.test import Client
from django.urls import reverse

from chatd.debug_access import ChatAccess
from tests.factories import ChatFactory, ChatRunFactory, TurnFactory
from tests.optional import present

pytestmark = pytest.mark.django_db

NO_ROWS = ["9" * 31, str(2**63), "9" * 19, "0" * 64, "-1", "1e3", "²", ""]


def test_messages_are_told_by_their_ids_beside_ids_that_no_message_has() -> None:
    question = present(TurnFactory().question)
    asked = [str(question.pk), *NO_ROWS]
    found = ChatAccess().questions_of(str(question.chat_id), asked)
    assert found == {str(question.pk): question.text}


@pytest.mark.parametrize("message_id", ["9" * 31, str(2**63)])
def test_a_run_of_a_message_that_no_chat_has_is_shown(message_id: str) -> None:
    chat = ChatFactory()
    run = ChatRunFactory(chat_id=str(chat.pk), trigger_message_id=message_id)
    client = Client()
    client.force_login(chat.owner)
    for url in (
        reverse("chatdebug:panel", args=[chat.pk]),
        reverse("chatdebug:run", args=[chat.pk, run.pk]),
    ):
        assert client.get(url).status_code == 200
