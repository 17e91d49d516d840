"""What the recorder is told of chats, whatever it asks for."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

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


@pytest.mark.parametrize(
    "form",
    [
        lambda chat_id: chat_id.upper(),
        lambda chat_id: chat_id.replace("-", ""),
        lambda chat_id: f"{{{chat_id}}}",
        lambda chat_id: f"urn:uuid:{chat_id}",
    ],
    ids=["capitals", "no dashes", "braces", "urn"],
)
def test_a_chat_is_known_by_one_form_of_its_id_alone(
    form: Callable[[str], str],
) -> None:
    """By another one its switch would be set where no turn of it looks."""
    chat = ChatFactory()
    api = APIClient()
    api.force_authenticate(chat.owner)
    for chat_id, status in ((str(chat.pk), 200), (form(str(chat.pk)), 404)):
        for name in ("logging", "runs"):
            url = f"/api/v1/chats/{quote(chat_id)}/debug/{name}/"
            assert api.get(url).status_code == status, url
