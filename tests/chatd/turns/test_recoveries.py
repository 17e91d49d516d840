"""Answers that took several attempts say so: on the turn, in the API and to the recorder."""

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from chatd.models import Chat
from chatdebug.enums import Outcome
from chatdebug.models import ChatRun
from chatdebug.writer import close_writer
from tests.chatd.turns.site import answer, let_no_clock_decide, new_chat, run_on_site
from tests.optional import present

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick"),
]
MET = {
    "fault-429-then-ok": "The demo provider took no more requests from this site for the "
    "moment (429).",
    "fault-500-then-ok": "The demo provider had an error of its own (500).",
}


def answered(model: str, settings: LazySettings) -> Chat:
    """Return a chat with one answered message."""
    let_no_clock_decide(settings)
    chat = new_chat(model)

    async def body() -> None:
        assert (await answer(chat)).status == "completed"

    run_on_site(body)
    close_writer(timeout=20)
    return chat


@pytest.mark.parametrize("model", MET)
def test_a_recovered_turn_says_which_attempt_answered_and_what_the_first_one_met(
    model: str, settings: LazySettings
) -> None:
    chat = answered(model, settings)
    turn = chat.turns.get()
    told = present(turn.recovery)
    message = MET[model]
    assert told["message"] == message
    assert told["attempts"] == 2
    first = message[:1].lower() + message[1:]
    # It waits for some milliseconds here, which are not worth telling.
    assert told["note"] == f"Answered on attempt 2. Attempt 1 failed: {first}"
    assert turn.error is None
    client = APIClient()
    client.force_authenticate(chat.owner)
    seen = client.get(f"/api/v1/chats/{chat.pk}/turns/{turn.pk}/").json()
    assert seen["recovery"] == told


def test_what_was_recorded_of_a_recovery_is_named_beside_the_answer(
    settings: LazySettings,
) -> None:
    chat = answered("fault-500-then-ok", settings)
    run = ChatRun.objects.of_chat(str(chat.pk)).get()
    assert run.outcome is Outcome.RECOVERED
    assert chat.turns.get().own_run_id == str(run.pk)


def test_a_recovery_from_a_known_failure_has_no_run(settings: LazySettings) -> None:
    chat = answered("fault-429-then-ok", settings)
    assert chat.turns.get().own_run_id == ""
    assert not ChatRun.objects.exists()


def test_an_answer_of_the_first_attempt_has_nothing_to_recover_from(
    settings: LazySettings,
) -> None:
    assert answered("demo", settings).turns.get().recovery is None
